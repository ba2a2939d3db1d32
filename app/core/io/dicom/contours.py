"""Closed contours to voxels: a pixel is inside when its centre is, by the even-odd rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_GRAIN = 1e-6
"""Voxels. Coordinates are rounded to this, so that a contour through pixel centres does not depend on float noise."""


def fill_polygons(polygons: Sequence[NDArray[np.float64]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Fill closed polygons, each further one toggling what it encloses, so that holes stay holes.

    Parameters
    ----------
    polygons : sequence of array of float64, shape (points, 2)
        Corners in voxel indices (i, j); closed implicitly.
    shape : tuple of int
        Voxels along (i, j).

    Returns
    -------
    array of bool, shape (i, j)
        True where the pixel's centre is inside. A centre on the contour belongs to the side of larger indices, so
        regions that share a border share no pixel.
    """
    crossings = np.zeros((shape[0] + 1, shape[1]), dtype=np.int64)
    for polygon in polygons:
        start = np.round(polygon / _GRAIN) * _GRAIN
        stop = np.roll(start, -1, axis=0)
        # Edge by edge, the pixel rows j that it crosses: from <= j < to.
        first = np.ceil(np.minimum(start[:, 1], stop[:, 1])).clip(0, shape[1]).astype(np.int64)
        after = np.ceil(np.maximum(start[:, 1], stop[:, 1])).clip(0, shape[1]).astype(np.int64)
        edge = np.repeat(np.arange(len(start)), after - first)
        row = np.arange(len(edge)) - np.repeat(np.cumsum(after - first) - (after - first), after - first) + first[edge]
        run, rise = (stop - start)[edge].T
        column = start[edge, 0] + (row - start[edge, 1]) * run / rise
        entry = np.ceil(column - _GRAIN).clip(0, shape[0]).astype(np.int64)
        np.add.at(crossings, (entry, row), 1)
    return np.asarray(np.cumsum(crossings[:-1], axis=0) % 2 == 1)
