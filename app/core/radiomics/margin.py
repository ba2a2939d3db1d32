"""How irregular an outline is: against a circle in its largest slice, and against the ellipsoid that encloses it.

The three measures of the study of low-grade glioma by Buda et al. On slices the largest piece counts whose voxels
touch by their faces, so a stray voxel changes nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, Volume
from app.core.radiomics.outlines import largest_piece, outer_outline, walk_evenly
from app.core.radiomics.planes import largest_slice, stack_slices
from app.core.radiomics.size import surface_vertices

POINTS = 1000
BINS = 10
WINDOW = 0.1
"""Share of the perimeter over which the radial distance is averaged."""
TOLERANCE = 1e-5
"""Relative excess of the enclosing ellipsoid's volume over the least possible, at most."""
FEWEST_PIXELS, FEWEST_VOXELS = 9, 27


def measure(_volume: Volume, mask: Mask, _levels: NDArray[Any] | None) -> dict[str, float]:
    """Measure the irregularity of an outline.

    Parameters
    ----------
    mask : Mask
        Shape (i, j, k), RAS+ mm.

    Returns
    -------
    dict of str to float
        `AngularStandardDeviation` and `MarginFluctuation`, both 0 for a disc, and `EllipsoidVolumeRatio`, 1 for an
        ellipsoid; without unit. The first two are left out where the largest slice holds fewer than 9 pixels, the
        third below 27 voxels.

    References
    ----------
    Buda et al. 2019, 10.1016/j.compbiomed.2019.05.002.
    """
    piece = stack_slices(mask.with_voxels(largest_piece(mask.voxels)))
    values: dict[str, float] = {}
    inside = largest_piece(piece.voxels[:, :, largest_slice(piece)])
    if int(inside.sum()) >= FEWEST_PIXELS:
        in_plane = np.linalg.qr(piece.affine[:3, :2])[1]
        line = walk_evenly(outer_outline(inside) @ in_plane.T, POINTS) - np.argwhere(inside).mean(axis=0) @ in_plane.T
        values = {"AngularStandardDeviation": angular_deviation(line), "MarginFluctuation": margin_fluctuation(line)}
    voxels = int(piece.voxels.sum())
    if voxels >= FEWEST_VOXELS:
        enclosing = enclosing_ellipsoid_volume(surface_vertices(piece))
        values["EllipsoidVolumeRatio"] = voxels * piece.geometry.voxel_ml * 1000.0 / enclosing
    return values


def angular_deviation(line: NDArray[np.float64]) -> float:
    """Mean over ten equal angles of the standard deviation of the distance from the centroid, mean distance 1.

    Parameters
    ----------
    line : array, shape (n, 2)
        Points at equal steps along the outline, from the centroid of the pixels, mm.
    """
    radius = _normalised_radius(line)
    turn = np.arctan2(line[:, 1], line[:, 0]) / (2 * np.pi) % 1.0
    sector = np.minimum((turn * BINS).astype(int), BINS - 1)
    return float(np.mean([radius[sector == number].std() for number in np.unique(sector)]))


def margin_fluctuation(line: NDArray[np.float64]) -> float:
    """Standard deviation of the distance from the centroid about its moving average, mean distance 1.

    Parameters
    ----------
    line : array, shape (n, 2)
        Points at equal steps along the outline, from the centroid of the pixels, mm; the average runs over a tenth
        of the outline.
    """
    from scipy.ndimage import convolve1d

    radius = _normalised_radius(line)
    window = np.ones(round(WINDOW * len(line)) + 1)
    window[[0, -1]] = 0.5
    return float((radius - convolve1d(radius, window / window.sum(), mode="wrap")).std())


def _normalised_radius(line: NDArray[np.float64]) -> NDArray[np.float64]:
    radius = np.linalg.norm(line, axis=1)
    return np.asarray(radius / radius.mean())


def enclosing_ellipsoid_volume(points: NDArray[np.float64]) -> float:
    """Volume of the smallest ellipsoid that holds all points, by Khachiyan's algorithm with away steps.

    Parameters
    ----------
    points : array, shape (n, 3)
        Not all in one plane, mm.

    Returns
    -------
    float
        mm3; at most a hundred-thousandth above the least.

    References
    ----------
    Khachiyan 1996, 10.1287/moor.21.2.307; Todd and Yildirim 2007, 10.1016/j.dam.2007.02.013.
    """
    from scipy.spatial import ConvexHull

    corners = points[ConvexHull(points).vertices]
    centre, scale = corners.mean(axis=0), np.ptp(corners, axis=0)
    corners = (corners - centre) / scale
    lifted = np.column_stack([corners, np.ones(len(corners))])
    size = lifted.shape[1]
    # Starting from points on all sides spares the steps that would take weight from all the others.
    sides = np.argwhere(np.ones((3, 3, 3))) - 1.0
    ends = np.unique((corners @ sides.T).argmax(axis=0))
    weights = np.zeros(len(lifted))
    weights[ends if np.linalg.matrix_rank(lifted[ends]) == size else slice(None)] = 1.0
    weights /= weights.sum()
    for _ in range(100_000):
        inverse = np.linalg.inv(lifted.T * weights @ lifted)
        distance = ((lifted @ inverse) * lifted).sum(axis=1)
        far = int(distance.argmax())
        held = np.where(weights > 0, distance, np.inf)
        near = int(held.argmin())
        over, under = distance[far] / size - 1.0, 1.0 - held[near] / size
        # The volume exceeds the least by at most (1 + over) ** (size / 2).
        if max(over, under) * size / 2 <= TOLERANCE:
            break
        chosen = far if over >= under else near
        step = (distance[chosen] - size) / (size * (distance[chosen] - 1.0))
        if chosen == near and over < under:
            step = max(step, -weights[near] / (1.0 - weights[near]))
        weights *= 1.0 - step
        weights[chosen] = 0.0 if chosen == near and weights[chosen] + step < 1e-15 else weights[chosen] + step
    return _volume(corners, weights) * float(scale.prod())


def _volume(corners: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Volume of the weighted points' ellipsoid, widened until it holds every point."""
    centre = weights @ corners
    offset = corners - centre
    shape = (offset.T * weights) @ offset * offset.shape[1]
    reach = np.einsum("ni,ij,nj->n", offset, np.linalg.inv(shape), offset).max()
    return float(4 / 3 * np.pi * np.sqrt(np.linalg.det(shape)) * reach**1.5)

