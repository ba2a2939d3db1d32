"""Neighbouring grey-level dependence: the three features of IBSI's matrix that pyradiomics' gldm leaves out."""

from __future__ import annotations

from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, Volume


def measure(_volume: Volume, mask: Mask, levels: NDArray[Any],
            gathering: Literal["3D", "2.5D", "2D"] = "3D") -> dict[str, float]:
    """Measure the energy and the percentage of dependence counts, and how alike the grey levels are.

    A voxel depends on the neighbours, at faces, edges and corners, that have its own grey level (coarseness 0,
    distance 1); its count is their number and itself.

    Parameters
    ----------
    mask : Mask
        Shape (i, j, k).
    levels : array of int, shape (i, j, k)
        Grey levels from 1 inside the outline, 0 outside.
    gathering : {'3D', '2.5D', '2D'}
        Neighbours in space; within the slices along k, gathered in one matrix; or a matrix for each slice, whose
        features are averaged.

    Returns
    -------
    dict of str to float
        `DependenceCountEnergy`, `GrayLevelNonUniformityNormalized`, which is in space the histogram's uniformity, and
        `DependenceCountPercentage`, which is 1 by this definition: both are there for the standard's sake.

    References
    ----------
    IBSI REK0 (5SPA, CAS9, 6XV8); 10.1148/radiol.2020191145. Sun and Wee 1983, 10.1016/0734-189X(83)90032-4.
    """
    grey = np.asarray(levels[mask.box()], dtype=np.int64)
    counts = _count_alike(grey, in_slices=gathering != "3D")
    if gathering != "2D":
        return _describe(grey, counts)
    each = [_describe(grey[:, :, k], counts[:, :, k]) for k in range(grey.shape[2]) if grey[:, :, k].any()]
    return {name: float(np.mean([measured[name] for measured in each])) for name in each[0]}


def _count_alike(levels: NDArray[np.int64], *, in_slices: bool) -> NDArray[np.int64]:
    """Count for each voxel the neighbours of its own grey level, and itself."""
    padded = np.pad(levels, 1)
    counts = np.zeros(levels.shape, dtype=np.int64)
    for step in product((-1, 0, 1), (-1, 0, 1), (0,) if in_slices else (-1, 0, 1)):
        window = tuple(slice(1 + shift, 1 + shift + size) for shift, size in zip(step, levels.shape, strict=True))
        counts += padded[window] == levels
    return counts


def _describe(levels: NDArray[np.int64], counts: NDArray[np.int64]) -> dict[str, float]:
    inside = levels > 0
    matrix = np.bincount(levels[inside] * 28 + counts[inside])
    by_level = np.bincount(levels[inside])
    voxels = int(inside.sum())
    return {"GrayLevelNonUniformityNormalized": float(((by_level / by_level.sum()) ** 2).sum()),
            "DependenceCountEnergy": float(((matrix / matrix.sum()) ** 2).sum()),
            "DependenceCountPercentage": float(matrix.sum() / voxels)}
