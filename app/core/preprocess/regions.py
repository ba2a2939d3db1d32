"""Regions of an image that need no drawing: bright voxels, the body without air, a ring around an outline."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from app.core.data import Mask, MaskArray, Volume
from app.core.errors import EmptyMask, InputError
from app.core.io.itk import from_sitk, to_sitk

OTSU_BINS = 200
_LOW, _HIGH, _AIR = 2.0, 98.0, 0.1
_SMALLEST_PART = 0.1


def check_values(volume: Volume) -> None:
    """Refuse an image whose values cannot be computed with.

    Raises
    ------
    InputError
        A voxel is undefined or infinite, or all voxels hold the same value.
    """
    bad = int((~np.isfinite(volume.voxels)).sum())
    if bad:
        raise InputError(f"{bad} voxel{' is' if bad == 1 else 's are'} undefined or infinite; every voxel needs a "
                         "number.", "Export the image again, or replace those voxels.")
    if volume.voxels.min() == volume.voxels.max():
        raise InputError(f"All voxels hold the same value, {volume.voxels.flat[0]:g}; the image shows nothing.",
                         "Choose another image.")


def otsu_mask(volume: Volume) -> Mask:
    """Find the voxels brighter than Otsu's threshold over 200 bins.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k), RAS+ mm.

    Returns
    -------
    Mask
        On the volume's grid.

    Raises
    ------
    InputError
        See `check_values`.

    References
    ----------
    Otsu 1979, 10.1109/TSMC.1979.4310076.
    """
    check_values(volume)
    voxels, _ = from_sitk(sitk.OtsuThreshold(to_sitk(volume), 0, 1, OTSU_BINS))
    return Mask(voxels.astype(np.bool_), volume.affine, name="otsu", frame=volume.frame)


def body_mask(volume: Volume) -> Mask:
    """Find the patient without the air around and within.

    Voxels above a tenth of the robust range (2nd to 98th percentile, the rule of FSL's brain extraction) are joined
    into parts; the largest stays, with any part at least a tenth of its size, because both thighs are body. Holes are
    filled slice by slice across the coarsest axis.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k), RAS+ mm.

    Returns
    -------
    Mask
        On the volume's grid.

    Raises
    ------
    InputError
        See `check_values`.

    References
    ----------
    Smith 2002, 10.1002/hbm.10062 (robust intensity range).
    """
    check_values(volume)
    low, high = np.percentile(volume.voxels, [_LOW, _HIGH])
    if low == high:
        low, high = float(volume.voxels.min()), float(volume.voxels.max())
    above = volume.voxels > low + _AIR * (high - low)
    labels, count = ndimage.label(ndimage.binary_opening(above) if min(above.shape) > 2 else above)
    if count == 0:
        labels, count = ndimage.label(above)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    body = np.isin(labels, np.flatnonzero(sizes >= _SMALLEST_PART * sizes.max()))
    return Mask(_fill_slices(body, volume), volume.affine, name="body", frame=volume.frame)


def _fill_slices(body: MaskArray, volume: Volume) -> MaskArray:
    plane = np.ones((3, 3), dtype=np.bool_)
    axis = coarsest_axis(volume)
    filled = np.empty_like(body)
    for index in range(body.shape[axis]):
        where = tuple(index if a == axis else slice(None) for a in range(3))
        closed = ndimage.binary_closing(np.pad(body[where], 2), plane)[2:-2, 2:-2]
        filled[where] = ndimage.binary_fill_holes(closed)
    return filled


def coarsest_axis(image: Volume | Mask) -> int:
    """Find the axis of the largest voxel size; of equal ones (within 1 micrometre) the last."""
    sizes = np.round(image.geometry.spacing, 3)
    return int(np.flatnonzero(sizes == sizes.max())[-1])


def around(mask: Mask, margin_mm: float) -> Mask:
    """Find the ring around an outline.

    Parameters
    ----------
    mask : Mask
        Shape (i, j, k), RAS+ mm.
    margin_mm : float
        Width, mm.

    Returns
    -------
    Mask
        Voxels outside the outline whose centre is within `margin_mm` of a tumour voxel's centre; distances run along
        the voxel axes, so an oblique but orthogonal grid is exact.

    Raises
    ------
    EmptyMask
        The outline holds no voxel, or no voxel lies that near.
    """
    if not mask.voxels.any():
        raise EmptyMask("The outline holds no voxel, so nothing lies around it.", "Choose another outline.")
    spacing = mask.geometry.spacing
    near = tuple(slice(max(0, span.start - int(margin_mm / size) - 1), span.stop + int(margin_mm / size) + 1)
                 for span, size in zip(mask.box(), spacing, strict=True))
    distance = ndimage.distance_transform_edt(~mask.voxels[near], sampling=spacing)
    ring = np.zeros_like(mask.voxels)
    ring[near] = (distance > 0) & (distance <= margin_mm + 1e-6)
    if not ring.any():
        raise EmptyMask(f"No voxel lies within {margin_mm:g} mm around the outline.", "Choose a wider margin.")
    return mask.with_voxels(ring)
