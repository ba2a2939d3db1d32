"""Sizes of the slices one by one: the perimeter and the equivalent diameter, and how they vary through the tumour."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, Volume
from app.core.radiomics.outlines import trace_outlines
from app.core.radiomics.planes import stack_slices


def measure(_volume: Volume, mask: Mask, _levels: NDArray[Any] | None) -> dict[str, float]:
    """Measure every slice that holds tumour and summarise over these.

    Parameters
    ----------
    mask : Mask
        Shape (i, j, k), RAS+ mm; not empty. Slices are those across the coarsest axis.

    Returns
    -------
    dict of str to float
        `MeanPerimeter`, `LongestPerimeter`, `ShortestPerimeter`: the length of a slice's outlines, holes and separate
        pieces included; `MeanEquivalentDisc`, `LongestEquivalentDisc`, `ShortestEquivalentDisc`: the diameter of the
        disc of a slice's area. All in mm.

    References
    ----------
    Lorensen and Cline 1987, 10.1145/37402.37422 (the outline, cut halfway between pixels).
    """
    stacked = stack_slices(mask)
    in_plane = np.linalg.qr(stacked.affine[:3, :2])[1]
    slices = [stacked.voxels[:, :, k] for k in np.flatnonzero(stacked.voxels.any(axis=(0, 1)))]
    perimeters = [sum(_length(line @ in_plane.T) for line in trace_outlines(inside)) for inside in slices]
    areas = np.array([inside.sum() for inside in slices]) * abs(float(np.linalg.det(in_plane)))
    return _summarise("Perimeter", np.array(perimeters)) | _summarise("EquivalentDisc", np.sqrt(4.0 * areas / np.pi))


def _length(line: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())


def _summarise(name: str, sizes: NDArray[np.float64]) -> dict[str, float]:
    return {f"Mean{name}": float(sizes.mean()), f"Longest{name}": float(sizes.max()),
            f"Shortest{name}": float(sizes.min())}
