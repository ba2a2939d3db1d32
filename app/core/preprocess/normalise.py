"""Making grey values comparable between scanners: z-score, percentile range, or a cohort's standard histogram."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.core.data import FloatArray, Mask, Volume
from app.core.errors import EmptyMask, GeometryMismatch, InputError, RecipeError
from app.core.preprocess.nyul import apply_landmarks, fit_landmarks, load_landmarks, save_landmarks
from app.core.preprocess.regions import around, body_mask, check_values
from app.core.recipe import NormaliseRecipe

__all__ = ["fit_nyul", "load_landmarks", "normalise", "reference_region", "save_landmarks"]


def normalise(volume: Volume, recipe: NormaliseRecipe, tumour: Mask | None = None) -> Volume:
    """Rescale grey values by statistics of a reference region.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k), RAS+ mm.
    recipe : NormaliseRecipe
        'zscore': minus mean, over standard deviation. 'percentile': the range between two percentiles becomes 0 to 1,
        and what lies beyond is clipped. 'nyul': the histogram is mapped to the recipe's landmarks.
    tumour : Mask, optional
        On the volume's grid; needed for the region 'around_tumour'.

    Returns
    -------
    Volume
        On the same grid.

    Raises
    ------
    InputError
        Undefined values, or a region without contrast.
    EmptyMask
        The region needs a tumour outline and there is none.
    RecipeError
        'nyul' without valid landmarks.

    References
    ----------
    Nyul, Udupa and Zhang 2000, 10.1109/42.836373.
    """
    region = reference_region(volume, recipe, tumour)
    if recipe.method == "nyul":
        if recipe.landmarks is None:
            raise RecipeError("Histogram standardisation needs landmarks, and the recipe has none.",
                              "Learn them from the training cohort first.")
        return volume.with_voxels(apply_landmarks(volume, region, recipe.landmarks))
    values = volume.voxels[region.voxels].astype(np.float64)
    return volume.with_voxels(_standardise(volume, values) if recipe.method == "zscore"
                              else _stretch(volume, values, recipe))


def fit_nyul(volumes: Sequence[Volume], recipe: NormaliseRecipe | None = None,
             tumours: Sequence[Mask | None] | None = None) -> tuple[float, ...]:
    """Learn the standard histogram of a cohort, in the region the recipe names.

    Parameters
    ----------
    volumes : sequence of Volume
        Training cases only, one sequence.
    recipe : NormaliseRecipe, optional
        Its region and margin count; the default region is the body.
    tumours : sequence of Mask, optional
        For the region 'around_tumour'.

    Returns
    -------
    tuple of float
        For `NormaliseRecipe.landmarks`.

    Raises
    ------
    InputError
        See `fit_landmarks` and `reference_region`.
    """
    recipe = recipe or NormaliseRecipe(method="nyul")
    outlines = tumours if tumours is not None else [None] * len(volumes)
    regions = [reference_region(volume, recipe, outline) for volume, outline in zip(volumes, outlines, strict=True)]
    return fit_landmarks(volumes, regions)


def reference_region(volume: Volume, recipe: NormaliseRecipe, tumour: Mask | None) -> Mask:
    """Choose the voxels whose grey values are the reference.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k), RAS+ mm.
    recipe : NormaliseRecipe
        'image': every voxel; 'body': without air; 'around_tumour': a ring of `margin_mm` without air and tumour.
    tumour : Mask, optional
        On the volume's grid.

    Returns
    -------
    Mask
        On the volume's grid, not empty.

    Raises
    ------
    InputError
        Undefined values, or one value everywhere.
    EmptyMask
        'around_tumour' without an outline.
    GeometryMismatch
        The outline is on another grid.
    """
    check_values(volume)
    if recipe.region == "image":
        return Mask(np.ones(volume.voxels.shape, dtype=np.bool_), volume.affine, name="image")
    body = body_mask(volume)
    if recipe.region == "body":
        return body
    if tumour is None:
        raise EmptyMask("Normalising by the tissue around the tumour needs a tumour outline, and there is none.",
                        "Add an outline, or choose the region 'body' or 'image'.")
    if not tumour.geometry.matches(volume.geometry):
        raise GeometryMismatch(f"The outline ({tumour.geometry.describe()}) is not on the image's grid "
                               f"({volume.geometry.describe()}).", "Place the outline on the image first.")
    ring = around(tumour, recipe.margin_mm)
    tissue = ring.voxels & body.voxels
    return ring.with_voxels(tissue) if tissue.any() else ring


def _standardise(volume: Volume, values: NDArray[np.float64]) -> FloatArray:
    mean, spread = float(values.mean()), float(values.std())
    if spread <= 1e-9 * abs(mean):
        raise InputError(f"The {values.size} reference voxels all hold {mean:g}; a z-score needs different values.",
                         "Choose another region.")
    return ((volume.voxels.astype(np.float64) - mean) / spread).astype(np.float32)


def _stretch(volume: Volume, values: NDArray[np.float64], recipe: NormaliseRecipe) -> FloatArray:
    low, high = (float(value) for value in np.percentile(values, [recipe.low, recipe.high]))
    if low == high:
        raise InputError(f"Percentiles {recipe.low:g} and {recipe.high:g} of the reference voxels are both {low:g}; "
                         "the range between them is empty.", "Choose wider percentiles or another region.")
    return np.clip((volume.voxels.astype(np.float64) - low) / (high - low), 0, 1).astype(np.float32)
