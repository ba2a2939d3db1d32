"""Placing an outline on an image's voxel grid by world position, or saying why that cannot be trusted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.core.data import Caution, Geometry, Mask, Volume
from app.core.errors import EmptyMask, GeometryMismatch
from app.core.preprocess.reorient import reorient

TINY_ML = 1.0
TINY_VOXELS = 10
UNPLACED = frozenset({"position_unknown", "orientation_assumed"})


def place_mask(mask: Mask, volume: Volume) -> Mask:
    """Put an outline on the grid of an image.

    On the same grid the voxels stay as they are; on a flipped or permuted grid they are turned without loss; on any
    other they are interpolated linearly and kept from one half up, which keeps the volume in ml about the same.

    Parameters
    ----------
    mask : Mask
        Shape and grid of its own, RAS+ mm.
    volume : Volume
        Shape (i, j, k), RAS+ mm.

    Returns
    -------
    Mask
        On the volume's grid, with the cautions that this brought to light added: 'mask_resampled', 'mask_turned',
        'mask_cut', 'frame_differs', 'mask_touches_edge', 'tiny_mask'.

    Raises
    ------
    EmptyMask
        The outline holds no voxel, or is too small to reach any voxel of the image.
    GeometryMismatch
        The frames of reference differ; or the outline lies outside the image; or, where no frame of reference vouches
        for the position, only partly inside it.
    """
    if not mask.voxels.any():
        raise EmptyMask(f"The outline{_named(mask)} holds no voxel.", "Choose another outline, or draw the tumour.")
    if mask.geometry.matches(volume.geometry):
        placed, cautions = replace(mask, affine=volume.affine), _frame_cautions(mask, volume)
    else:
        placed, cautions = _carry(mask, volume)
    return replace(placed, frame=volume.frame,
                   cautions=_added(mask.cautions, (*cautions, *_size_cautions(placed))))


def _carry(mask: Mask, volume: Volume) -> tuple[Mask, tuple[Caution, ...]]:
    both = f"Outline: {mask.geometry.describe()}. Image: {volume.geometry.describe()}."
    framed = bool(mask.frame and volume.frame)
    if framed and mask.frame != volume.frame:
        raise GeometryMismatch(f"The outline and the image name different frames of reference, so their positions "
                               f"cannot be compared. {both}", "Choose the outline drawn on this series.")
    if _same_but_unplaced(mask, volume):
        message = ("The files do not say where in the body they lie. The outline has the image's size and voxels and "
                   "was laid on it voxel by voxel: check that it lies on the tumour.")
        return replace(mask, affine=volume.affine), (Caution("position_taken", message),)
    share = _share_inside(mask, volume.geometry)
    if share == 0:
        raise GeometryMismatch(f"The outline lies outside the image. {both}", _remedy(mask, volume))
    cautions: tuple[Caution, ...] = ()
    if share < 1:
        cut = f"The outline is cut by the image's field of view: {share:.0%} of its volume lies inside."
        if not framed:
            raise GeometryMismatch(f"{cut} {both}", _remedy(mask, volume))
        cautions = (Caution("mask_cut", cut),)
    turned = reorient(mask, volume.geometry.axis_codes)
    if turned.geometry.matches(volume.geometry):
        message = (f"The outline's voxels run {mask.geometry.axis_codes}, the image's {volume.geometry.axis_codes}; "
                   "they were turned as the outline's header says. Check that it lies on the tumour.")
        return replace(turned, affine=volume.affine), (*cautions, Caution("mask_turned", message))
    from app.core.preprocess.resample import resample_mask

    placed = resample_mask(mask, volume.geometry)
    if not placed.voxels.any():
        raise EmptyMask(f"The outline{_named(mask)} ({mask.volume_ml:.2g} ml) is too small to reach any voxel of the "
                        f"image. {both}", "Choose an outline drawn on this image.")
    before, after = mask.volume_ml, placed.volume_ml
    message = (f"The outline was drawn on another voxel grid and was resampled onto the image: "
               f"{before:.3g} ml became {after:.3g} ml.")
    if mask.geometry.shape == volume.geometry.shape:
        message += f" Both have the same size but not the same position, so check that it lies on the tumour. {both}"
    return placed, (*cautions, Caution("mask_resampled", message))


def _same_but_unplaced(mask: Mask, volume: Volume) -> bool:
    """Whether both grids are alike but for a position that their formats do not keep, as with Analyze 7.5."""
    codes = {caution.code for caution in (*mask.cautions, *volume.cautions)}
    own, other = mask.geometry, volume.geometry
    alike = own.shape == other.shape and own.axis_codes == other.axis_codes
    return bool(codes & UNPLACED) and alike and bool(np.allclose(own.spacing, other.spacing, rtol=1e-3))


def _share_inside(mask: Mask, geometry: Geometry) -> float:
    """Share of the outline's voxel centres within the image's voxels, faces included."""
    to_image = np.linalg.solve(geometry.affine, mask.affine)
    indices = np.argwhere(mask.voxels)
    found = indices @ to_image[:3, :3].T + to_image[:3, 3]
    inside = ((found >= -0.5 - 1e-3) & (found <= np.asarray(geometry.shape) - 0.5 + 1e-3)).all(axis=1)
    return float(inside.mean())


def _frame_cautions(mask: Mask, volume: Volume) -> tuple[Caution, ...]:
    if not (mask.frame and volume.frame) or mask.frame == volume.frame:
        return ()
    return (Caution("frame_differs", "The outline and the image name different frames of reference but share one "
                                     "voxel grid; they were taken to lie in the same place."),)


def _size_cautions(placed: Mask) -> tuple[Caution, ...]:
    found = []
    shape = placed.voxels.shape
    if any(size > 1 and (span.start == 0 or span.stop == size)
           for span, size in zip(placed.box(), shape, strict=True)):
        found.append(Caution("mask_touches_edge", "The outline touches the edge of the image: the tumour may reach "
                                                  "beyond it."))
    count = int(placed.voxels.sum())
    if count < TINY_VOXELS or placed.volume_ml < TINY_ML:
        found.append(Caution("tiny_mask", f"The outline holds only {placed.volume_ml:.2g} ml "
                                          f"({count} voxel{'s' if count > 1 else ''}): what is measured in so small "
                                          "a region is unreliable."))
    return tuple(found)


def _added(known: tuple[Caution, ...], new: tuple[Caution, ...]) -> tuple[Caution, ...]:
    return tuple(dict.fromkeys((*known, *new)))


def _named(mask: Mask) -> str:
    return f" '{mask.name}'" if mask.name else ""


def _remedy(mask: Mask, volume: Volume) -> str:
    if mask.geometry.shape == volume.geometry.shape:
        return ("Choose the outline drawn on this series; if it was drawn on this very image, its header lost the "
                "position: save it again with the image's header.")
    return "Choose the outline drawn on this series."
