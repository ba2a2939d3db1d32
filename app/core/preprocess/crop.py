"""Cropping an image and its outline to the tumour's neighbourhood."""

from __future__ import annotations

import numpy as np

from app.core.data import Mask, Volume
from app.core.errors import EmptyMask, GeometryMismatch


def crop(volume: Volume, mask: Mask, margin_mm: float) -> tuple[Volume, Mask]:
    """Keep the outline's box plus a margin, as far as the image reaches.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k), RAS+ mm.
    mask : Mask
        On the volume's grid.
    margin_mm : float
        Added on every side, mm, rounded up to whole voxels.

    Returns
    -------
    Volume, Mask
        On the smaller grid; every voxel keeps its world position.

    Raises
    ------
    EmptyMask
        There is no tumour to crop to.
    GeometryMismatch
        The outline is on another grid.
    """
    if not mask.voxels.any():
        raise EmptyMask("The outline holds no voxel, so there is nothing to crop to.", "Choose another outline.")
    if not mask.geometry.matches(volume.geometry):
        raise GeometryMismatch(f"The outline ({mask.geometry.describe()}) is not on the image's grid "
                               f"({volume.geometry.describe()}).", "Place the outline on the image first.")
    margins = [int(np.ceil(margin_mm / spacing - 1e-6)) for spacing in volume.geometry.spacing]
    box = tuple(slice(max(0, span.start - margin), min(size, span.stop + margin))
                for span, margin, size in zip(mask.box(), margins, volume.voxels.shape, strict=True))
    shift = np.eye(4)
    shift[:3, 3] = [span.start for span in box]
    affine = volume.affine @ shift
    return volume.with_voxels(volume.voxels[box].copy(), affine), mask.with_voxels(mask.voxels[box].copy(), affine)
