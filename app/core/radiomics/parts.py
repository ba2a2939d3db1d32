"""Parts of a recipe that choose their own images and names: quantised texture, Gabor responses, the largest slice."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from app.core.data import Mask, Volume
from app.core.recipe import RadiomicsRecipe

# Each module has `names(recipe) -> list[str]` and `measure(volume, mask, recipe) -> dict[str, float]`, with whole
# column names, less the sequence.
PARTS = ("quantised", "gabor", "largest_slice")


def part_names(recipe: RadiomicsRecipe) -> dict[str, list[str]]:
    """Name what each part of a recipe measures, the same for every case.

    Returns
    -------
    dict of str to list of str
        By part, in the order of the columns; only parts that the recipe asks for.
    """
    return {part: list(_module(part).names(recipe)) for part in PARTS if getattr(recipe, part)}


def measure_part(part: str, volume: Volume, mask: Mask, recipe: RadiomicsRecipe) -> dict[str, float]:
    """Measure one part of a recipe.

    Parameters
    ----------
    part : str
        One of `PARTS`.
    volume, mask : Volume, Mask
        On one grid, shape (i, j, k), RAS+ mm.
    recipe : RadiomicsRecipe

    Returns
    -------
    dict of str to float
        By column; one that the outline does not allow is left out.
    """
    measured: dict[str, float] = _module(part).measure(volume, mask, recipe)
    return measured


def _module(part: str) -> Any:
    return import_module(f"app.core.radiomics.{part}")
