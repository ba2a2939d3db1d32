"""Texture after equal-probability quantisation: cropped once, quantised once for each number of levels."""

from __future__ import annotations

import math

from app.core.data import Mask, Volume
from app.core.errors import RecipeError
from app.core.radiomics.catalogue import CATALOGUE
from app.core.radiomics.discretise import equal_levels
from app.core.radiomics.planes import crop_to_tumour, stack_slices
from app.core.radiomics.texture import TEXTURE, measure_levels
from app.core.recipe import QuantisedRecipe, RadiomicsRecipe

MOST_LEVELS = 1024
WITHIN_SLICES = frozenset({"glcm", "glrlm"})
"""Classes of directions: 0, 45, 90 and 135 degrees within slices. The others are of neighbourhoods: all 26 voxels."""


def names(recipe: RadiomicsRecipe) -> list[str]:
    """Name the columns of a recipe's quantised texture.

    Returns
    -------
    list of str
        'equal_glcm_Contrast' for the mean over the numbers of levels, or 'equal32_glcm_Contrast' for each; nothing
        where the recipe asks for none.

    Raises
    ------
    RecipeError
        A class is none of texture, or a number of levels is below 2, above 1024 or given twice.
    """
    chosen = recipe.quantised
    if chosen is None:
        return []
    unknown = [name for name in chosen.classes if name not in TEXTURE]
    if unknown:
        raise RecipeError(f"The recipe quantises for the feature class '{unknown[0]}', which is not one of "
                          f"{', '.join(TEXTURE)}.", "Choose one of these.")
    fitting = {count for count in chosen.levels if 2 <= count <= MOST_LEVELS}
    if not fitting or len(fitting) < len(chosen.levels):
        raise RecipeError(f"The recipe quantises to {', '.join(map(str, chosen.levels)) or 'no'} grey levels, "
                          f"different numbers from 2 to {MOST_LEVELS} are expected.",
                          "Correct the numbers of grey levels.")
    images = [f"equal{count}" for count in chosen.levels] if chosen.keep_levels else ["equal"]
    return [f"{image}_{class_name}_{feature}" for image in images for class_name in chosen.classes
            for feature in _features(class_name)]


def measure(volume: Volume, mask: Mask, recipe: RadiomicsRecipe) -> dict[str, float]:
    """Measure texture on grey levels that hold equal numbers of voxels.

    Parameters
    ----------
    volume, mask : Volume, Mask
        On one grid, shape (i, j, k), RAS+ mm. Slices are those across the coarsest axis.
    recipe : RadiomicsRecipe
        Its `quantised`. Co-occurrences and runs are counted along four directions within slices, one matrix for each
        direction over all slices, and the features averaged over directions; zones and neighbourhoods in 3D, or within
        slices too with `force_2d`.

    Returns
    -------
    dict of str to float
        By the names of `names`, pyradiomics' definitions; one that the outline does not allow is left out.

    References
    ----------
    van Griethuysen et al. 2017, 10.1158/0008-5472.CAN-17-0339.
    """
    chosen = recipe.quantised
    if chosen is None or not mask.voxels.any():
        return {}
    volume, mask = stack_slices(volume), stack_slices(mask)
    volume, mask = crop_to_tumour(volume, mask), crop_to_tumour(mask, mask)
    measured = {count: _measure_once(volume, mask, recipe, chosen, count) for count in chosen.levels}
    if chosen.keep_levels:
        return {f"equal{count}_{name}": value for count, found in measured.items() for name, value in found.items()}
    everywhere = set.intersection(*(set(found) for found in measured.values()))
    return {f"equal_{name}": math.fsum(found[name] for found in measured.values()) / len(measured)
            for name in measured[chosen.levels[0]] if name in everywhere}


def _measure_once(volume: Volume, mask: Mask, recipe: RadiomicsRecipe, chosen: QuantisedRecipe,
                  count: int) -> dict[str, float]:
    """Quantise to one number of levels and measure every class; names without the image."""
    levels = equal_levels(volume, mask, count)
    found: dict[str, float] = {}
    for class_name in chosen.classes:
        in_plane = recipe.force_2d or class_name in WITHIN_SLICES
        values = measure_levels(class_name, levels, mask, _features(class_name), force2D=in_plane, force2Ddimension=0)
        found |= {f"{class_name}_{feature}": value for feature, value in values.items()}
    return found


def _features(class_name: str) -> list[str]:
    """Names of pyradiomics' features of a class, in the catalogue's order."""
    return [name.split("_")[2] for name in CATALOGUE if name.startswith(f"original_{class_name}_")]
