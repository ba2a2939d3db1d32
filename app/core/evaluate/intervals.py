"""Intervals that cover: the corrected resampled t on the logit scale, for cross-validated figures."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def corrected_t_interval(values: ArrayLike, k: int, repeats: int, level: float = 0.95) -> tuple[float, float]:
    """Interval for the mean of a proportion measured on every fold of repeated cross-validation.

    Parameters
    ----------
    values : array, shape (repeats * k,)
        The figure of each fold, in [0, 1], such as its AUC.
    k, repeats : int
        Folds per repeat, and repeats.
    level : float
        Coverage aimed at.

    Returns
    -------
    low, high : float

    References
    ----------
    Nadeau and Bengio, Machine Learning 52 (2003), 10.1023/A:1024068626366: the variance of fold figures is inflated by
    n_test / n_train = 1 / (k - 1), because training sets overlap. Degrees of freedom k - 1, logit scale.
    """
    from scipy.stats import t

    figures = np.asarray(values, dtype=float)
    mean = float(figures.mean())
    error = float(figures.std(ddof=1)) * np.sqrt(1.0 / (repeats * k) + 1.0 / (k - 1))
    half_case = 0.5 / len(figures)
    centre = min(max(mean, half_case), 1 - half_case)
    spread = t.ppf(0.5 + level / 2, k - 1) * error / (centre * (1 - centre))
    logit = np.log(centre / (1 - centre))
    low, high = 1 / (1 + np.exp(-(logit - spread))), 1 / (1 + np.exp(-(logit + spread)))
    return float(min(low, mean)), float(max(high, mean))


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
