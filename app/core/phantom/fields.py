"""Smooth random fields on a grid: cubic B-splines over random coefficients, cheap because each axis is one product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def spline_weights(positions: NDArray[np.floating], knot_distance: float) -> Array:
    """Cubic B-spline weights of each position on equally spaced knots.

    Parameters
    ----------
    positions : array, shape (n,)
        Ascending, mm.
    knot_distance : float
        Distance between knots, mm.

    Returns
    -------
    array of float32, shape (n, knots)
        Rows of unit length, so that unit-variance coefficients give a unit-variance field.
    """
    place = (positions - positions[0]) / knot_distance
    knots = np.arange(-1, int(np.ceil(place[-1])) + 2)
    far = np.abs(place[:, None] - knots)
    weights = np.where(far < 1, 2 / 3 - far**2 + far**3 / 2, np.clip(2 - far, 0, None) ** 3 / 6)
    return np.asarray(weights / np.sqrt((weights**2).sum(axis=1, keepdims=True)), dtype=np.float32)


def draw_field(rng: np.random.Generator, axes: Sequence[NDArray[np.floating]],
               knot_distance: float | Sequence[float]) -> Array:
    """Draw a smooth random field of mean 0 and variance 1.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the coefficients.
    axes : sequence of array
        Positions along each axis, mm.
    knot_distance : float or sequence of float
        Distance over which the field changes, mm.

    Returns
    -------
    array of float32
        One value for each combination of positions.
    """
    distances = [knot_distance] * len(axes) if isinstance(knot_distance, (int, float)) else list(knot_distance)
    weights = [spline_weights(np.asarray(axis), each) for axis, each in zip(axes, distances, strict=True)]
    field = rng.standard_normal([w.shape[1] for w in weights], dtype=np.float32)
    for axis, each in enumerate(weights):
        field = np.moveaxis(np.moveaxis(field, axis, -1) @ each.T, -1, axis)
    return np.ascontiguousarray(field)
