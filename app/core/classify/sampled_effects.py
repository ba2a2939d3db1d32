"""Shapley values by sampling, for models that have no closed form: kernels and networks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.classify.scores import raw_score

Array = NDArray[np.float64]
ROWS = 6000
"""Made-up cases that are scored, about: what bounds the time."""
MOST_PAIRS = 100
SEED = 2019


def sample_effects(pipeline: Any, table: Any) -> Array:
    """Effects on a pipeline's raw score of one case against the case that has every imputed value.

    Features become known one after the other, in random orders, each also backwards: what the score moves when a
    feature becomes known, averaged over the orders. Every order's moves sum to the whole difference, and so do the
    effects.

    Parameters
    ----------
    pipeline : fitted pipeline of a TunedClassifier
        Harmonise (or nothing), finite, impute, vary ... classify.
    table : DataFrame or array
        One row.

    Returns
    -------
    array, shape (features,)
        The same for the same case, always.

    References
    ----------
    Strumbelj and Kononenko, Knowledge and Information Systems 41 (2014), 10.1007/s10115-013-0679-x;
    Mitchell et al., Journal of Machine Learning Research 23 (2022), 22-0439 (antithetic orders)
    """
    case, places, width = _reach(pipeline, table)
    names = [name for name, _ in pipeline.steps]
    first, select = names.index("finite"), names.index("select") if "select" in names else len(names) - 1
    average: Any = np.full((1, width), np.nan)
    for _, step in pipeline.steps[first:select]:
        average = step.transform(average)
    selector: Any = pipeline.steps[select][1] if select < len(names) - 1 else None
    kept = getattr(selector, "kept_", None)
    if kept is not None:
        case, average, places, selector = case[:, kept], average[:, kept], places[kept], None
    classifier = pipeline.steps[-1][1]
    moved = np.flatnonzero(case[0] != average[0])
    effects = np.zeros(width)
    if len(moved):
        effects[places[moved]] = _walk(classifier, selector, case[0], average[0], moved)
    return effects


def _reach(pipeline: Any, table: Any) -> tuple[Any, NDArray[np.int_], int]:
    """The case as it reaches selection, and which of the table's features its columns are."""
    rows, places, width = table, np.empty(0, dtype=np.int_), 0
    for name, step in pipeline.steps[:-1]:
        if name == "select":
            break
        rows = step.transform(rows)
        if not width:
            width = rows.shape[1]
            places = np.arange(width)
        if hasattr(step, "kept_"):
            places = places[step.kept_]
    return rows, places, width


def _walk(classifier: Any, selector: Any, case: Array, average: Array, moved: NDArray[np.int_]) -> Array:
    rng, count = np.random.default_rng(SEED), len(moved)
    pairs = int(np.clip(ROWS // (2 * (count + 1)), 1, MOST_PAIRS))
    total = np.zeros(count)
    for _ in range(pairs):
        order = rng.permutation(count)
        for walk in (order, order[::-1]):
            known = np.tri(count + 1, count, -1, dtype=bool)[:, np.argsort(walk)]
            rows = np.repeat(average[np.newaxis], count + 1, axis=0)
            rows[:, moved] = np.where(known, case[moved], average[moved])
            scores = raw_score(classifier, rows if selector is None else selector.transform(rows))
            total[walk] += np.diff(scores)
    return total / (2 * pairs)
