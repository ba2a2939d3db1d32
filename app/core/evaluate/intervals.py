"""Intervals that cover: the corrected resampled t on the logit scale, for cross-validated figures."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def corrected_t_interval(
    values: ArrayLike, k: int, repeats: int, counts: tuple[int, int], level: float = 0.95
) -> tuple[float, float]:
    """Interval for the mean AUC measured on every fold of repeated cross-validation.

    Parameters
    ----------
    values : array, shape (repeats * k,)
        The AUC of each fold.
    k, repeats : int
        Folds per repeat, and repeats.
    counts : tuple of int
        Cases of either class.
    level : float
        Coverage aimed at.

    Returns
    -------
    low, high : float

    Notes
    -----
    The folds of a perfectly separated cohort do not differ, yet the next case may. So the error is never less than what
    as many cases leave of an AUC that is half a case short of perfect.

    References
    ----------
    Nadeau and Bengio, Machine Learning 52 (2003), 10.1023/A:1024068626366: the variance of fold figures is inflated by
    n_test / n_train = 1 / (k - 1), because training sets overlap. Degrees of freedom k - 1, logit scale.
    Hanley and McNeil, Radiology 143 (1982), 10.1148/radiology.143.1.7063747: the least error.
    """
    from scipy.stats import t

    figures = np.asarray(values, dtype=float)
    mean = float(figures.mean())
    best = (min(counts) + 0.5) / (min(counts) + 1)
    centre = min(max(mean, 1 - best), best)
    error = float(figures.std(ddof=1)) * np.sqrt(1.0 / (repeats * k) + 1.0 / (k - 1))
    error = max(error, float(least_error(centre, counts)))
    spread = t.ppf(0.5 + level / 2, k - 1) * error / (centre * (1 - centre))
    logit = np.log(centre / (1 - centre))
    low, high = 1 / (1 + np.exp(-(logit - spread))), 1 / (1 + np.exp(-(logit + spread)))
    return float(min(low, mean)), float(max(high, mean))


def least_error(area: ArrayLike, counts: tuple[int, int]) -> NDArray[np.float64]:
    """Standard error of AUCs on so many cases of either class, were the scores exponentially distributed.

    Parameters
    ----------
    area : array
        AUCs.
    counts : tuple of int
        Cases of the positive class, and of the other.

    Returns
    -------
    array, of the shape of `area`

    References
    ----------
    Hanley and McNeil, Radiology 143 (1982), 10.1148/radiology.143.1.7063747.
    """
    areas = np.asarray(area, dtype=float)
    one, other = counts
    first, second = areas / (2 - areas), 2 * areas**2 / (1 + areas)
    variance = areas * (1 - areas) + (one - 1) * (first - areas**2) + (other - 1) * (second - areas**2)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0) / (one * other)))


def corrected_t_difference(differences: ArrayLike, k: int, repeats: int, level: float = 0.95) -> tuple[float, float]:
    """Interval for the mean paired difference of two models measured on the same folds.

    Parameters
    ----------
    differences : array, shape (repeats * k,)
        Figure of one model less that of the other, fold by fold.
    k, repeats, level
        As for `corrected_t_interval`, whose reference holds here too.

    Returns
    -------
    low, high : float
    """
    from scipy.stats import t

    figures = np.asarray(differences, dtype=float)
    half = t.ppf(0.5 + level / 2, k - 1) * figures.std(ddof=1) * np.sqrt(1.0 / (repeats * k) + 1.0 / (k - 1))
    return float(figures.mean() - half), float(figures.mean() + half)
