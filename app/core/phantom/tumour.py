"""The tumour: a lobulated body of given volume, its septa, nodules and vessels, and the way it pushes tissue aside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from app.core.phantom.anatomy import MUSCLE, WATER
from app.core.phantom.fields import Array, draw_field
from app.core.phantom.parameters import CaseParameters

LOBES = 20
MUSCLE_SIGNAL = float(WATER[MUSCLE])


@dataclass(frozen=True, eq=False)
class Shape:
    """A star-shaped, lobulated body.

    Parameters
    ----------
    half_axes : array, shape (3,)
        Of the ellipsoid beneath the lobes: along the limb, across the flat side, along the flat normal; mm.
    axes : array, shape (3, 3)
        Rows: the unit vectors of those directions in the picture's frame (x left, y back, z up).
    lobes : array, shape (LOBES, 5)
        Direction (3) in the body's own frame, height and sharpness of each lobe.
    """

    half_axes: NDArray[np.float64]
    axes: NDArray[np.float64]
    lobes: NDArray[np.float64]

    def surface(self, directions: NDArray[np.floating]) -> NDArray[np.floating]:
        """Distance of the surface from the centre in units of the half-axes, for unit vectors of shape (n, 3)."""
        lobes = self.lobes.astype(directions.dtype)
        cosine = directions @ lobes[:, :3].T
        return np.asarray(0.80 + np.exp((cosine - 1) * lobes[:, 4]) @ lobes[:, 3])

    def to_unit(self, offsets: NDArray[np.floating]) -> NDArray[np.floating]:
        """Offsets from the centre (n, 3), mm, in units of the half-axes."""
        return np.asarray(offsets @ (self.axes / self.half_axes[:, None]).T.astype(offsets.dtype))

    def points(self) -> NDArray[np.float64]:
        """Evenly spread surface points about the centre, shape (600, 3), mm."""
        sphere = _sphere(600)
        return np.asarray((sphere * self.surface(sphere)[:, None] * self.half_axes) @ self.axes)

    @property
    def longest_cm(self) -> float:
        """Longest diameter, cm."""
        points = self.points()
        return float(np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2)).max()) / 10


def draw_shape(parameters: CaseParameters, normal: float, tilt: float, rng: np.random.Generator) -> Shape:
    """Draw a body of exactly the drawn volume.

    Parameters
    ----------
    parameters : CaseParameters
        Its volume, elongation and location are used.
    normal : float
        Angle of the flat normal in the slice, rad.
    tilt : float
        Angle between the long axis and the limb, rad.
    rng : numpy.random.Generator
        Source of the lobes.
    """
    flat = np.sqrt(rng.uniform(*((1.25, 1.9), (1.0, 1.35), (1.1, 1.6))[parameters.location]))
    across = 1 / np.sqrt(parameters.elongation)
    half_axes = np.array([parameters.elongation, across * flat, across / flat])
    out = np.array([np.cos(normal), np.sin(normal), 0.0])
    side = np.array([-np.sin(normal), np.cos(normal), 0.0])
    long = np.cos(tilt) * np.array([0.0, 0.0, 1.0]) + np.sin(tilt) * side
    side = np.cross(out, long)
    directions = rng.standard_normal((LOBES, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    heights = rng.uniform(0.4, 1.3) * rng.uniform(0.08, 0.34, LOBES) * (1 - 0.8 * directions[:, 0] ** 2)
    lobes = np.column_stack([directions, heights, rng.uniform(7, 36, LOBES)])
    shape = Shape(half_axes, np.stack([long, side, out]), lobes)
    sphere = _sphere(6000)
    unit_volume = 4 / 3 * np.pi * (shape.surface(sphere) ** 3).mean() * half_axes.prod()
    return Shape(half_axes * (parameters.volume_ml * 1000 / unit_volume) ** (1 / 3), shape.axes, lobes)


def draw_interior(parameters: CaseParameters, offsets: Array, box_axes: tuple[Array, Array, Array],
                  inside: NDArray[np.bool_], depth: Array, pixel: float,
                  rng: np.random.Generator) -> tuple[Array, Array]:
    """Fill the tumour with fat, septa, vessels and nodules.

    Parameters
    ----------
    parameters : CaseParameters
        Septa, nodules and enhancement.
    offsets : array of float32, shape (n, 3)
        Voxels of the tumour, mm from its centre.
    box_axes : tuple of array
        Voxel positions along x, y, z of the box that holds the tumour, mm.
    inside : array of bool, shape (len(x), len(y), len(z))
        Which voxels of the box the offsets belong to.
    depth : array of float32, shape (n,)
        Depth below the tumour's surface, mm.
    pixel : float
        In-plane voxel size, mm: thinner septa fill it in part.
    rng : numpy.random.Generator
        Source of everything random here.

    Returns
    -------
    stroma : array of float32, shape (n,)
        Share of each voxel that is fibrous or solid, 0 to 1.
    water : array of float32, shape (n,)
        Signal of that share, muscle being `MUSCLE_SIGNAL`.
    """
    streams = rng.spawn(5)
    lobule = parameters.lobule_mm
    bend = np.stack([draw_field(streams[0], box_axes, lobule * 0.9)[inside] for _ in range(3)], axis=1)
    curved = offsets + 0.17 * lobule * bend
    swell = np.exp(0.3 * draw_field(streams[4], box_axes, 8.0)[inside])
    stroma = _draw_septa(parameters, curved, swell, pixel, streams[1])
    stroma = np.maximum(stroma, 0.55 * np.clip((1.1 - depth) / pixel + 0.5, 0, 1))
    stroma = np.maximum(stroma, _draw_vessels(curved, pixel, streams[2]))
    patch = 1 + 0.16 * draw_field(streams[3], box_axes, 9.0)[inside]
    nodules = _draw_nodules(parameters, curved, depth, streams[3])
    haze = 0.04 + 0.02 * draw_field(streams[0], box_axes, 5.0)[inside]
    stroma = np.clip(np.maximum(np.maximum(stroma, nodules), haze), 0, 1).astype(np.float32)
    return stroma, (MUSCLE_SIGNAL * parameters.enhancement * patch * (1 + 0.12 * nodules)).astype(np.float32)


def _draw_septa(parameters: CaseParameters, curved: Array, swell: Array, pixel: float,
                rng: np.random.Generator) -> Array:
    """Walls between lobules, as the planes half way between seeds; some walls are missing, and no two as thick."""
    low, high = curved.min(axis=0), curved.max(axis=0)
    count = int(np.clip(np.prod(high - low) / parameters.lobule_mm**3, 5, 900))
    seeds = rng.uniform(low - 4, high + 4, (count, 3)).astype(np.float32)
    distance, nearest = cKDTree(seeds).query(curved, k=2)
    first, second = nearest.min(axis=1), nearest.max(axis=1)
    gap = np.linalg.norm(seeds[first] - seeds[second], axis=1) + 1e-3
    to_wall = (distance[:, 1] ** 2 - distance[:, 0] ** 2) / (2 * gap)
    kinds = rng.random((count, count), dtype=np.float32)
    spread = np.exp(0.3 * rng.standard_normal((count, count), dtype=np.float32))
    thickness = parameters.septa_mm * spread[first, second] * swell
    thickness *= np.where(kinds[first, second] < parameters.septa_present, 1.0, 0.10)
    return _overlap(to_wall, np.minimum(thickness, 11.0), pixel)


def _draw_vessels(curved: Array, pixel: float, rng: np.random.Generator) -> Array:
    """Three thin vessels that run through the tumour."""
    reach = np.abs(curved).max(axis=0)
    share = np.zeros(len(curved), np.float32)
    for _ in range(3):
        start, end = rng.uniform(-1, 1, (2, 3)) * reach
        along = (end - start) / np.linalg.norm(end - start)
        offset = curved - start.astype(np.float32)
        distance = np.linalg.norm(offset - np.outer(offset @ along, along), axis=1)
        share = np.maximum(share, _overlap(distance, np.full(1, rng.uniform(0.9, 1.6)), pixel))
    return share


def _draw_nodules(parameters: CaseParameters, curved: Array, depth: Array, rng: np.random.Generator) -> Array:
    """Solid nodules; their places and sizes are drawn for seven whatever the number shown."""
    places, sizes, squash = rng.random(7), rng.uniform(4.5, 12.0, 7), rng.uniform(0.75, 1.3, (7, 3))
    reach = 0.5 * float(depth.max()) + 1.0
    deep = np.flatnonzero(depth > 0.25 * depth.max())
    share = np.zeros(len(curved), np.float32)
    for number in range(parameters.nodules):
        centre = curved[deep[int(places[number] * len(deep))]]
        size = min(sizes[number], reach)
        distance = np.linalg.norm((curved - centre) * squash[number].astype(np.float32), axis=1)
        share = np.maximum(share, np.clip((size - distance) / 1.5 + 0.5, 0, 1))
    return share


def _overlap(distance: NDArray[np.floating], thickness: NDArray[np.floating], pixel: float) -> Array:
    """Share of a pixel at `distance` from the middle of a wall that the wall fills."""
    upper = np.minimum(distance + pixel / 2, thickness / 2)
    lower = np.maximum(distance - pixel / 2, -thickness / 2)
    return np.asarray(np.clip((upper - lower) / pixel, 0, 1), dtype=np.float32)


def _sphere(count: int) -> NDArray[np.float64]:
    """Fibonacci points on the unit sphere, shape (count, 3)."""
    height = 1 - (2 * np.arange(count) + 1) / count
    turn = np.pi * (1 + np.sqrt(5)) * np.arange(count)
    ring = np.sqrt(1 - height**2)
    return np.column_stack([ring * np.cos(turn), ring * np.sin(turn), height])
