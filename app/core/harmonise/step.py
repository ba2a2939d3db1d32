"""From a recipe to the unfitted first step of a pipeline: the feature columns, harmonised or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.core.errors import RecipeError
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
        too small, sites that some fold must lack are to be refused, or a column is missing.
    InputError
        A continuous covariate holds text.
    """
    from app.core.harmonise.combat import Combat

    if recipe.method == "none":
        return
    known = Combat((), **recipe.model_dump(exclude={"method"})).fit(table, labels)
    small = [site or "not stated" for site, count in known.sites_.items() if not site or count < recipe.at_least]
    if recipe.unseen == "refuse" and small:
        raise RecipeError(
            f"Cases of unseen sites are to be refused, but {len(small)} of the {len(known.sites_)} sites have fewer "
            f"than {recipe.at_least} cases, {small[0]} first: some folds train without them.",
            "Choose another policy for unseen sites, or leave those cases out.",
        )
