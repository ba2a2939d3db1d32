"""Cubic B-spline lattices over a regular grid: fit, refinement and evaluation, one small matrix per axis.

Lee's scattered-data approximation visits the 4^d control points around every sample. On a grid each of its sums is a
product of one sum per axis, so the fit becomes a contraction of the image with a matrix along each axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.core.data import FloatArray

Real = TypeVar("Real", np.float32, np.float64)
Matrix = NDArray[np.float64]

DEGREE = 3
_PULLED_IN = 1e-3


def basis_matrix(samples: int, controls: int) -> Matrix:
    """Weigh the control points of an axis at its samples.

    Parameters
    ----------
    samples : int
        Evenly spaced, first and last on the ends of the spline; at least 2.
    controls : int
        At least 4. The last sample is pulled inwards by a thousandth of a step, as in ITK.

    Returns
    -------
    array of float64, shape (samples, controls)
        Four weights in each row, which sum to 1.
    """
    step = (controls - DEGREE) / (samples - 1)
    place = step * np.arange(samples)
    place[-1] = controls - DEGREE - _PULLED_IN * step
    first = np.minimum(place.astype(np.intp), controls - DEGREE - 1)
    t = place - first
    square, cube, rows = t * t, t * t * t, np.arange(samples)
    matrix = np.zeros((samples, controls))
    matrix[rows, first] = (1 - t) ** 3 / 6
    matrix[rows, first + 1] = cube / 2 - square + 2 / 3
    matrix[rows, first + 2] = (1 / 3 + t + square - cube) / 2
    matrix[rows, first + 3] = cube / 6
    return matrix


def refinement_matrix(controls: int) -> Matrix:
    """Halve the spans of an axis: the same curve from 2 m - 3 control points instead of m.

    Parameters
    ----------
    controls : int
        m, at least 4.

    Returns
    -------
    array of float64, shape (2 m - 3, m)
    """
    matrix = np.zeros((2 * controls - DEGREE, controls))
    at = np.arange(controls - 1)
    matrix[2 * at, at] = matrix[2 * at, at + 1] = 1 / 2
    at = at[:-1]
    matrix[2 * at + 1, at] = matrix[2 * at + 1, at + 2] = 1 / 8
    matrix[2 * at + 1, at + 1] = 3 / 4
    return matrix


def contract(values: NDArray[Real], matrices: Sequence[NDArray[Real]]) -> NDArray[Real]:
    """Sum a grid against a matrix along each axis.

    Parameters
    ----------
    values : array, shape (n1, ..., nd)
        In C order.
    matrices : sequence of array, shape (n, m) for each axis

    Returns
    -------
    array, shape (m1, ..., md)
    """
    done = 1
    for matrix in matrices[:-1]:
        samples, controls = matrix.shape
        values = np.matmul(matrix.T, values.reshape(done, samples, -1))
        done *= controls
    values = values.reshape(done, -1) @ matrices[-1]
    return values.reshape([matrix.shape[1] for matrix in matrices])


def expand(lattice: NDArray[Real], matrices: Sequence[NDArray[Real]]) -> NDArray[Real]:
    """Apply a matrix along each axis: evaluate a lattice on a grid, or refine it.

    Parameters
    ----------
    lattice : array, shape (m1, ..., md)
        In C order.
    matrices : sequence of array, shape (n, m) for each axis

    Returns
    -------
    array, shape (n1, ..., nd)
    """
    last = matrices[-1]
    values, rest = lattice.reshape(-1, last.shape[1]) @ last.T, last.shape[0]
    for matrix in matrices[-2::-1]:
        samples, controls = matrix.shape
        values = np.matmul(matrix, values.reshape(-1, controls, rest))
        rest *= samples
    return values.reshape([matrix.shape[0] for matrix in matrices])


class LatticeFit:
    """The fit of one level: residuals at some voxels of a grid in, control points out, and back.

    Parameters
    ----------
    shape : sequence of int
        Of the whole grid, which the lattice spans; every axis at least 2.
    controls : sequence of int
        Control points along each axis.
    box : sequence of slice
        The part of the grid that holds the voxels.
    inside : array of int, shape (voxels,)
        Their flat indices in that part, in C order.
    weights : array of float32, shape (voxels,), optional
        Confidence in each, above 0; 1 if not given.

    References
    ----------
    Lee, Wolberg and Shin 1997, 10.1109/2945.620490.
    """

    def __init__(self, shape: Sequence[int], controls: Sequence[int], box: Sequence[slice],
                 inside: NDArray[np.intp], weights: FloatArray | None = None) -> None:
        bases = [basis_matrix(n, m)[rows] for n, m, rows in zip(shape, controls, box, strict=True)]
        self._inside, self._weights = inside, weights
        self._bases = [basis.astype(np.float32) for basis in bases]
        self._shares = [np.asarray(basis**3 / (basis**2).sum(axis=1, keepdims=True), dtype=np.float32)
                        for basis in bases]
        self._grid: FloatArray = np.zeros([len(basis) for basis in bases], dtype=np.float32)
        self._flat = self._grid.reshape(-1)
        seen = np.zeros(self._grid.shape)
        seen.reshape(-1)[inside] = 1 if weights is None else weights
        total = contract(seen, [basis**2 for basis in bases])
        self._per_total = np.divide(1, total, out=np.zeros_like(total), where=total > 0)

    def fit(self, residual: FloatArray) -> Matrix:
        """Control points that approximate the residuals, shape (m1, ..., md); 0 where no voxel is near."""
        self._flat[self._inside] = residual if self._weights is None else residual * self._weights
        step: Matrix = contract(self._grid, self._shares) * self._per_total
        return step

    def evaluate(self, lattice: Matrix) -> FloatArray:
        """The spline at the voxels, shape (voxels,)."""
        return expand(lattice.astype(np.float32), self._bases).take(self._inside)


def evaluate_lattice(lattice: Matrix, shape: Sequence[int]) -> FloatArray:
    """The spline on a whole grid.

    Parameters
    ----------
    lattice : array of float64, shape (m1, ..., md)
    shape : sequence of int
        Samples along each axis, at least 2.

    Returns
    -------
    array of float32, shape `shape`
    """
    matrices: list[Any] = [basis_matrix(n, m).astype(np.float32) for n, m in zip(shape, lattice.shape, strict=True)]
    return expand(np.ascontiguousarray(lattice, dtype=np.float32), matrices)


def refine_lattice(lattice: Matrix) -> Matrix:
    """The same spline with every span halved, shape (2 m - 3) along each axis."""
    return expand(lattice, [refinement_matrix(m) for m in lattice.shape])
