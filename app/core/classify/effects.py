"""What each feature did to one case's log odds: exact for linear models, Shapley values for everything else."""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.classify.averaged import AveragedModels
from app.core.classify.sampled_effects import sample_effects
from app.core.classify.scores import raw_score

Array = NDArray[np.float64]


def explain(model: Any, table: Any) -> Array:
    """Effect of each feature on the calibrated log odds of one case.

    Parameters
    ----------
    model : fitted TunedClassifier
    table : DataFrame or array
        One row.

    Returns
    -------
    array, shape (features,)
        They sum to the difference from the log odds of the average training case: exactly for linear models; for trees
        by path-dependent Shapley values; for kernels and networks by Shapley values sampled against the case that has
        every imputed value.

    References
    ----------
    Lundberg et al., Nature Machine Intelligence 2 (2020), 10.1038/s42256-019-0138-9 (path-dependent TreeSHAP)
    """
    fitted, slope = model.fitted_, model.calibrator_["slope"]
    if not isinstance(fitted, AveragedModels):
        return np.asarray(slope * _pipeline_effects(fitted, table), dtype=np.float64)
    parts = [own * _pipeline_effects(member, table) for member, own in zip(fitted.members, fitted.slopes, strict=True)]
    return np.asarray(slope * np.mean(parts, axis=0), dtype=np.float64)


def _pipeline_effects(pipeline: Any, table: Any) -> Array:
    """Effects on the raw score, at the positions of the table's features."""
    rows, components = table, None
    places: NDArray[np.int_] | None = None
    width = 0
    for name, step in pipeline.steps[:-1]:
        rows = step.transform(rows)
        if places is None:
            width = rows.shape[1]
            places = np.arange(width)
        if hasattr(step, "kept_"):
            places = places[step.kept_]
        elif name == "select":
            components = step.components_
    classifier = pipeline.steps[-1][1]
    classifier = getattr(classifier, "fitted_", classifier)
    found = _effects(classifier, rows)
    if found is None or places is None:
        return sample_effects(pipeline, table)
    if components is not None:
        if not hasattr(classifier, "coef_"):
            return sample_effects(pipeline, table)
        scaled = components.T @ rows[0]
        found = (classifier.coef_[0] @ components) * scaled
    spread = np.zeros(width)
    spread[places] = found
    return spread


def _effects(classifier: Any, rows: Array) -> Array | None:
    if type(classifier).__name__ == "XGBClassifier":
        from xgboost import DMatrix

        return np.asarray(classifier.get_booster().predict(DMatrix(rows), pred_contribs=True)[0, :-1], np.float64)
    if hasattr(classifier, "estimators_"):
        return _forest_effects(classifier, rows)
    if getattr(classifier, "kernel", "linear") == "linear" and hasattr(classifier, "coef_"):
        return np.asarray(classifier.coef_[0] * rows[0], dtype=np.float64)
    return None


def _forest_effects(forest: Any, rows: Array) -> Array:
    """Shapley values of the share of votes, stretched to the forest's raw score."""
    row = rows[0].astype(np.float32)
    effects = np.mean([tree_shapley(tree.tree_, row) for tree in forest.estimators_], axis=0)
    moved, trees = float(effects.sum()), len(forest.estimators_)
    share = (forest.predict_proba(rows)[0, 1] - moved) * trees
    base = float(np.log((share + 0.5) / (trees + 0.5 - share)))
    stretch = (float(raw_score(forest, rows)[0]) - base) / moved if moved else 0.0
    return np.asarray(effects * stretch, dtype=np.float64)


def tree_shapley(tree: Any, row: NDArray[np.float32]) -> Array:
    """Path-dependent Shapley values of one tree's share of class 1, shape (features,).

    Each leaf is a game of the features on its path: a feature that is known follows the split (1 or 0), one that is
    not follows it as often as the training rows did.
    """
    effects = np.zeros(len(row))
    paths: list[tuple[int, dict[int, tuple[float, float]]]] = [(0, {})]
    while paths:
        node, path = paths.pop()
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left == -1:
            _add_leaf(effects, float(tree.value[node, 0, 1] / tree.value[node, 0].sum()), path)
            continue
        feature, taken = int(tree.feature[node]), left if row[tree.feature[node]] <= tree.threshold[node] else right
        for child in (left, right):
            known, share = path.get(feature, (1.0, 1.0))
            weight = float(tree.weighted_n_node_samples[child] / tree.weighted_n_node_samples[node])
            paths.append((child, {**path, feature: (known * (child == taken), share * weight)}))
    return effects


def _add_leaf(effects: Array, value: float, path: dict[int, tuple[float, float]]) -> None:
    size = len(path)
    if value == 0.0 or size == 0:
        return
    for feature, (known, share) in path.items():
        terms: Array = np.ones(1, dtype=np.float64)
        for other, (their_known, their_share) in path.items():
            if other != feature:
                terms = np.asarray(np.convolve(terms, (their_share, their_known)), dtype=np.float64)
        weights = [factorial(count) * factorial(size - 1 - count) / factorial(size) for count in range(size)]
        effects[feature] += value * (known - share) * float(terms @ weights)
