"""Correction of the smooth intensity drift that coils leave in an MR image (N4), by one of three engines."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.core.data import Caution, FloatArray, Mask, Volume
from app.core.errors import EmptyMask, GeometryMismatch, InputError
from app.core.preprocess import n4_ants, n4_fast, n4_itk
from app.core.preprocess.follow import place_mask
from app.core.preprocess.n4_fast import shrunken
from app.core.preprocess.regions import body_mask, check_values, coarsest_axis, otsu_mask
from app.core.recipe import N4Recipe

if TYPE_CHECKING:
    from app.core.jobs import Report

FEWEST_AFTER_SHRINK = 4
MOST_NEGATIVE = 0.01
_PLACING = ("mask_resampled", "mask_turned", "mask_cut", "frame_differs")


@dataclass(frozen=True, eq=False)
class BiasCorrection:
    """A corrected image and how it came about.

    Parameters
    ----------
    volume : Volume
        The input divided by the field, on the input's grid.
    field : Volume
        The bias field, a factor around 1, on the input's grid. Its scale is arbitrary unless the recipe asks for a
        mean of 1 within the region of the fit.
    cv_before, cv_after : float
        Coefficient of variation (SD over mean) within the region of the fit.
    levels : list of dict
        Per fitting level: 'iterations' and 'convergence'; where the engine tells neither, the iterations asked for
        and None.
    seconds : float
        What the correction took, reading and writing not counted.
    shrink : tuple of int
        The factors along (i, j, k) that were used.
    """

    volume: Volume
    field: Volume
    cv_before: float
    cv_after: float
    levels: list[dict[str, Any]]
    seconds: float
    shrink: tuple[int, int, int]


def correct_bias(volume: Volume, recipe: N4Recipe, mask: Mask | None = None,
                 report: Report | None = None, weights: Volume | None = None) -> BiasCorrection:
    """Estimate the bias field within a region and divide the whole image by it.

    The fit runs on the logarithm of the intensities, so voxels at or below 0 take no part in it; they are divided by
    the field like all others.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k), RAS+ mm; intensities as acquired, 0 and up. A single slice is corrected in its plane.
    recipe : N4Recipe
        Engine and settings.
    mask : Mask, optional
        Where the field is estimated; `recipe.mask` says where if it is not given. Placed on the image if need be.
    report : callable, optional
        Receives (fraction, message); may raise `Cancelled`. The ants engine can only be stopped with its process.
    weights : Volume, optional
        Confidence in each voxel, 0 and up, on the image's grid; voxels at 0 are outside the region. The fast engine's.

    Returns
    -------
    BiasCorrection
        Corrected image, field and figures.

    Raises
    ------
    InputError
        Undefined values; one value everywhere; more than 1 % of the region negative; an engine that cannot honour
        the settings; weights that are negative or undefined.
    EmptyMask
        No voxel above 0 in the region, or none left after shrinking.
    GeometryMismatch
        The weights lie on another grid.

    References
    ----------
    Tustison et al. 2010, 10.1109/TMI.2010.2046908.
    """
    if recipe.engine == "ants":
        n4_ants.load_engine()
    started = time.perf_counter()
    region, cautions = _fit_region(volume, recipe, mask, weights)
    shrink = shrink_factors(volume, recipe.shrink)
    read = tuple(shrunken(size, factor) for size, factor in zip(volume.voxels.shape, shrink, strict=True))
    if not region.voxels[read].any():
        raise EmptyMask(f"After shrinking by {shrink} no voxel of the region ({int(region.voxels.sum())} voxels) "
                        "is left to fit the bias field to.", "Use a smaller shrink factor or a larger mask.")
    if recipe.engine == "fast":
        field, levels = n4_fast.estimate_field(volume, region, recipe, shrink, report, weights)
    else:
        estimate = n4_itk.estimate_field if recipe.engine == "itk" else n4_ants.estimate_field
        field, levels = estimate(volume, region, recipe, shrink, report)
    if not np.isfinite(field).all() or field.min() <= 0:
        raise InputError("The bias field could not be estimated: the fit gave no usable values.",
                         "Use a larger mask, fewer fitting levels or a smaller shrink factor.")
    if recipe.mean_one:
        field = field / np.float32(field[region.voxels].mean(dtype=np.float64))
    corrected = volume.voxels / field
    return BiasCorrection(
        volume=replace(volume, voxels=corrected, cautions=tuple(dict.fromkeys((*volume.cautions, *cautions)))),
        field=Volume(field, volume.affine, frame=volume.frame),
        cv_before=_variation(volume.voxels, region), cv_after=_variation(corrected, region),
        levels=levels, seconds=time.perf_counter() - started, shrink=shrink)


def shrink_factors(volume: Volume, shrink: int | tuple[int, int, int]) -> tuple[int, int, int]:
    """Factors along (i, j, k): N in plane and 1 along the coarsest axis, or those given.

    An axis is never shrunk below four voxels: the fit needs some to hold on to. Of equally coarse axes the last is
    taken to be the slice axis.
    """
    coarsest = coarsest_axis(volume)
    wanted = shrink if isinstance(shrink, tuple) else [1 if axis == coarsest else shrink for axis in range(3)]
    if min(wanted) < 1:
        raise InputError(f"The shrink factor {shrink} is below 1.", "Use whole numbers from 1 up.")
    i, j, k = (max(1, min(factor, size // FEWEST_AFTER_SHRINK))
               for factor, size in zip(wanted, volume.voxels.shape, strict=True))
    return i, j, k


def fit_region(volume: Volume, recipe: N4Recipe, mask: Mask | None = None) -> Mask:
    """Find where `correct_bias` estimates the field; given to it as the mask, it is not searched for again.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k), RAS+ mm.
    recipe : N4Recipe
    mask : Mask, optional
        In place of the recipe's; placed on the image if need be.

    Returns
    -------
    Mask
        Voxels above 0, on the volume's grid; its cautions say what was left out, and how the mask was placed.

    Raises
    ------
    InputError, EmptyMask
        As `correct_bias` does.
    """
    region, cautions = _fit_region(volume, recipe, mask)
    return replace(region, cautions=cautions)


def _fit_region(volume: Volume, recipe: N4Recipe, mask: Mask | None,
                weights: Volume | None = None) -> tuple[Mask, tuple[Caution, ...]]:
    check_values(volume)
    if sum(size > 1 for size in volume.voxels.shape) < 2:
        size = " x ".join(str(n) for n in volume.voxels.shape)
        raise InputError(f"The image is {size} voxels; bias correction needs at least a plane.",
                         "Choose an image with rows and columns.")
    if mask is not None:
        region = place_mask(mask, volume)
    elif recipe.mask == "whole":
        region = Mask(np.ones(volume.voxels.shape, dtype=np.bool_), volume.affine, name="whole")
    else:
        region = otsu_mask(volume) if recipe.mask == "otsu" else body_mask(volume)
    if weights is not None:
        _check_weights(weights, volume, recipe)
        region = region.with_voxels(region.voxels & (weights.voxels > 0))
    negative = float((volume.voxels[region.voxels] < 0).mean()) if region.voxels.any() else 0.0
    if negative > MOST_NEGATIVE:
        raise InputError(f"{negative:.0%} of the voxels in the region are negative; bias correction works on the "
                         "logarithm of intensities as acquired, 0 and up.", "Correct the image before normalising it.")
    used = region.with_voxels(region.voxels & (volume.voxels > 0))
    values = volume.voxels[used.voxels]
    if values.size == 0:
        raise EmptyMask("The region holds no voxel above 0, so there is no bias field to estimate.",
                        "Choose another mask, or 'body' or 'whole'.")
    if values.min() == values.max():
        raise InputError(f"All voxels in the region hold the same value, {values[0]:g}; there is no field to estimate.",
                         "Choose a larger mask or another image.")
    cautions = tuple(caution for caution in region.cautions if caution.code in _PLACING)
    left_out = int(region.voxels.sum()) - values.size
    if left_out:
        cautions += (Caution("n4_nonpositive", f"{left_out} voxels of the bias correction's region are 0 or negative "
                                               "and took no part in the fit, which works on logarithms."),)
    return used, cautions


def _check_weights(weights: Volume, volume: Volume, recipe: N4Recipe) -> None:
    if recipe.engine != "fast":
        raise InputError(f"The engine '{recipe.engine}' takes no weights.", "Choose the engine 'fast', or a mask.")
    if not weights.geometry.matches(volume.geometry):
        raise GeometryMismatch(f"The weights are {weights.geometry.describe()}; the image is "
                               f"{volume.geometry.describe()}.", "Give weights on the image's own grid.")
    if not (np.isfinite(weights.voxels).all() and weights.voxels.min() >= 0):
        raise InputError("Some weights are negative or undefined; a weight is 0 or more.", "Correct the weights.")


def _variation(voxels: FloatArray, region: Mask) -> float:
    values = voxels[region.voxels].astype(np.float64)
    return float(values.std() / values.mean())
