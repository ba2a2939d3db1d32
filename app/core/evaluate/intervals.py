"""Intervals that cover: the corrected resampled t, on the logit scale for areas, and what follows for shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; None where no interval is known to hold."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def json(self) -> dict[str, float | list[float] | None]:
        """As results are written; null where the figure is not known."""
        interval = None if self.low is None or self.high is None else [self.low, self.high]
        return {"value": self.value if np.isfinite(self.value) else None, "interval": interval}


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
    found = resampled_area(np.reshape(values, repeats * k), 1.0 / (k - 1), k - 1, counts, level=level)
    return float(found.low or 0.0), float(found.high or 0.0)


def resampled_area(
    values: ArrayLike,
    ratio: float,
    freedom: float,
    counts: tuple[int, int],
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Mean AUC of folds with its interval, for any folds.

    Parameters
    ----------
    values : array, shape (folds,)
        The AUC of each fold.
    ratio : float
        Cases tested for each case trained on.
    freedom : float
        Degrees of freedom; folds of a repeat, less one.
    counts : tuple of int
        Cases of either class.
    weights : array, shape (folds,), optional
        What each fold counts, such as its pairs of cases; equal by default.
    level : float
        Coverage aimed at.

    Returns
    -------
    Estimate

    Notes
    -----
    As `corrected_t_interval`, whose references hold here too. With weights, 1 / folds becomes the sum of squared
    weights: many small folds beside a large one count as few.
    """
    mean, error = _resampled(values, ratio, weights)
    error = max(error, float(least_error(clip_area(mean, counts), counts)))
    return area_on_logit(mean, student_quantile(freedom, level) * error, counts)


def clip_area(area: float, counts: tuple[int, int]) -> float:
    """The AUC, no nearer to 0 or 1 than half a case of the rarer class."""
    best = (min(counts) + 0.5) / (min(counts) + 1)
    return min(max(area, 1 - best), best)


def area_on_logit(area: float, half: float, counts: tuple[int, int]) -> Estimate:
    """An AUC with an interval of so many AUC units either way, laid out on the logit scale."""
    centre = clip_area(area, counts)
    spread, logit = half / (centre * (1 - centre)), np.log(centre / (1 - centre))
    low, high = 1 / (1 + np.exp(-(logit - spread))), 1 / (1 + np.exp(-(logit + spread)))
    return Estimate(area, float(min(low, area)), float(max(high, area)))


def resampled_mean(values: ArrayLike, ratio: float, freedom: float, level: float = 0.95) -> Estimate:
    """Mean of fold figures with its interval on their own scale, such as of losses or of paired differences.

    Parameters
    ----------
    values : array, shape (folds,)
    ratio, freedom, level
        As for `resampled_area`.
    """
    mean, error = _resampled(values, ratio, None)
    half = student_quantile(freedom, level) * error
    return Estimate(mean, mean - half, mean + half)


def resampled_p(differences: ArrayLike, ratio: float, freedom: float) -> float:
    """Two-sided p value of the corrected resampled t: that the mean paired difference is zero."""
    from scipy.stats import t

    mean, error = _resampled(differences, ratio, None)
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * t.sf(abs(mean) / error, freedom))


def resampled_share(share: float, cases: float, inflation: float, freedom: float, level: float = 0.95) -> Estimate:
    """Share of cases, such as a sensitivity, measured on out-of-fold answers.

    Parameters
    ----------
    share : float
        Mean over repeats.
    cases : float
        Patients that it is a share of.
    inflation : float
        Of the variance, because every fold's model is another: `Folds.inflation`.
    freedom, level
        As for `resampled_area`.

    Returns
    -------
    Estimate
        Wilson's interval with so many fewer cases, and Student's quantile in place of the normal one. Folds hold a few
        cases of a class, so that the t of fold shares would vanish where all are right; a score interval does not.

    References
    ----------
    Wilson, JASA 22 (1927), 10.2307/2276774.
    """
    if cases <= 0 or not np.isfinite(share):
        return Estimate(share)
    n, z = cases / inflation, student_quantile(freedom, level)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return Estimate(share, float(max(0.0, min(middle - half, share))), float(min(1.0, max(middle + half, share))))


def student_quantile(freedom: float, level: float = 0.95) -> float:
    """Half the width of an interval of that level, in standard errors."""
    from scipy.stats import t

    return float(t.ppf(0.5 + level / 2, freedom))


def _resampled(values: ArrayLike, ratio: float, weights: ArrayLike | None) -> tuple[float, float]:
    """Weighted mean and its corrected standard error."""
    figures = np.asarray(values, dtype=float)
    if weights is None:
        return float(figures.mean()), float(figures.std(ddof=1) * np.sqrt(1 / len(figures) + ratio))
    counted = np.asarray(weights, dtype=float)
    shares = counted / counted.sum()
    mean, squares = float(shares @ figures), float((shares**2).sum())
    variance = float(shares @ (figures - mean) ** 2) / (1 - squares)
    return mean, float(np.sqrt(variance * (squares + ratio)))


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
