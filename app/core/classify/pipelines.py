"""From a model recipe to an unfitted scikit-learn pipeline: everything that learns sits inside it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def log_odds(pipeline: Any, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear predictor of each row: shape (cases,) from (cases, features)."""
    return np.asarray(pipeline.decision_function(rows), dtype=np.float64)


def linear_effects(pipeline: Any, row: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exact effect of each feature on one case's log odds against the average training case.

    Parameters
    ----------
    pipeline : fitted pipeline of `build_pipeline`
    row : array, shape (features,)

    Returns
    -------
    array, shape (features,)
        Sums, with the intercept, to the linear predictor.
    """
    scaled = pipeline[:-1].transform(row[np.newaxis])[0]
    return np.asarray(scaled * pipeline[-1].coef_[0], dtype=np.float64)


def bootstrap_fits(
    recipe: ModelRecipe,
    rows: NDArray[np.float64],
    labels: NDArray[np.int_],
    patients: NDArray[Any],
    rng: np.random.Generator,
) -> list[Any]:
    """Refit the pipeline on resamples of whole patients, as many as the recipe says.

    A resample with one class only is drawn again.
    """
    names = np.unique(patients)
    members = {name: np.flatnonzero(patients == name) for name in names}
    fits: list[Any] = []
    while len(fits) < recipe.resamples:
        chosen = np.concatenate([members[name] for name in rng.choice(names, len(names))])
        if len(np.unique(labels[chosen])) == 2:
            fits.append(build_pipeline(recipe).fit(rows[chosen], labels[chosen]))
    return fits
