"""From a recipe to the unfitted first step of a pipeline: the feature columns, harmonised or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.core.recipe import HarmoniseRecipe

if TYPE_CHECKING:
    import pandas as pd


def build_harmonisation(recipe: HarmoniseRecipe, features: Sequence[str]) -> Any:
    """Make the step that turns a table into an array.

    Parameters
    ----------
    recipe : HarmoniseRecipe
    features : sequence of str
        Columns, in the model's order.

    Returns
    -------
    FeatureColumns or Combat
        Unfitted. What some fold's rows cannot carry is left out in that fold; `check_harmonisation` is strict about
        the whole table.
    """
    from app.core.harmonise.combat import Combat
    from app.core.harmonise.features import FeatureColumns

    if recipe.method == "none":
        return FeatureColumns(tuple(features))
    return Combat(tuple(features), **recipe.model_dump(exclude={"method"}), misfit="leave_out")


def check_harmonisation(recipe: HarmoniseRecipe, table: pd.DataFrame, labels: Any) -> None:
    """Refuse what no fold could mend: to be asked of the whole table, before anything is learned.

    Parameters
    ----------
    recipe : HarmoniseRecipe
    table : DataFrame
        Site, covariates and protocol of every case.
    labels : array, shape (cases,)

    Raises
    ------
    RecipeError
        A covariate determines the outcome, or cannot be told from the site or from another one, the reference site is
        too small, or a column is missing.
    InputError
        A continuous covariate holds text.
    """
    from app.core.harmonise.combat import Combat

    if recipe.method != "none":
        Combat((), **recipe.model_dump(exclude={"method"})).fit(table, labels)
