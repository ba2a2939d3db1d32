"""Turning a voxel grid to another axis order: a lossless permutation and flip, with the affine updated to match."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from app.core.data import Mask, Volume
from app.core.errors import InputError

Image = TypeVar("Image", Volume, Mask)

_PAIRS = ("LR", "PA", "IS")


def reorient(image: Image, codes: str = "RAS") -> Image:
    """Permute and flip voxel axes so that they point to the given world directions.

    Parameters
    ----------
    image : Volume or Mask
        Shape (i, j, k), RAS+ mm.
    codes : str
        The world direction each new voxel axis points to: one letter of each of 'LR', 'PA', 'IS', e.g. 'LPS'.

    Returns
    -------
    Volume or Mask
        The same voxels in another order; every voxel keeps its world position. Oblique grids stay oblique: each axis
        points to the direction closest to it.

    Raises
    ------
    InputError
        The codes do not name three different world axes.
    """
    worlds = [world for code in codes for world, pair in enumerate(_PAIRS) if code in pair]
    if len(codes) != 3 or sorted(worlds) != [0, 1, 2]:
        raise InputError(f"The orientation '{codes}' is not one letter each of L/R, P/A and I/S.",
                         "Use for example RAS or LPS.")
    order, signs = image.geometry.closest_axes()
    source = [order[world] for world in worlds]
    flipped = [(code == pair[1]) != (signs[world] > 0)
               for code, world in zip(codes, worlds, strict=True) for pair in (_PAIRS[world],)]
    to_old = np.zeros((4, 4))
    to_old[3, 3] = 1.0
    for new, (old, flip) in enumerate(zip(source, flipped, strict=True)):
        to_old[old, new] = -1.0 if flip else 1.0
        to_old[old, 3] = image.voxels.shape[old] - 1 if flip else 0.0
    voxels = np.flip(image.voxels.transpose(source), axis=[axis for axis in range(3) if flipped[axis]])
    return image.with_voxels(np.ascontiguousarray(voxels), image.affine @ to_old)
