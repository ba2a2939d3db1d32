"""The classifiers that a recipe may name: unfitted, seeded, one thread each (the folds are what runs in parallel)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.core.recipe import ModelRecipe


def make_classifier(recipe: ModelRecipe, random_state: int) -> Any:
    """Make the unfitted classifier of a recipe, with what the recipe does against unequal classes around it."""
    classifier = _MAKERS[recipe.kind](recipe, random_state)
    if recipe.balance == "none":
        return classifier
    from app.core.classify.balanced import BalancedClassifier

    return BalancedClassifier(classifier, recipe.balance, random_state)


def _logistic(recipe: ModelRecipe, random_state: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(
        C=recipe.strength, l1_ratio=0.0, solver="saga", tol=1e-3, max_iter=20000, random_state=random_state
    )


def _svm(recipe: ModelRecipe, random_state: int) -> Any:
    from sklearn.svm import SVC

    return SVC(kernel="linear", C=recipe.strength, random_state=random_state)


def _forest(_recipe: ModelRecipe, random_state: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(200, random_state=random_state, n_jobs=1)


def _extra(_recipe: ModelRecipe, random_state: int) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(200, random_state=random_state, n_jobs=1)


def _boosting(_recipe: ModelRecipe, random_state: int) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(
        n_estimators=100,
        max_depth=2,
        learning_rate=0.1,
        subsample=0.8,
        colsample_bytree=0.3,
        tree_method="exact",
        n_jobs=1,
        random_state=random_state,
    )


def _dense(_recipe: ModelRecipe, random_state: int) -> Any:
    from app.core.classify.dense import DenseNetwork

    return DenseNetwork(random_state=random_state)


_MAKERS: dict[str, Callable[[ModelRecipe, int], Any]] = {
    "logistic": _logistic,
    "svm": _svm,
    "rf": _forest,
    "extra": _extra,
    "xgb": _boosting,
    "mlp": _dense,
}
