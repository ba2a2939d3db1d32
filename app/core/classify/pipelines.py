"""The plainest pipeline: logistic regression as a recipe sets it, with nothing tuned and nothing calibrated."""

from __future__ import annotations

from typing import Any

from app.core.errors import RecipeError
from app.core.recipe import ModelRecipe


def build_pipeline(recipe: ModelRecipe) -> Any:
    """Impute (median), scale, classify.

    Parameters
    ----------
    recipe : ModelRecipe
        Kind of classifier and its penalty.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Unfitted; input (cases, features), NaN where a value is missing.

    Raises
    ------
    RecipeError
        The recipe names another kind of classifier.
    """
    if recipe.kind != "logistic":
        raise RecipeError(f"'{recipe.kind}' is not a logistic regression.", "Choose the recipe 'logistic'.")
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    return Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("scale", StandardScaler()),
            ("classify", LogisticRegression(C=recipe.strength, max_iter=5000)),
        ]
    )
