"""What a saved classifier may hold beside scikit-learn's own estimators, and a look at its trees before use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

TRUSTED = (
    "app.core.classify.averaged.AveragedModels",
    "app.core.classify.balanced.BalancedClassifier",
    "app.core.classify.dense.DenseNetwork",
    "app.core.classify.filters.FiniteValues",
    "app.core.classify.filters.NormalScores",
    "app.core.classify.filters.SpearmanFilter",
    "app.core.classify.filters.VaryingFeatures",
    "app.core.classify.selection.Elimination",
    "app.core.classify.selection.SparseWeights",
    "app.core.classify.selection.Univariate",
    "app.core.classify.tuned.TunedClassifier",
    "app.core.harmonise.combat.Combat",
    "app.core.harmonise.features.FeatureColumns",
    "numpy.dtype",
    "sklearn.tree._tree.Tree",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
)


def sound_trees(model: Any) -> bool:
    """Whether every forest in a loaded model can be walked: a crafted one could lead outside its memory, or in a ring.

    Parameters
    ----------
    model : TunedClassifier
        As read; nothing of it is run.

    Returns
    -------
    bool
        Children lie behind their parents and within the tree, features within the forest's.
    """
    return all(_sound(tree.tree_, tree.n_features_in_) for forest in _forests(model) for tree in forest.estimators_)


def _forests(model: Any) -> Iterator[Any]:
    fitted = getattr(model, "fitted_", model)
    for pipeline in getattr(fitted, "members", [fitted]):
        last = pipeline.steps[-1][1] if hasattr(pipeline, "steps") else pipeline
        last = getattr(last, "fitted_", last)
        if hasattr(last, "estimators_"):
            yield last


def _sound(tree: Any, features: int) -> bool:
    left, right, own = tree.children_left, tree.children_right, np.arange(tree.node_count)
    leaf = left == -1
    inner = (left > own) & (right > own) & (left < tree.node_count) & (right < tree.node_count)
    asks = (tree.feature >= 0) & (tree.feature < min(features, tree.n_features))
    return bool(tree.node_count > 0 and np.all(np.where(leaf, right == -1, inner & asks)))
