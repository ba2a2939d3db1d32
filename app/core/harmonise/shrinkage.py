"""Empirical Bayes for one batch: its features' locations and scales inform each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
TOLERANCE, MOST_STEPS = 1e-4, 1000
AT_ONCE = 256


def shrink_parametric(
    standard: FloatArray, location: FloatArray, scale: FloatArray, mean_only: bool
) -> tuple[FloatArray, FloatArray]:
    """Posterior means under a normal prior for the locations and an inverse gamma prior for the scales.

    Parameters
    ----------
    standard : array, shape (rows, features)
        Standardised values of the batch's rows, NaN where missing.
    location, scale : array, shape (features,)
        Its means (NaN for a feature that no row has) and variances.
    mean_only : bool
        The scales are one.

    Returns
    -------
    location, scale : array, shape (features,)

    Notes
    -----
    The stopping rule divides by the signed estimate, and the mean-only posterior counts one row, as the R package does.

    References
    ----------
    Johnson et al. 2007, 10.1093/biostatistics/kxj037, section 3.2.
    """
    known = np.isfinite(location)
    centre, spread = float(location[known].mean()), float(location[known].var(ddof=1))
    start = np.where(known, location, centre)
    if mean_only:
        return np.where(known, (spread * start + centre) / (spread + 1.0), centre), np.ones_like(start)
    middle, width = float(scale[known].mean()), float(scale[known].var(ddof=1))
    counts = np.isfinite(standard).sum(axis=0).astype(np.float64)
    if width <= np.finfo(float).eps * middle**2:
        fixed = np.full_like(start, middle)
        return (spread * counts * start + fixed * centre) / (spread * counts + fixed), fixed
    shape, rate = 2.0 + middle**2 / width, middle + middle**3 / width
    values = np.where(np.isfinite(standard), standard, 0.0)
    present = np.isfinite(standard)
    where, size = start, np.where(known, scale, middle)
    for _ in range(MOST_STEPS):
        moved = (spread * counts * start + size * centre) / (spread * counts + size)
        squares = (np.where(present, values - moved, 0.0) ** 2).sum(axis=0)
        sized = (0.5 * squares + rate) / (counts / 2.0 + shape - 1.0)
        change = max(_change(moved, where), _change(sized, size))
        where, size = moved, sized
        if change <= TOLERANCE:
            break
    return where, size


def _change(new: FloatArray, old: FloatArray) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.abs(new - old) / old
    return float(np.nanmax(np.where(np.isnan(steps), 0.0, steps)))


def shrink_nonparametric(
    standard: FloatArray, location: FloatArray, scale: FloatArray, mean_only: bool
) -> tuple[FloatArray, FloatArray]:
    """Posterior means under the other features' estimates as the prior.

    Parameters and returns as for `shrink_parametric`.

    Notes
    -----
    Likelihoods are compared on the log scale, so that large batches do not underflow.

    References
    ----------
    Johnson et al. 2007, 10.1093/biostatistics/kxj037, supplement.
    """
    known = np.flatnonzero(np.isfinite(location))
    wheres, sizes = location[known], scale[known]
    present = np.isfinite(standard)
    values = np.where(present, standard, 0.0)
    counts = present.sum(axis=0).astype(np.float64)
    means = values.sum(axis=0) / np.maximum(counts, 1.0)
    within = (np.where(present, values - means, 0.0) ** 2).sum(axis=0)
    shrunk = np.full_like(location, wheres.mean())
    sized = np.full_like(scale, 1.0 if mean_only else sizes.mean())
    for first in range(0, len(known), AT_ONCE):
        some = known[first : first + AT_ONCE]
        squares = within[some, np.newaxis] + counts[some, np.newaxis] * (means[some, np.newaxis] - wheres) ** 2
        likelihood = -0.5 * (counts[some, np.newaxis] * np.log(2 * np.pi * sizes) + squares / sizes)
        likelihood[np.arange(len(some)), np.arange(first, first + len(some))] = -np.inf
        weights = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        shrunk[some], sized[some] = weights @ wheres, weights @ sizes
    return shrunk, sized
