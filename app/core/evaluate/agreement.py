"""How far repeated measurements of the same cases agree: intraclass correlations with exact F-based intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Form = Literal["one-way", "absolute", "consistency"]


@dataclass(frozen=True, eq=False)
class Agreement:
    """Intraclass correlations.

    Parameters
    ----------
    icc, lower, upper : array of float64, shape (features,)
        Estimate and interval; NaN where a feature does not vary, or was measured on fewer than three cases.
    cases : array of int, shape (features,)
        Cases with every measurement present.
    """

    icc: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    cases: NDArray[np.int_]


def intraclass_correlation(values: ArrayLike, form: Form, level: float = 0.95) -> Agreement:
    """Measure the agreement of single measurements, for many features at once.

    Parameters
    ----------
    values : array, shape (cases, raters, features) or (cases, raters)
        A case counts for a feature only when none of its measurements is NaN.
    form : {'one-way', 'absolute', 'consistency'}
        'one-way' is ICC(1,1): the measurements of a case are exchangeable, as those of perturbed outlines are.
        'absolute' is ICC(2,1): the same readers measured every case and stand for readers in general; a reader who is
        always higher counts against agreement. 'consistency' is ICC(3,1): only these readers matter, and a constant
        difference between them does not count.
    level : float
        Coverage of the interval.

    Returns
    -------
    Agreement

    References
    ----------
    Shrout and Fleiss, Psychological Bulletin 86 (1979), 10.1037/0033-2909.86.2.420.
    McGraw and Wong, Psychological Methods 1 (1996), 10.1037/1082-989X.1.1.30: the intervals; for ICC(2,1) with
    Satterthwaite's degrees of freedom.
    """
    table = np.asarray(values, dtype=np.float64)
    table = table[:, :, None] if table.ndim == 2 else table
    count = table.shape[2]
    found = np.full((3, count), np.nan)
    complete = np.isfinite(table).all(axis=1)
    for pattern in np.unique(complete, axis=1).T:
        if pattern.sum() >= 3 and table.shape[1] >= 2:
            same = (complete == pattern[:, None]).all(axis=0)
            found[:, same] = _correlate(table[pattern][:, :, same], form, level)
    return Agreement(found[0], found[1], found[2], complete.sum(axis=0))


def _correlate(table: NDArray[np.float64], form: Form, level: float) -> NDArray[np.float64]:
    """Estimate, lower and upper end, shape (3, features), of a table without gaps."""
    from scipy.stats import f

    n, k, _ = table.shape
    spread = np.abs(table).max(axis=(0, 1))
    scaled = table / np.where(spread > 0, spread, 1.0)  # squares of large features would lose the small differences
    between, raters, error, within = _mean_squares(scaled)
    varies = between + within > 1e-20
    with np.errstate(divide="ignore", invalid="ignore"):
        if form == "absolute":
            icc, lower, upper = _absolute(between, raters, error, n, k, level)
        else:
            noise, freedom = (within, n * (k - 1)) if form == "one-way" else (error, (n - 1) * (k - 1))
            right, left = f.ppf(0.5 + level / 2, n - 1, freedom), f.ppf(0.5 + level / 2, freedom, n - 1)
            icc = (between - noise) / (between + (k - 1) * noise)
            lower = (between / right - noise) / (between / right + (k - 1) * noise)
            upper = (between * left - noise) / (between * left + (k - 1) * noise)
    return np.where(varies, np.stack([icc, lower, upper]), np.nan)


def _mean_squares(table: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Mean squares between cases, between raters, of their interaction (error) and within cases, each (features,)."""
    n, k, _ = table.shape
    mean = table.mean(axis=(0, 1))
    cases, raters = table.mean(axis=1) - mean, table.mean(axis=0) - mean
    residual = table - mean - cases[:, None, :] - raters[None, :, :]
    error = (residual**2).sum(axis=(0, 1))
    rated = n * (raters**2).sum(axis=0)
    return (k * (cases**2).sum(axis=0) / (n - 1), rated / (k - 1), error / ((n - 1) * (k - 1)),
            (error + rated) / (n * (k - 1)))


def _absolute(between: NDArray[np.float64], raters: NDArray[np.float64], error: NDArray[np.float64], n: int, k: int,
              level: float) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    from scipy.stats import f

    icc = (between - error) / (between + (k - 1) * error + k * (raters - error) / n)
    share = np.clip(icc, 0.0, 1.0 - 1e-12)  # the variance components behind the degrees of freedom are not negative
    a, b = k * share / (n * (1 - share)), 1 + k * share * (n - 1) / (n * (1 - share))
    a_term, b_term = a * raters, b * error
    freedom = (a_term + b_term) ** 2 / (a_term**2 / (k - 1) + b_term**2 / ((n - 1) * (k - 1)))
    freedom = np.where(np.isfinite(freedom), freedom, (n - 1) * (k - 1))
    right, left = f.ppf(0.5 + level / 2, n - 1, freedom), f.ppf(0.5 + level / 2, freedom, n - 1)
    common = k * raters + (k * n - k - n) * error
    lower = n * (between - right * error) / (right * common + n * between)
    upper = n * (left * between - error) / (common + n * left * between)
    return icc, lower, upper
