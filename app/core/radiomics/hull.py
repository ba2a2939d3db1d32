"""The surface of an outline, its convex hull, and the boxes and the ellipsoid laid around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask
from app.core.radiomics.mesh import measure_surface
from app.core.radiomics.size import surface_vertices

Points = NDArray[np.float64]
SERIES_TERMS = 20
"""Of the enclosing ellipsoid's area, as the manual says."""


@dataclass(frozen=True)
class Solid:
    """A body's volume (mm3) and the area of its surface (mm2)."""

    volume: float
    area: float


def surface(mask: Mask) -> Solid:
    """Enclose an outline in triangles by marching cubes, pyradiomics' own.

    Parameters
    ----------
    mask : Mask
        Shape (i, j, k), RAS+ mm; not empty.

    References
    ----------
    IBSI RNU0, C0JK; Lorensen and Cline 1987, 10.1145/37402.37422.
    """
    area, volume = measure_surface(np.pad(mask.voxels[mask.box()], 1), mask.geometry.spacing)
    return Solid(volume, area)


def hull_points(mask: Mask) -> tuple[Points, Points, Solid]:
    """Stretch a convex hull over the surface.

    Returns
    -------
    points : array, shape (n, 3)
        The hull's corners along the grid's axes, mm.
    normals : array, shape (m, 3)
        The directions of its faces, each once.
    hull : Solid
        The hull itself.
    """
    from scipy.spatial import ConvexHull

    straight = mask.with_voxels(mask.voxels, np.diag([*mask.geometry.spacing, 1.0]))
    vertices = surface_vertices(straight)
    hull = ConvexHull(vertices)
    normals = hull.equations[:, :3]
    # A face and the one opposite give the same box.
    normals = normals * np.sign(normals[np.arange(len(normals)), np.abs(normals).argmax(axis=1)])[:, None]
    return vertices[hull.vertices], np.unique(normals.round(9), axis=0), Solid(float(hull.volume), float(hull.area))


def aligned_box(points: Points) -> Solid:
    """Lay the tightest box along the grid's axes around points, shape (n, 3), mm."""
    return _box(np.ptp(points, axis=0))


def oriented_box(points: Points, normals: Points) -> Solid:
    """Lay the smallest box that rests on a face of the hull around it.

    Parameters
    ----------
    points, normals : array, shape (n, 3)
        As `hull_points`, mm.

    Returns
    -------
    Solid
        Smallest by volume over every face, turned in that face's plane to the smallest rectangle. The very smallest
        box may rest on edges alone; teams did not agree on this feature's value, so that no reference tells.

    References
    ----------
    IBSI ZH1A, IQYR; O'Rourke 1985, 10.1007/BF00991005.
    """
    boxes = (np.array([np.ptp(points @ normal), *_smallest_rectangle(_project(points, normal))])
             for normal in normals)
    return _box(min(boxes, key=np.prod))


def _project(points: Points, normal: Points) -> Points:
    """Coordinates within the plane across `normal`, shape (n, 2)."""
    first = np.cross(normal, np.eye(3)[np.abs(normal).argmin()])
    first /= np.linalg.norm(first)
    return np.asarray(points @ np.stack([first, np.cross(normal, first)], axis=1))


def _smallest_rectangle(points: Points) -> Points:
    """Sides of the smallest rectangle around points, shape (n, 2): one of them lies along the hull."""
    from scipy.spatial import ConvexHull

    corners = points[ConvexHull(points).vertices]
    edges = np.roll(corners, -1, axis=0) - corners
    along = edges / np.linalg.norm(edges, axis=1, keepdims=True)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    sides = np.stack([np.ptp(corners @ along.T, axis=0), np.ptp(corners @ across.T, axis=0)], axis=1)
    return np.asarray(sides[sides.prod(axis=1).argmin()])


def _box(sides: NDArray[np.float64]) -> Solid:
    a, b, c = (float(side) for side in sides)
    return Solid(a * b * c, 2.0 * (a * b + b * c + c * a))


def enclosing_ellipsoid(mask: Mask) -> Solid | None:
    """Lay the ellipsoid around an outline whose semi-axes are two deviations of its voxels along each principal axis.

    Returns
    -------
    Solid or None
        None for an outline within one plane. The area is the manual's series, up to its 20th term; it is not quite
        the ellipsoid's own (4 % below it on the digital phantom), but it is what the consensus rests on.

    References
    ----------
    IBSI 6BDE, RDD2; 10.1148/radiol.2020191145.
    """
    points = np.argwhere(mask.voxels[mask.box()]) * np.asarray(mask.geometry.spacing)
    if len(points) < 2 or min(np.ptp(points, axis=0)) == 0:
        return None
    spread = np.linalg.eigvalsh(np.cov(points, rowvar=False))
    if spread[0] <= 1e-9 * spread[-1]:
        return None
    c, b, a = (float(axis) for axis in 2.0 * np.sqrt(spread))
    return Solid(4.0 / 3.0 * np.pi * a * b * c, _ellipsoid_area(a, b, c))


def _ellipsoid_area(a: float, b: float, c: float) -> float:
    """Sum the manual's series of Legendre polynomials for semi-axes a >= b >= c.

    Its terms (alpha beta)^n P_n((alpha^2 + beta^2) / (2 alpha beta)) follow Bonnet's recurrence multiplied through by
    (alpha beta)^n, which also holds for a ball, where the quotient has no value.
    """
    alpha, beta = 1.0 - (b / a) ** 2, 1.0 - (c / a) ** 2
    middle, product = (alpha + beta) / 2.0, alpha * beta
    before, term, total = 0.0, 1.0, 0.0
    for n in range(SERIES_TERMS + 1):
        total += term / (1.0 - 4.0 * n**2)
        before, term = term, ((2 * n + 1) * middle * term - n * product * before) / (n + 1)
    return 4.0 * np.pi * a * b * total
