"""The AUC over folds and its interval, and the paired difference of two models: also where folds are few."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.delong import measure_areas
from app.core.evaluate.intervals import (
    Estimate,
    area_on_logit,
    clip_area,
    least_error,
    resampled_area,
    resampled_mean,
    resampled_p,
    student_quantile,
)

if TYPE_CHECKING:
    from app.core.evaluate.crossvalidate import OutOfFold

Array = NDArray[np.float64]
FEWEST_FOLDS = 5
FEWEST_PARTS = 4
TRAINING_SAMPLE = 1.3
"""True spread of a cross-validated AUC over DeLong's: the training set is a sample too."""
BY_FOLDS = "corrected resampled t over the folds"
BY_CASES = "1.3 times DeLong's error, because the folds are too few to tell how much they vary"


def is_told_by_folds(found: OutOfFold) -> bool:
    """Whether there are folds enough, and a partition of parts enough, to learn from them how much they vary."""
    parts = found.folds.k == 1 or found.folds.k >= FEWEST_PARTS
    return parts and int(np.isfinite(found.aucs).sum()) >= FEWEST_FOLDS


def estimate_area(found: OutOfFold) -> Estimate:
    """Mean of the within-fold AUCs, with its interval.

    Parameters
    ----------
    found : OutOfFold

    Returns
    -------
    Estimate
        By the corrected resampled t. The spread of one to four folds, or of a partition in two or three, says nothing:
        there DeLong's error of the held-out cases, widened for the training sample, on the logit scale.
    """
    known = np.isfinite(found.aucs)
    if not known.any():
        return Estimate(float("nan"))
    if is_told_by_folds(found):
        return resampled_area(found.aucs[known], found.folds.ratio, found.folds.freedom, found.counts)
    return _area_by_cases(found)


def estimate_difference(model: OutOfFold, other: OutOfFold) -> tuple[Estimate, float]:
    """Mean paired difference of within-fold AUCs with its interval, and the two-sided p value.

    Parameters
    ----------
    model, other : OutOfFold
        On the same folds.

    Returns
    -------
    difference : Estimate
    p : float
    """
    known = np.isfinite(model.aucs) & np.isfinite(other.aucs)
    differences = (model.aucs - other.aucs)[known]
    ratio, freedom = model.folds.ratio, model.folds.freedom
    if not len(differences):
        return Estimate(float("nan")), float("nan")
    if is_told_by_folds(model):
        return resampled_mean(differences, ratio, freedom), resampled_p(differences, ratio, freedom)
    mean, error = float(differences.mean()), widen(model) * _error_by_cases(model, other)
    half = student_quantile(1e9) * error
    return Estimate(mean, max(mean - half, -1.0), min(mean + half, 1.0)), _normal_p(mean, error)


def widen(found: OutOfFold) -> float:
    """How many times a fixed model's error varies one from these folds: the training sample's part in it."""
    return max(TRAINING_SAMPLE, float(np.sqrt(found.folds.inflation)))


def _area_by_cases(found: OutOfFold) -> Estimate:
    area = float(np.nanmean(found.aucs))
    rows = np.unique(np.concatenate([fit.test for fit in found.fits]))
    counts = (
        len(np.unique(found.patients[rows[found.labels[rows] == 1]])),
        len(np.unique(found.patients[rows[found.labels[rows] == 0]])),
    )
    centre = clip_area(area, counts)
    least = float(least_error(centre, counts) if centre >= 0.5 else least_error(1 - centre, counts[::-1]))
    half = student_quantile(1e9) * widen(found) * max(_error_by_cases(found, None), least)
    return area_on_logit(area, half, counts)


def _error_by_cases(model: OutOfFold, other: OutOfFold | None) -> float:
    """DeLong's error of the AUC, or of the difference of two, as if each row had been tested once; patients count."""
    variances = []
    for index, fit in enumerate(model.fits):
        labels, repeat = model.labels[fit.test], index // model.folds.k
        answers = [found.probabilities[repeat, fit.test] for found in (model, other) if found is not None]
        if min((labels == 1).sum(), (labels == 0).sum()) < 2:
            continue
        covariance = measure_areas(labels, np.column_stack(answers)).covariance
        signs: Array = np.array([1.0, -1.0])[: len(answers)]
        # rows of a patient tell as much as one
        share = len(fit.test) / len(np.unique(model.patients[fit.test]))
        variances.append(float((signs @ covariance) @ signs) * share * len(fit.test))
    if not variances:
        return float("nan")
    rows = len(np.unique(np.concatenate([fit.test for fit in model.fits])))
    return float(np.sqrt(max(float(np.mean(variances)) / rows, 0.0)))


def _normal_p(mean: float, error: float) -> float:
    from scipy.stats import norm

    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * norm.sf(abs(mean) / error))
