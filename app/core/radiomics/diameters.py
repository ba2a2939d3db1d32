"""Diameters as radiologists measure them: the longest in any slice, and the longest across it in the same slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, Volume
from app.core.errors import EmptyMask
from app.core.radiomics.outlines import Points, trace_outlines
from app.core.radiomics.planes import stack_slices, through_plane_axis

Segment = tuple[tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True)
class RecistPair:
    """Two diameters of one slice, ready to be drawn.

    Parameters
    ----------
    axis : int
        Voxel axis across which the slices are stacked.
    slice : int
        Index along that axis.
    longest, across : tuple of two points
        Ends (x, y, z) of the longest diameter and of the longest at right angles to it; world RAS+, mm.
    longest_mm, across_mm : float
        Their lengths, mm.
    """

    axis: int
    slice: int
    longest: Segment
    across: Segment
    longest_mm: float
    across_mm: float


def measure(_volume: Volume, mask: Mask, _levels: NDArray[Any] | None) -> dict[str, float]:
    """Measure the diameters of an outline.

    Parameters
    ----------
    mask : Mask
        Shape (i, j, k), RAS+ mm.

    Returns
    -------
    dict of str to float
        `LongestAxial` and `LongestPerpendicular` (mm), `Product` (mm2), `SliceExtent` (mm), the slices from the first
        to the last with tumour times their distance, and `EquivalentSphere` (mm), the diameter of the ball of the same
        volume.

    References
    ----------
    Eisenhauer et al. 2009 (RECIST 1.1), 10.1016/j.ejca.2008.10.026; Miller et al. 1981 (product of diameters),
    10.1002/1097-0142(19810101)47:1<207::AID-CNCR2820470134>3.0.CO;2-6.
    """
    pair = recist_pair(mask)
    box = mask.box()[pair.axis]
    return {"LongestAxial": pair.longest_mm, "LongestPerpendicular": pair.across_mm,
            "Product": pair.longest_mm * pair.across_mm,
            "SliceExtent": (box.stop - box.start) * mask.geometry.spacing[pair.axis],
            "EquivalentSphere": float(np.cbrt(6000.0 * mask.volume_ml / np.pi))}


def recist_pair(mask: Mask) -> RecistPair:
    """Find the longest diameter in any slice and the longest at right angles to it in that slice.

    Slices are those of the acquisition: across the voxel axis with the largest spacing, axial where that is a tie.
    A diameter joins two points of the slice's outline, which marching squares lays halfway between a pixel inside and
    its neighbour outside; like a caliper it may leave the tumour between its ends. The second diameter is the longest
    of all that meet the first at a right angle. Of slices alike the first counts.

    Parameters
    ----------
    mask : Mask
        Shape (i, j, k), RAS+ mm.

    Raises
    ------
    EmptyMask
        The outline holds no voxel.

    References
    ----------
    Eisenhauer et al. 2009 (RECIST 1.1), 10.1016/j.ejca.2008.10.026.
    """
    if not mask.voxels.any():
        raise EmptyMask(f"The outline '{mask.name}' holds no voxel.", "Choose or draw an outline of the tumour.")
    stacked = stack_slices(mask)
    frame, in_plane = np.linalg.qr(stacked.affine[:3, :2])
    best, where = (-1.0, np.zeros((2, 2))), 0
    lines: list[Points] = []
    for k in np.flatnonzero(stacked.voxels.any(axis=(0, 1))):
        found = [line @ in_plane.T for line in trace_outlines(stacked.voxels[:, :, k])]
        longest = _longest(np.concatenate(found))
        if longest[0] > best[0] + 1e-9:
            best, where, lines = longest, int(k), found
    length, ends = best
    across = _longest_across(lines, (ends[1] - ends[0]) / length)
    origin = stacked.affine[:3, 2] * where + stacked.affine[:3, 3]
    return RecistPair(through_plane_axis(mask.geometry), where, _place(ends, frame, origin),
                      _place(across, frame, origin), length, float(np.linalg.norm(across[1] - across[0])))


def _longest(points: Points) -> tuple[float, Points]:
    """Greatest distance between two of `points` (n, 2) and those two; both lie on the convex hull."""
    from scipy.spatial import ConvexHull
    from scipy.spatial.distance import cdist

    corners = points[ConvexHull(points).vertices]
    distance = cdist(corners, corners)
    first, second = np.unravel_index(int(distance.argmax()), distance.shape)
    return float(distance[first, second]), corners[[first, second]]


def _longest_across(lines: list[Points], along: NDArray[np.float64]) -> Points:
    """Find the longest segment at right angles to `along` between two points of the lines; its ends, shape (2, 2).

    Between two vertices the width changes linearly, so the longest passes through a vertex.
    """
    turn = np.array([along, [-along[1], along[0]]])
    turned = [line @ turn.T for line in lines]
    start, end = np.concatenate([line[:-1] for line in turned]), np.concatenate([line[1:] for line in turned])
    at = np.unique(np.round(start[:, 0], 9))[:, None]
    low, high = np.minimum(start[:, 0], end[:, 0]) - 1e-8, np.maximum(start[:, 0], end[:, 0]) + 1e-8
    step = end - start
    upright = np.abs(step[:, 0]) < 1e-8
    share = np.clip((at - start[:, 0]) / np.where(upright, 1.0, step[:, 0]), 0.0, 1.0)
    height = start[:, 1] + share * step[:, 1]
    crossed = (at >= low) & (at <= high)
    top = np.where(crossed, np.where(upright, np.maximum(start[:, 1], end[:, 1]), height), -np.inf).max(axis=1)
    bottom = np.where(crossed, np.where(upright, np.minimum(start[:, 1], end[:, 1]), height), np.inf).min(axis=1)
    widest = int(np.argmax(np.round(top - bottom, 9)))
    ends = [[at[widest, 0], bottom[widest]], [at[widest, 0], top[widest]]]
    return np.asarray(np.array(ends) @ turn, dtype=np.float64)


def _place(ends: Points, frame: NDArray[np.float64], origin: NDArray[np.float64]) -> Segment:
    world = ends @ frame.T + origin
    first, second = (tuple(float(x) for x in point) for point in world)
    return (first[0], first[1], first[2]), (second[0], second[1], second[2])
