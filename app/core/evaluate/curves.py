"""Curves of held-out answers: every fold's ROC, their mean with its band, the pooled one, what a threshold does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.core.evaluate.crossvalidate import OutOfFold
from app.core.evaluate.fold_areas import is_told_by_folds, widen
from app.core.evaluate.intervals import resampled_share, student_quantile
from app.core.evaluate.utility import THRESHOLDS, share_called

Array = NDArray[np.float64]
Labels = NDArray[np.int_]
GRID = np.round(np.linspace(0, 1, 101), 2)
CASES_PER_BIN = 10


@dataclass(frozen=True, eq=False)
class RocCurve:
    """A step-wise ROC curve, from (0, 0) to (1, 1).

    Parameters
    ----------
    fpr, tpr : array, shape (points,)
        False and true positive rate of calling cases at or above the threshold positive.
    threshold : array, shape (points,)
        Falling; the first is above every score.
    """

    fpr: Array
    tpr: Array
    threshold: Array

    @property
    def json(self) -> dict[str, list[float]]:
        """As results are written."""
        return {name: getattr(self, name).tolist() for name in ("fpr", "tpr", "threshold")}


@dataclass(frozen=True, eq=False)
class MeanRoc:
    """The ROC curves of all folds and what they have in common.

    Parameters
    ----------
    grid : array, shape (points,)
        False positive rates.
    mean, low, high : array, shape (points,)
        Mean true positive rate over the folds, and its pointwise band.
    folds : tuple of RocCurve or None
        None for a fold that holds out a single class.
    pooled : RocCurve
        Of all held-out answers against one common threshold.
    """

    grid: Array
    mean: Array
    low: Array
    high: Array
    folds: tuple[RocCurve | None, ...]
    pooled: RocCurve


def trace_roc(labels: Labels, scores: Array) -> RocCurve:
    """ROC curve of some scores, without the points that lie on a line between others.

    Parameters
    ----------
    labels : array of int, shape (cases,)
        Both classes.
    scores : array, shape (cases,)
    """
    from sklearn.metrics import roc_curve

    fpr, tpr, threshold = roc_curve(labels, scores)
    threshold[0] = np.nextafter(scores.max(), np.inf)
    return RocCurve(fpr, tpr, threshold)


def follow_roc(curve: RocCurve, grid: Array = GRID) -> Array:
    """True positive rate at given false positive rates; at a step, its upper end. Shape (points,)."""
    last = np.searchsorted(curve.fpr, grid, side="right") - 1
    following = np.minimum(last + 1, len(curve.fpr) - 1)
    width = curve.fpr[following] - curve.fpr[last]
    share = np.divide(grid - curve.fpr[last], width, out=np.zeros_like(grid), where=width > 0)
    return np.asarray(curve.tpr[last] + share * (curve.tpr[following] - curve.tpr[last]))


def average_roc(found: OutOfFold) -> MeanRoc:
    """Average the folds' ROC curves vertically.

    Parameters
    ----------
    found : OutOfFold

    Returns
    -------
    MeanRoc
        The area under the mean curve is the mean within-fold AUC, up to the grid. The band is, at each false positive
        rate, the wider of the corrected resampled t over the folds and the score interval of a share of as many
        patients: the former vanishes where all folds agree, and says nothing where they are few.

    References
    ----------
    Fawcett, Pattern Recognition Letters 27 (2006), 10.1016/j.patrec.2005.10.010: vertical averaging. Nadeau and Bengio,
    Machine Learning 52 (2003), 10.1023/A:1024068626366.
    """
    curves = tuple(
        trace_roc(found.labels[fit.test], found.probabilities[place // found.folds.k, fit.test])
        if len(np.unique(found.labels[fit.test])) == 2
        else None
        for place, fit in enumerate(found.fits)
    )
    heights = np.array([follow_roc(curve) for curve in curves if curve is not None])
    heights[:, 0] = 0.0
    mean = heights.mean(axis=0)
    patients = len(np.unique(found.patients[(found.labels == 1) & found.tested.any(axis=0)]))
    told = is_told_by_folds(found)
    inflation, freedom = (found.folds.inflation, found.folds.freedom) if told else (widen(found) ** 2, 1e9)
    shares = [resampled_share(float(share), patients, inflation, freedom) for share in mean]
    spread = heights.std(axis=0, ddof=1) if told else np.zeros(len(GRID))
    half = student_quantile(freedom) * spread * np.sqrt(1 / len(heights) + found.folds.ratio)
    low = np.minimum([share.low or 0.0 for share in shares], mean - half)
    high = np.maximum([1.0 if share.high is None else share.high for share in shares], mean + half)
    low[0], high[-1] = 0.0, 1.0
    return MeanRoc(GRID, mean, np.clip(low, 0, 1), np.clip(high, 0, 1), curves, pool_roc(found))


def pool_roc(found: OutOfFold) -> RocCurve:
    """ROC curve of all held-out answers, every repeat's as they are: averaged answers would be a better model's."""
    repeats, rows = np.nonzero(found.tested)
    return trace_roc(found.labels[rows], found.probabilities[repeats, rows])


def fixed_roc(labels: Labels, scores: Array, rng: np.random.Generator, resamples: int = 1000) -> MeanRoc:
    """ROC curve of a model that was not fitted to the cases, with a bootstrap band over cases of either class.

    Parameters
    ----------
    labels : array of int, shape (cases,)
        Both classes.
    scores : array, shape (cases,)
    rng : numpy.random.Generator
    resamples : int

    Returns
    -------
    MeanRoc
        Without folds. Where no resample can differ, the band is the score interval of a share of as many cases.
    """
    curve = trace_roc(labels, scores)
    positive, negative = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    heights = np.empty((resamples, len(GRID)))
    for place in range(resamples):
        rows = np.concatenate([rng.choice(side, len(side)) for side in (positive, negative)])
        heights[place] = follow_roc(trace_roc(labels[rows], scores[rows]))
    mean = follow_roc(curve)
    mean[0] = 0.0
    shares = [resampled_share(float(share), len(positive), 1.0, 1e9) for share in mean]
    ends = np.quantile(heights, [0.025, 0.975], axis=0)
    low = np.minimum([share.low or 0.0 for share in shares], ends[0])
    high = np.maximum([1.0 if share.high is None else share.high for share in shares], ends[1])
    low[0], high[-1] = 0.0, 1.0
    return MeanRoc(GRID, mean, np.minimum(low, mean), np.maximum(high, mean), (), curve)


def follow_threshold(labels: Labels, probabilities: Array, thresholds: ArrayLike = THRESHOLDS) -> dict[str, Array]:
    """Sensitivity and specificity of one common threshold, mean over repeats.

    Parameters
    ----------
    labels : array of int, shape (rows,)
    probabilities : array, shape (repeats, rows)
        NaN where a repeat has none.
    thresholds : array, shape (thresholds,)

    Returns
    -------
    dict of str to array, shape (thresholds,)
        `threshold`, `sensitivity`, `specificity`: the net benefit at any prevalence follows from them.
    """
    limits, seen = np.asarray(thresholds, dtype=np.float64), np.isfinite(probabilities)
    caught, disturbed = (share_called(probabilities, seen & (labels == side), limits) for side in (1, 0))
    return {"threshold": limits, "sensitivity": caught, "specificity": 1 - disturbed}


def bin_calibration(
    labels: Labels, probabilities: Array, inflation: float = 1.0, freedom: float = 1e9
) -> list[dict[str, Any]]:
    """Observed share of positives in groups of about ten cases of alike probability.

    Parameters
    ----------
    labels : array of int, shape (rows,)
    probabilities : array, shape (repeats, rows)
        NaN where a repeat has none.
    inflation, freedom : float
        Of the folds; the defaults are those of a fixed model on new patients.

    Returns
    -------
    list of dict
        `predicted` (mean), `observed`, `low`, `high`, `cases`; a case counts once over all repeats.
    """
    repeats, rows = np.nonzero(np.isfinite(probabilities))
    given = probabilities[repeats, rows]
    weights = 1 / np.bincount(rows, minlength=len(labels))[rows]
    order = np.argsort(given, kind="stable")
    count = int(min(max(round(len(np.unique(rows)) / CASES_PER_BIN), 2), 10))
    group = np.minimum((np.cumsum(weights[order]) - weights[order] / 2) / weights.sum() * count, count - 1).astype(int)
    bins = []
    for number in range(count):
        own = order[group == number]
        cases = float(weights[own].sum())
        share = resampled_share(float(weights[own] @ labels[rows[own]]) / cases, cases, inflation, freedom)
        predicted = float(weights[own] @ given[own]) / cases
        bins.append({"predicted": predicted, "observed": share.value, "low": share.low, "high": share.high,
                     "cases": cases})  # fmt: skip
    return bins
