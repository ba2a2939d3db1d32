"""Slices: across which voxel axis they are stacked, and which of them holds the most tumour."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from app.core.data import Affine, Geometry, Gridded, Mask

Grid = TypeVar("Grid", bound=Gridded)
TIE = 1.05
"""Voxel sizes within 5 % of each other count as equal."""


def through_plane_axis(geometry: Geometry) -> int:
    """Find the voxel axis across which the slices are stacked.

    The axis of the largest voxel size: the acquisition's slices. Where several tie, as after resampling to equal
    voxels, the one of them that runs closest along the patient, so that the slices are axial.

    Parameters
    ----------
    geometry : Geometry
        Any orientation.

    Returns
    -------
    int
        0, 1 or 2 for i, j or k.
    """
    spacing = np.asarray(geometry.spacing)
    along_patient = np.round(np.abs(geometry.affine[2, :3]) / spacing, 6)
    candidates = np.where(spacing * TIE >= spacing.max(), along_patient, -1.0)
    # The last of several alike: an image whose slices are stacked along k stays as it is.
    return 2 - int(np.argmax(candidates[::-1]))


def stack_slices(gridded: Grid) -> Grid:
    """Reorder the voxel axes so that slices are stacked along k; nothing moves in the world.

    Parameters
    ----------
    gridded : Volume or Mask
        Shape (i, j, k), RAS+ mm.
    """
    axis = through_plane_axis(gridded.geometry)
    if axis == 2:
        return gridded
    order = [other for other in range(3) if other != axis] + [axis]
    affine: Affine = gridded.affine[:, [*order, 3]]
    return gridded.with_voxels(gridded.voxels.transpose(order), affine)


def take_slice(gridded: Grid, k: int) -> Grid:
    """Keep slice `k` alone, as a grid of shape (i, j, 1) in the same place of the world."""
    affine = np.array(gridded.affine)
    affine[:3, 3] += k * affine[:3, 2]
    return gridded.with_voxels(gridded.voxels[:, :, k : k + 1], affine)


def largest_slice(mask: Mask) -> int:
    """Find the slice along k that holds the most tumour; of several alike the middle one.

    Parameters
    ----------
    mask : Mask
        Slices stacked along k; not empty.
    """
    areas = mask.voxels.sum(axis=(0, 1))
    widest = np.flatnonzero(areas == areas.max())
    return int(widest[(len(widest) - 1) // 2])


def crop_to_tumour(gridded: Grid, mask: Mask) -> Grid:
    """Keep the box of the outline alone, in the same place of the world; the mask must not be empty."""
    box = mask.box()
    affine = np.array(gridded.affine)
    affine[:3, 3] += affine[:3, :3] @ [span.start for span in box]
    return gridded.with_voxels(gridded.voxels[box], affine)
