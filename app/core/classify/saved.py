"""What a saved classifier may hold beside scikit-learn's own estimators, and a look at it before it is used."""

from __future__ import annotations

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
STEPS = frozenset(
    (
        "Combat",
        "FeatureColumns",
        "FiniteValues",
        "SimpleImputer",
        "KNNImputer",
        "VaryingFeatures",
        "SpearmanFilter",
        "StandardScaler",
        "NormalScores",
        "Univariate",
        "Elimination",
        "SparseWeights",
        "PCA",
    )
)
FORESTS = frozenset(("RandomForestClassifier", "ExtraTreesClassifier"))
CLASSIFIERS = FORESTS | {"LogisticRegression", "SVC", "XGBClassifier", "DenseNetwork"}
KERNELS = frozenset(("linear", "rbf", "poly", "sigmoid"))


def is_sound(model: Any) -> bool:
    """Whether a loaded model is made of this program's steps only, and its compiled parts stay within their memory.

    Parameters
    ----------
    model : TunedClassifier, Pipeline or AveragedModels
        As read; nothing of it is run.

    Returns
    -------
    bool
        A crafted tree could lead outside its memory or in a ring: children lie behind their parents and within the
        tree, features within the forest's. So could a support vector machine whose counts and vectors disagree.
    """
    try:
        return _is_sound(model)
    except (AttributeError, IndexError, TypeError, ValueError):
        return False  # a part that should be there is not, or is something else


def _is_sound(model: Any) -> bool:
    fitted = getattr(model, "fitted_", model)
    members = getattr(fitted, "members", [fitted])
    if not isinstance(members, (list, tuple)) or not members:
        return False
    return all(type(member).__name__ == "Pipeline" and _sound_pipeline(member) for member in members)


def _sound_pipeline(pipeline: Any) -> bool:
    steps = [step for _, step in pipeline.steps]
    last: Any = steps[-1]
    if type(last).__name__ == "BalancedClassifier":
        last = last.fitted_
    kind = type(last).__name__
    if kind not in CLASSIFIERS or not all(type(step).__name__ in STEPS for step in steps[:-1]):
        return False
    if kind in FORESTS:
        return all(_sound_tree(tree.tree_, last.n_features_in_) for tree in last.estimators_)
    return kind != "SVC" or _sound_machine(last)


def _sound_machine(machine: Any) -> bool:
    """The support vectors, their weights and their counts agree, so that none is looked for where there is none."""
    vectors, counts = machine.support_vectors_, np.asarray(machine._n_support)  # noqa: SLF001 - as the library runs it
    number = len(machine.support_)
    shapes = vectors.shape == (number, machine.n_features_in_) and machine._dual_coef_.shape == (1, number)
    counted = counts.shape == (2,) and bool((counts >= 0).all()) and int(counts.sum()) == number
    plain = machine.kernel in KERNELS and not machine._sparse and np.shape(machine._intercept_) == (1,)  # noqa: SLF001
    return bool(shapes and counted and plain)


def _sound_tree(tree: Any, features: int) -> bool:
    left, right, own = tree.children_left, tree.children_right, np.arange(tree.node_count)
    leaf = left == -1
    inner = (left > own) & (right > own) & (left < tree.node_count) & (right < tree.node_count)
    asks = (tree.feature >= 0) & (tree.feature < min(features, tree.n_features))
    return bool(tree.node_count > 0 and np.all(np.where(leaf, right == -1, inner & asks)))
