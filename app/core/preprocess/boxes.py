"""Tumour boxes per slice, and the slice where the tumour is largest."""

from __future__ import annotations

import numpy as np

from app.core.data import Box, Mask
from app.core.errors import EmptyMask


def bounding_boxes(mask: Mask) -> list[Box]:
    """Axis-aligned tumour boxes, one per slice that holds tumour.

    Parameters
    ----------
    mask : Mask
        Tumour labels, shape (i, j, k), RAS+ mm.

    Returns
    -------
    list of Box
        In voxel indices, half-open, ordered by slice along k; empty for an empty outline.
    """
    boxes = []
    for k in np.flatnonzero(mask.voxels.any(axis=(0, 1))):
        columns = np.flatnonzero(mask.voxels[:, :, k].any(axis=1))
        rows = np.flatnonzero(mask.voxels[:, :, k].any(axis=0))
        boxes.append(Box(int(k), int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1))
    return boxes


def largest_slice(mask: Mask) -> int:
    """Find the slice where the tumour covers most voxels.

    Parameters
    ----------
    mask : Mask
        Shape (i, j, k).

    Returns
    -------
    int
        Index along k; the first one among equals.

    Raises
    ------
    EmptyMask
        The outline holds no voxel.
    """
    areas = mask.voxels.sum(axis=(0, 1))
    if not areas.any():
        raise EmptyMask("The outline holds no voxel, so it has no largest slice.", "Choose another outline.")
    return int(areas.argmax())
