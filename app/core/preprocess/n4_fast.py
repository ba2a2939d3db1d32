"""N4 in array operations: the algorithm of ITK's filter, step for step, some hundred times as fast.

The voxels of the region live in one flat vector in ITK's order (i fastest). Intensities are single, control points
double precision. Where voxels are few or the tolerance is barely reached, a last digit can add or save an iteration;
ITK's own results differ as much between one thread and two.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from app.core.data import FloatArray, Mask, MaskArray, Volume
from app.core.errors import EmptyMask, InputError
from app.core.preprocess.n4_bspline import DEGREE, LatticeFit, Matrix, evaluate_lattice, refine_lattice
from app.core.preprocess.n4_convergence import Variation
from app.core.preprocess.n4_sharpen import Sharpening
from app.core.recipe import N4Recipe

if TYPE_CHECKING:
    from app.core.jobs import Report


def estimate_field(volume: Volume, region: Mask, recipe: N4Recipe, shrink: tuple[int, int, int],
                   report: Report | None, weights: Volume | None = None) -> tuple[FloatArray, list[dict[str, Any]]]:
    """Fit the bias field on the shrunken image and evaluate it at every voxel.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k), RAS+ mm; positive within the region.
    region : Mask
        On the volume's grid.
    recipe : N4Recipe
        Settings of the fit.
    shrink : tuple of int
        Factors along (i, j, k).
    report : callable, optional
        Called after every iteration; may raise `Cancelled`.
    weights : Volume, optional
        Confidence in each voxel, on the volume's grid; voxels at 0 take no part.

    Returns
    -------
    field : array of float32, shape (i, j, k)
        A positive factor.
    levels : list of dict
        'iterations' and 'convergence' of each level, as reached.

    Raises
    ------
    EmptyMask
        No voxel of the region is left after shrinking.
    InputError
        All that are left hold the same value.

    References
    ----------
    Tustison et al. 2010, 10.1109/TMI.2010.2046908.
    """
    if report is not None:
        report(0.0, "Correcting the bias field")
    kept = tuple(shrunken(size, factor) for size, factor in zip(volume.voxels.shape, shrink, strict=True))
    inside = np.ascontiguousarray(region.voxels[kept].T)
    confidence = None
    if weights is not None:
        inside = inside & (weights.voxels[kept].T > 0)
        confidence = weights.voxels[kept].T[inside]
    values = volume.voxels[kept].T[inside]
    if not values.size:
        raise EmptyMask(f"After shrinking by {shrink} no voxel of the region is left to fit the bias field to.",
                        "Use a smaller shrink factor or a larger mask.")
    if values.min() == values.max():
        raise InputError(f"After shrinking by {shrink} all voxels of the region hold the same value, {values[0]:g}; "
                         "there is no field to estimate.", "Use a smaller shrink factor or a larger mask.")
    # A single slice has no extent that a spline could run along.
    long = [axis for axis, size in enumerate(inside.shape) if size > 1]
    with _one_thread():
        lattice, levels = fit_lattice(values, inside.reshape([inside.shape[axis] for axis in long]), recipe,
                                      mesh=[recipe.mesh_along[2 - axis] for axis in long], weights=confidence,
                                      report=report)
        along = [2 - axis for axis in reversed(long)]
        field = evaluate_lattice(lattice.T, [volume.voxels.shape[axis] for axis in along])
    np.exp(field, out=field)
    field = field.reshape([size if axis in along else 1 for axis, size in enumerate(volume.voxels.shape)])
    return np.array(np.broadcast_to(field, volume.voxels.shape)), levels


def shrunken(size: int, factor: int) -> slice:
    """Find the voxels of an axis that ITK's shrinking keeps.

    Parameters
    ----------
    size : int
        Voxels along the axis.
    factor : int
        At most `size`.

    Returns
    -------
    slice
        size // factor indices, evenly spaced and centred, rounded up.
    """
    count = size // factor
    start = (size - (count - 1) * factor) // 2
    return slice(start, start + count * factor, factor)


def fit_lattice(values: FloatArray, inside: MaskArray, recipe: N4Recipe, *, mesh: list[int],
                weights: FloatArray | None = None, report: Report | None = None,
                ) -> tuple[Matrix, list[dict[str, Any]]]:
    """Fit the log field level by level, each with spans half as long.

    Parameters
    ----------
    values : array of float32, shape (voxels,)
        Intensities where `inside` is true, in its order; those at or below 0 are taken for their own logarithm, as
        ITK does.
    inside : array of bool
        The grid, in C order, every axis longer than 1.
    recipe : N4Recipe
    mesh : list of int
        Spans of the first level along each axis of the grid.
    weights : array of float32, shape (voxels,), optional
        Confidence in each value, above 0.
    report : callable, optional
        Called after every iteration.

    Returns
    -------
    lattice : array of float64
        Control points of the log field.
    levels : list of dict
    """
    box, places = _box(inside)
    image = np.log(values, out=values.astype(np.float32), where=values > 0)
    sharpening = Sharpening(image.size, recipe.bins, recipe.fwhm, recipe.noise)
    variation = Variation(image.size)
    lattice: Matrix = np.zeros([spans + DEGREE for spans in mesh])
    field, corrected, levels = np.zeros_like(image), image.copy(), []
    for level, most in enumerate(recipe.iterations_per_level):
        if level:
            lattice = refine_lattice(lattice)
        fit = LatticeFit(inside.shape, lattice.shape, box, places, weights)
        figure, iteration = np.inf, 0
        while iteration < most and figure > recipe.tolerance:
            iteration += 1
            lattice += fit.fit(sharpening.residual(corrected))
            before, field = field, fit.evaluate(lattice)
            if recipe.tolerance or iteration == most:
                np.exp(np.subtract(before, field, out=before), out=before)
                figure = variation.measure(before, recipe.tolerance)
            np.subtract(image, field, out=corrected)
            if report is not None:
                report((level + iteration / most) / recipe.levels,
                       f"Correcting the bias field: level {level + 1} of {recipe.levels}, iteration {iteration}")
        levels.append({"iterations": iteration, "convergence": figure})
    return lattice, levels


def _box(inside: MaskArray) -> tuple[list[slice], NDArray[np.intp]]:
    """The smallest part of the grid that holds all voxels, and their flat indices in it."""
    box = []
    for axis in range(inside.ndim):
        seen = np.flatnonzero(inside.any(axis=tuple(other for other in range(inside.ndim) if other != axis)))
        box.append(slice(int(seen[0]), int(seen[-1]) + 1))
    return box, np.flatnonzero(inside[tuple(box)])


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Multiply matrices on one thread: they are small, and a second one costs more than it brings."""
    with _threads().limit(limits=1, user_api="blas"):
        yield
