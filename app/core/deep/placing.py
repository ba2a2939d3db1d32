"""Maps of pictures laid back onto the grid of an image, for whoever looks at its slices."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Affine, FloatArray, Geometry
from app.core.radiomics.planes import through_plane_axis


def place_maps(maps: FloatArray, affines: Affine, geometry: Geometry) -> FloatArray:
    """Lay maps onto an image's grid.

    Parameters
    ----------
    maps : array of float32, shape (pictures, y, x) or (1, z, y, x)
    affines : array of float64, shape (pictures, 4, 4)
        Pixel (x, y, z, 1) of each picture to world RAS+, mm, as of `Crops`.
    geometry : Geometry
        Of the image; it need not be the one that the pictures were cut from.

    Returns
    -------
    array of float32, shape (i, j, k)
        Linear between pixels; NaN where no picture was cut. A voxel belongs to the nearest picture if its centre lies
        within half a slice of it, the image's slices or the pictures', whichever are thicker.
    """
    placed = np.full(geometry.shape, np.nan, dtype=np.float32)
    nearest = np.full(geometry.shape, np.inf, dtype=np.float32)
    for own, affine in zip(maps, affines, strict=True):
        stack = own if own.ndim == 3 else own[None]
        to_pixel = np.linalg.inv(affine) @ geometry.affine
        low = np.full(3, -0.5)
        high = np.array(stack.shape[::-1]) - 0.5
        if len(stack) == 1:  # a slice
            half = 0.5 * max(1.0, float(np.abs(to_pixel[2, :3]).max()))
            low[2], high[2] = -half, half
        box = _box(np.linalg.inv(to_pixel), low, high, geometry.shape)
        if any(span.start >= span.stop for span in box):
            continue
        voxels = np.stack(np.meshgrid(*(np.arange(span.start, span.stop) for span in box), indexing="ij"))
        pixels = np.tensordot(to_pixel[:3, :3], voxels, axes=1) + to_pixel[:3, 3].reshape(3, 1, 1, 1)
        edges = (3, 1, 1, 1)
        inside = ((pixels >= low.reshape(edges)) & (pixels < high.reshape(edges))).all(axis=0)
        distance = np.abs(pixels[2]) if len(stack) == 1 else np.zeros(inside.shape)
        chosen = inside & (distance < nearest[box])
        placed[box][chosen] = _sample(stack, pixels[::-1, chosen])
        nearest[box][chosen] = distance[chosen]
    return placed


def find_slices(placed: FloatArray, geometry: Geometry) -> tuple[int, ...]:
    """Slices of an image, across its through-plane axis, on which a placed map says anything."""
    axis = through_plane_axis(geometry)
    others = tuple(other for other in range(3) if other != axis)
    return tuple(int(index) for index in np.flatnonzero(np.isfinite(placed).any(axis=others)))


def _box(
    to_voxel: NDArray[Any], low: NDArray[Any], high: NDArray[Any], shape: tuple[int, int, int]
) -> tuple[slice, slice, slice]:
    """Voxels that may lie in a picture."""
    corners = np.array([[*corner, 1.0] for corner in itertools.product(*zip(low, high, strict=True))])
    reached = (corners @ to_voxel.T)[:, :3]
    first = np.clip(np.floor(reached.min(axis=0)).astype(int), 0, shape)
    last = np.clip(np.ceil(reached.max(axis=0)).astype(int) + 1, 0, shape)
    i, j, k = (slice(int(start), int(stop)) for start, stop in zip(first, last, strict=True))
    return i, j, k


def _sample(stack: FloatArray, places: NDArray[np.float64]) -> FloatArray:
    """Values at (z, y, x), shape (3, n); beyond the outer pixels' centres those of the edge."""
    from scipy.ndimage import map_coordinates

    if len(stack) == 1:
        places = np.vstack([np.zeros_like(places[:1]), places[1:]])
    return np.asarray(map_coordinates(stack, places, order=1, mode="nearest"), dtype=np.float32)
