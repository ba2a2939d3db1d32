"""The mathematics of ComBat: location and scale of every batch, shrunk by empirical Bayes; arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.core.harmonise.shrinkage import shrink_nonparametric, shrink_parametric

FloatArray = NDArray[np.float64]
CONSTANT = 1e-12


@dataclass(frozen=True, eq=False)
class CombatEstimate:
    """What ComBat learned.

    Parameters
    ----------
    batches : tuple of str
        Their order in `location` and `scale`.
    mean, deviation : array, shape (features,)
        Of the standardisation; a deviation of 0 marks a feature that is left as it is.
    effects : array, shape (columns, features)
        Coefficients of the design, in the features' units.
    centre : array, shape (columns,)
        Training mean of the design; stands in where a row's covariate is unknown.
    location, scale : array, shape (batches, features)
        Additive effect in standard deviations, and factor on the variance.
    reference : str or None
        Batch that is returned as it came.
    eb, parametric, mean_only : bool
        How it was estimated.
    """

    batches: tuple[str, ...]
    mean: FloatArray
    deviation: FloatArray
    effects: FloatArray
    centre: FloatArray
    location: FloatArray
    scale: FloatArray
    reference: str | None = None
    eb: bool = True
    parametric: bool = True
    mean_only: bool = False

    def expect(self, rows: int, design: ArrayLike | None = None) -> FloatArray:
        """Mean of each feature given the covariates: shape (rows, features); NaN in the design is unknown."""
        expected = np.repeat(self.mean[np.newaxis], rows, axis=0)
        if design is None or not len(self.centre):
            return expected
        given = np.asarray(design, dtype=np.float64).reshape(rows, -1)
        return expected + np.where(np.isnan(given), 0.0, given - self.centre) @ self.effects

    def adjust(
        self, values: ArrayLike, location: FloatArray, scale: FloatArray, design: ArrayLike | None = None
    ) -> FloatArray:
        """Remove a location and a scale from rows.

        Parameters
        ----------
        values : array, shape (rows, features)
        location, scale : array, shape (rows, features) or (features,)
        design : array, shape (rows, columns), optional
            Covariates, NaN where unknown; all unknown when left out.

        Returns
        -------
        array, shape (rows, features)
        """
        found = np.asarray(values, dtype=np.float64)
        usable = self.deviation > 0
        expected, deviation = self.expect(len(found), design), np.where(usable, self.deviation, 1.0)
        adjusted = ((found - expected) / deviation - location) / np.sqrt(scale) * deviation + expected
        return np.where(usable, adjusted, found)

    def apply(self, values: ArrayLike, batches: Sequence[Any], design: ArrayLike | None = None) -> FloatArray:
        """Harmonise rows of known batches.

        Parameters
        ----------
        values : array, shape (rows, features)
        batches : sequence of str, length rows
        design : array, shape (rows, columns), optional
            As for `adjust`.

        Returns
        -------
        array, shape (rows, features)
        """
        places = np.array([self.batches.index(str(batch)) for batch in batches], dtype=int)
        adjusted = self.adjust(values, self.location[places], self.scale[places], design)
        if self.reference is not None:
            kept = places == self.batches.index(self.reference)
            adjusted[kept] = np.asarray(values, dtype=np.float64)[kept]
        return adjusted

    def measure(self, values: ArrayLike, design: ArrayLike | None = None) -> tuple[FloatArray, FloatArray]:
        """Location and scale of one further batch from its rows, against the training cases.

        Parameters
        ----------
        values : array, shape (rows, features)
            All of one batch.
        design : array, shape (rows, columns), optional
            As for `adjust`.

        Returns
        -------
        location, scale : array, shape (features,)
        """
        found = _finite(values)
        usable = self.deviation > 0
        expected = self.expect(len(found), design)
        standard = (found - expected)[:, usable] / self.deviation[usable]
        location, scale = np.zeros(len(usable)), np.ones(len(usable))
        location[usable], scale[usable] = _measure_batch(standard, self.eb, self.parametric, self.mean_only)
        return location, scale


def estimate_combat(
    values: ArrayLike,
    batches: Sequence[Any],
    design: ArrayLike | None = None,
    *,
    eb: bool = True,
    parametric: bool = True,
    mean_only: bool = False,
    reference: str | None = None,
    location_only: Collection[str] = (),
) -> CombatEstimate:
    """Estimate batch effects.

    Nothing here knows what an outcome is: `Combat` refuses it as a covariate, this function does not.

    Parameters
    ----------
    values : array, shape (rows, features)
        NaN where a value is missing.
    batches : sequence, length rows
        Batch of each row.
    design : array, shape (rows, columns), optional
        Covariates whose effect is kept, without an intercept; NaN counts as the column's mean.
    eb : bool
        Shrink each batch's estimates towards their mean over the features.
    parametric : bool
        Normal and inverse gamma priors, or the features' own distribution.
    mean_only : bool
        Locations only.
    reference : str, optional
        Batch that the others are brought to.
    location_only : collection of str
        Batches whose variance is left as it is; batches of one row always are.

    Returns
    -------
    CombatEstimate

    Raises
    ------
    ValueError
        The covariates and the batches cannot be told apart.

    Notes
    -----
    A feature that is constant, or known in fewer than two rows, is left as it is and informs no prior. A feature that
    no row of a batch has takes the prior's means there.

    References
    ----------
    Johnson et al. 2007, 10.1093/biostatistics/kxj037; Fortin et al. 2017, 10.1016/j.neuroimage.2017.08.047.
    """
    found = _finite(values)
    labels = np.array([str(batch) for batch in batches])
    names = tuple(sorted(set(labels.tolist())))
    members = labels[:, np.newaxis] == np.array(names)
    columns = np.array([[]] * len(found) if design is None else design, dtype=np.float64).reshape(len(found), -1)
    centre = np.nan_to_num(_mean(columns))
    columns = np.where(np.isnan(columns), 0.0, columns - centre)
    full = np.hstack([members.astype(np.float64), columns])
    if columns.shape[1] and np.linalg.matrix_rank(full) < full.shape[1]:
        raise ValueError("the covariates and the batches are collinear")
    usable = _varies(found)
    used = found[:, usable]
    coefficients = _regress(used, full, len(names))
    intercepts, effects = coefficients[: len(names)], coefficients[len(names) :]
    if reference is None:
        weights = np.where(np.isnan(intercepts), 0.0, members.sum(axis=0)[:, np.newaxis])
        mean = (np.nan_to_num(intercepts) * weights).sum(axis=0) / weights.sum(axis=0)
        rows = np.ones(len(found), dtype=bool)
    else:
        place = names.index(reference)
        mean, rows = np.where(np.isnan(intercepts[place]), _mean(used), intercepts[place]), members[:, place]
    residuals = used - full @ np.nan_to_num(coefficients)
    deviation = _deviations(residuals[rows], used)
    standard = (used - mean - columns @ effects) / deviation
    location, scale = np.zeros((len(names), used.shape[1])), np.ones((len(names), used.shape[1]))
    for place, name in enumerate(names):
        if name != reference:
            located = mean_only or name in location_only
            location[place], scale[place] = _measure_batch(standard[members[:, place]], eb, parametric, located)
    return CombatEstimate(
        names,
        _spread(mean, usable),
        _spread(deviation, usable),
        _spread(effects, usable),
        centre,
        _spread(location, usable),
        _spread(scale, usable, 1.0),
        reference,
        eb,
        parametric,
        mean_only,
    )


def _measure_batch(standard: FloatArray, eb: bool, parametric: bool, mean_only: bool) -> tuple[FloatArray, FloatArray]:
    """Location and scale of one batch's standardised rows, shape (features,) each, shrunk when asked."""
    location = _mean(standard)
    known = np.isfinite(location)
    if mean_only or len(standard) < 2:
        scale, mean_only = np.ones_like(location), True
    else:
        scale = _variance(standard)
        scale = np.where(np.isfinite(scale) & (scale > CONSTANT), scale, 1.0)
    if not eb or known.sum() < 2:
        return np.where(known, location, 0.0), np.where(known, scale, 1.0)
    shrink = shrink_parametric if parametric else shrink_nonparametric
    return shrink(standard, location, scale, mean_only)


def _finite(values: ArrayLike) -> FloatArray:
    found = np.array(values, dtype=np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def _mean(values: FloatArray) -> FloatArray:
    """Mean of the known values of each column; NaN where there is none."""
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    mean = np.where(known, values, 0.0).sum(axis=0) / np.maximum(counts, 1)
    return np.asarray(np.where(counts > 0, mean, np.nan), dtype=np.float64)


def _variance(values: FloatArray, ddof: int = 1) -> FloatArray:
    """Variance of the known values of each column; NaN where there are too few."""
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    squares = np.where(known, values - _mean(values), 0.0) ** 2
    return np.asarray(np.where(counts > ddof, squares.sum(axis=0) / np.maximum(counts - ddof, 1), np.nan))


def _varies(values: FloatArray) -> NDArray[np.bool_]:
    known = np.isfinite(values)
    low = np.where(known, values, np.inf).min(axis=0, initial=np.inf)
    high = np.where(known, values, -np.inf).max(axis=0, initial=-np.inf)
    return np.asarray((known.sum(axis=0) > 1) & (high - low > CONSTANT * np.maximum(np.abs(low), np.abs(high))))


def _regress(values: FloatArray, design: FloatArray, batches: int) -> FloatArray:
    """Least squares on each feature's known rows, shape (columns, features); NaN for a batch that none of them has."""
    known = np.isfinite(values)
    coefficients = np.full((design.shape[1], values.shape[1]), np.nan)
    patterns, which = np.unique(known, axis=1, return_inverse=True)
    for index, rows in enumerate(patterns.T):
        features = np.flatnonzero(which.ravel() == index)
        present = np.flatnonzero((design[rows] != 0).any(axis=0))
        found = np.linalg.lstsq(design[np.ix_(rows, present)], values[np.ix_(rows, features)], rcond=None)[0]
        coefficients[np.ix_(present, features)] = found
    coefficients[batches:] = np.nan_to_num(coefficients[batches:])
    return coefficients


def _deviations(residuals: FloatArray, values: FloatArray) -> FloatArray:
    """Pooled standard deviation; a feature that is constant within every batch takes the features' median."""
    variance = _variance(residuals, ddof=0)
    least = (CONSTANT * np.nanmax(np.abs(values), axis=0, initial=0.0)) ** 2
    positive = np.isfinite(variance) & (variance > least)
    middle = float(np.median(variance[positive])) if positive.any() else 1.0
    return np.asarray(np.sqrt(np.where(positive, variance, middle)))


def _spread(values: FloatArray, usable: NDArray[np.bool_], fill: float = 0.0) -> FloatArray:
    """Put the columns of the usable features back among all features."""
    spread = np.full((*values.shape[:-1], len(usable)), fill)
    spread[..., usable] = values
    spread.setflags(write=False)
    return spread
