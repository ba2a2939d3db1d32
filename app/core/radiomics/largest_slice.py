"""The slice where the tumour is largest, measured in 2D: its shape, its intensities, its texture."""

from __future__ import annotations

import math

import numpy as np

from app.core.data import Mask, Volume
from app.core.radiomics.catalogue import feature_names
from app.core.radiomics.families import ORIGINAL_ONLY
from app.core.radiomics.parts import measure_part, part_names
from app.core.radiomics.planes import largest_slice, stack_slices, take_slice
from app.core.radiomics.region import Region, counted_voxels
from app.core.radiomics.texture import run_class
from app.core.recipe import RadiomicsRecipe

PREFIX = "slice-"
SHAPE = ("Elongation", "MajorAxisLength", "MaximumDiameter", "MeshSurface", "MinorAxisLength", "Perimeter",
         "PerimeterSurfaceRatio", "PixelSurface", "Sphericity")


def names(recipe: RadiomicsRecipe) -> list[str]:
    """Name what a recipe measures on the largest slice.

    Returns
    -------
    list of str
        The shape of the slice, then the recipe's classes of intensity and texture on the unfiltered slice, then its
        quantised texture and Gabor responses; nothing where the recipe does not ask for the slice.
    """
    if not recipe.largest_slice:
        return []
    return [f"{PREFIX}{name}" for name in (*(f"original_shape2D_{feature}" for feature in SHAPE),
                                           *feature_names(_on_slice(recipe)))]


def measure(volume: Volume, mask: Mask, recipe: RadiomicsRecipe) -> dict[str, float]:
    """Measure the slice where the tumour is largest.

    Parameters
    ----------
    volume, mask : Volume, Mask
        On one grid, shape (i, j, k), RAS+ mm. Slices are those across the coarsest axis; of several with as much tumour
        the middle one counts.
    recipe : RadiomicsRecipe
        Grey levels are made anew from the slice's own intensities.

    Returns
    -------
    dict of str to float
        By the names of `names`; one that the slice does not allow is left out, all of them where it holds one pixel.
    """
    if not recipe.largest_slice or not mask.voxels.any():
        return {}
    volume, mask = stack_slices(volume), stack_slices(mask)
    k = largest_slice(mask)
    volume, mask = take_slice(volume, k), take_slice(mask, k)
    if int(mask.voxels.sum()) < 2:
        return {}
    within = _on_slice(recipe)
    found = {f"original_shape2D_{feature}": value for feature, value in _measure_shape(mask).items()}
    found |= _measure_classes(volume, mask, within)
    for part in part_names(within):
        found |= measure_part(part, volume, mask, within)
    return {f"{PREFIX}{name}": value for name, value in found.items()}


def _on_slice(recipe: RadiomicsRecipe) -> RadiomicsRecipe:
    """The part of a recipe that a single slice can answer."""
    classes = tuple(name for name in recipe.classes if name not in ORIGINAL_ONLY)
    filters = {"Original": recipe.filters.get("Original", {})}
    return recipe.model_copy(update={"classes": classes, "filters": filters, "force_2d": True, "largest_slice": False,
                                     "stable_only": False, "names": None})


def _measure_shape(mask: Mask) -> dict[str, float]:
    import SimpleITK as sitk

    label = sitk.GetImageFromArray(np.ascontiguousarray(mask.voxels[mask.box()].T).astype(np.uint8))
    label.SetSpacing(mask.geometry.spacing)
    return run_class("shape2D", label, label, SHAPE, force2D=True, force2Ddimension=0)


def _measure_classes(volume: Volume, mask: Mask, recipe: RadiomicsRecipe) -> dict[str, float]:
    from app.core.radiomics.filters import filtered_images

    about = "largest slice"
    found: dict[str, float] = {}
    for name, image, settings in filtered_images(volume, mask, recipe, {"original"}):
        box = mask.box()
        region = Region(name, about, image[box], volume, mask, counted_voxels(about, volume, mask, recipe), recipe,
                        settings)
        region.check_levels(recipe.classes)
        for class_name in recipe.classes:
            features = [column.split("_")[2] for column in feature_names(recipe.model_copy(update={
                "classes": (class_name,), "quantised": None, "gabor": None}))]
            found |= {f"{name}_{class_name}_{feature}": value
                      for feature, value in region.measure(class_name, features).items()
                      if feature in features and math.isfinite(value)}
    return found
