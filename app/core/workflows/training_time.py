"""How long a training will take, measured: one inner fold of each model on the table itself, times what is to come.

Of a network a few steps on made-up pictures are measured; early stopping usually ends it sooner than is told.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.core.errors import AppError
from app.core.recipe import ModelRecipe, Recipe
from app.core.workflows.making import runs_on_card

_FEW, _SLICES = 5, 10
_OVERHEAD = 1.1
"""Comparators, thresholds and the writing of the model."""


def estimate_seconds(
    recipes: Sequence[Recipe], rows: NDArray[np.float64], labels: NDArray[np.int_], folds: int, jobs: int = 1
) -> Iterator[tuple[str, float | None]]:
    """Measure what a single repeat of the outer folds costs with each recipe.

    Parameters
    ----------
    recipes : sequence of Recipe
    rows : array, shape (cases, features)
        NaN where missing.
    labels : array of int, shape (cases,)
    folds : int
        Outer folds.
    jobs : int
        Processes.

    Yields
    ------
    name : str
        Of a recipe.
    seconds : float or None
        For one repeat, s; None where its classifier cannot be fitted on this machine or table.
    """
    order = np.random.default_rng(0).permutation(len(labels))
    held = order[: max(2, len(labels) // max(folds, 2))]
    kept = np.setdiff1d(order, held)
    rounds = math.ceil(folds / max(1, jobs))
    for recipe in recipes:
        if recipe.network is not None:
            yield recipe.name, _time_network(recipe, len(kept), rounds, alone=runs_on_card(recipe), folds=folds)
            continue
        members = recipe.model.members or (recipe.model,)
        costs = [_time_fold(member, recipe.model, rows[kept], labels[kept]) for member in members]
        known = [cost for cost in costs if cost is not None]
        yield recipe.name, rounds * sum(known) * _OVERHEAD if len(known) == len(costs) else None


def _time_network(recipe: Recipe, cases: int, rounds: int, *, alone: bool, folds: int) -> float | None:
    """Seconds of one repeat of the folds; None where the weights are not there, or do not fit.

    Parameters
    ----------
    cases : int
        That a fold trains on.
    rounds : int
        Of folds side by side.
    alone : bool
        Whether folds wait for one another whatever the number of processes.
    """
    from app.core.deep.device import find_device
    from app.core.deep.estimator import estimate_epochs
    from app.core.deep.weights import find_weights

    network = recipe.network
    if network is None:
        return None
    try:
        for each in (network, *network.members):
            _ = find_weights(each.weights) if each.weights else None
    except AppError:
        return None
    slices = 1 if network.crop.set in ("largest_slice", "volume") else network.crop.most or _SLICES
    times = estimate_epochs(network, cases * slices, find_device(threads=1))
    if network.use == "features" and not network.tune:
        return sum(each.epoch for each, _ in times) * folds / max(folds - 1, 1)  # once for all folds
    trainings = sum(each.epoch * epochs for each, epochs in times)
    inner = recipe.model.search.folds * recipe.model.search.repeats + 1 if network.use == "features" else 1
    return (folds if alone else rounds) * trainings * inner * _OVERHEAD


def _time_fold(
    member: ModelRecipe, whole: ModelRecipe, rows: NDArray[np.float64], labels: NDArray[np.int_]
) -> float | None:
    """Seconds of one outer fold: the first inner fold is fitted, the others will cost the same."""
    from sklearn import config_context
    from threadpoolctl import threadpool_limits

    from app.core.classify.candidates import build_candidates
    from app.core.classify.search import Fold, score_candidates
    from app.core.evaluate.folds import make_folds

    try:
        train, test = make_folds(labels, np.arange(len(labels)), whole.search.folds, 1, 0).splits[0]
        candidates = build_candidates(member)
        with threadpool_limits(1), config_context(skip_parameter_validation=True, assume_finite=True):
            few = np.concatenate([train[labels[train] == label][:_FEW] for label in (0, 1)])
            alone = replace(candidates, settings=candidates.settings[:1])
            score_candidates(alone, Fold(rows[few], labels[few], rows[test]))  # libraries are loaded only once
            begun = time.perf_counter()
            score_candidates(candidates, Fold(rows[train], labels[train], rows[test]))
            once = time.perf_counter() - begun
    except (AppError, ImportError, ValueError):
        return None
    return once * (whole.search.folds * whole.search.repeats + 1 / len(candidates.settings))
