"""From a recipe to the unfitted first step of a pipeline: the feature columns, harmonised or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.core.recipe import HarmoniseRecipe


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
        Unfitted.
    """
    from app.core.harmonise.combat import Combat
    from app.core.harmonise.features import FeatureColumns

    if recipe.method == "none":
        return FeatureColumns(tuple(features))
    return Combat(tuple(features), **recipe.model_dump(exclude={"method"}))
