"""Everything that out-of-fold answers say about a model, as results are written: areas, decisions, loss, coverage."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.calibration import measure_calibration
from app.core.evaluate.crossvalidate import OutOfFold
from app.core.evaluate.fold_areas import is_told_by_folds, widen
from app.core.evaluate.intervals import Estimate, resampled_mean, resampled_share, student_quantile
from app.core.evaluate.metrics import (
    auc,
    measure_decisions,
    precision_recall_area,
    predictive_values,
    share_by_patient,
)

Array = NDArray[np.float64]


def measure_performance(found: OutOfFold, prevalence: float | None = None) -> dict[str, Any]:
    """Measure a model from its held-out answers, each decision at its own fold's threshold.

    Parameters
    ----------
    found : OutOfFold
        Of folds that hold both classes.
    prevalence : float, optional
        For the predictive values; by default the cohort's.

    Returns
    -------
    dict
        `auc` (mean, sd, interval, folds), `auc_pooled` and `auprc` (mean over repeats, no interval), `brier` with
        interval, `calibration`, `points` (for each threshold name: accuracy, sensitivity, specificity, PPV, NPV,
        threshold as mean and range over folds), `conformal` (for each error rate: coverage in either class, share
        uncertain), `prevalence`.
    """
    labels = found.labels
    used = float(labels.mean()) if prevalence is None else prevalence
    pairs = [(labels[seen], row[seen]) for seen, row in zip(found.tested, found.probabilities, strict=True)]
    return {
        "auc": found.auc_summary(found.folds),
        "auc_pooled": _mean_known([auc(*pair) for pair in pairs]),
        "auprc": _mean_known([precision_recall_area(*pair) for pair in pairs]),
        "brier": measure_brier(found).json,
        "calibration": measure_calibration(found).json,
        "prevalence": used,
        "points": {name: describe_point(found, name, used) for name in found.decisions},
        "conformal": {str(rate): describe_sets(found, rate) for rate in found.sets},
    }


def measure_brier(found: OutOfFold) -> Estimate:
    """Mean squared error of the probability: mean over folds, with the corrected interval."""
    losses = [
        float(np.mean((found.probabilities[index // found.folds.k, fit.test] - found.labels[fit.test]) ** 2))
        for index, fit in enumerate(found.fits)
    ]
    if not is_told_by_folds(found):
        return _brier_by_cases(found, float(np.mean(losses)))
    estimate = resampled_mean(losses, found.folds.ratio, found.folds.freedom)
    return Estimate(estimate.value, max(estimate.low or 0.0, 0.0), min(estimate.high or 1.0, 1.0))


def _brier_by_cases(found: OutOfFold, value: float) -> Estimate:
    """With few folds: the spread over patients of their own mean loss, widened for the training sample."""
    with np.errstate(invalid="ignore"):
        losses = np.where(found.tested, (found.probabilities - found.labels) ** 2, 0.0)
    times = found.tested.sum(axis=0)
    _, own = np.unique(found.patients[times > 0], return_inverse=True)
    sums, counts = (np.bincount(own, of[times > 0]) for of in (losses.sum(axis=0), times))
    each = sums / counts
    if len(each) < 2:
        return Estimate(value)
    half = student_quantile(1e9) * widen(found) * float(each.std(ddof=1)) / np.sqrt(len(each))
    return Estimate(value, max(value - half, 0.0), min(value + half, 1.0))


def describe_point(found: OutOfFold, name: str, prevalence: float) -> dict[str, Any]:
    """What decisions at the folds' own thresholds of that name are worth on the rows that they were not chosen on."""
    inflation, freedom = found.folds.inflation, found.folds.freedom
    shares = measure_decisions(found.labels, found.patients, found.decisions[name], found.tested, inflation, freedom)
    cases = (_patients(found, 1), _patients(found, 0))
    positive, negative = predictive_values(
        shares["sensitivity"].value, shares["specificity"].value, cases, prevalence, inflation, freedom
    )
    thresholds = np.array([fit.thresholds[name] for fit in found.fits])
    spread = (thresholds.mean(), thresholds.min(), thresholds.max())
    return {
        **{key: share.json for key, share in shares.items()},
        "ppv": positive.json,
        "npv": negative.json,
        "threshold": dict(zip(("mean", "low", "high"), map(float, spread), strict=True)),
    }


def describe_sets(found: OutOfFold, rate: float) -> dict[str, Any]:
    """How often each class's true cases keep their class, and how often a set does not decide between them."""
    sets, tested, labels = found.sets[rate], found.tested, found.labels
    inflation, freedom = found.folds.inflation, found.folds.freedom
    covered = {}
    for label, name in ((0, "negative"), (1, "positive")):
        share = share_by_patient(sets[:, :, label], tested & (labels == label))
        covered[name] = resampled_share(share, _patients(found, label), inflation, freedom).json
    size = sets.sum(axis=2)
    return {
        "coverage": covered,
        "uncertain": share_by_patient(size == 2, tested),
        "neither": share_by_patient(size == 0, tested),
    }


def _patients(found: OutOfFold, label: int) -> int:
    return len(np.unique(found.patients[(found.labels == label) & found.tested.any(axis=0)]))


def _mean_known(values: list[float]) -> float | None:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else None
