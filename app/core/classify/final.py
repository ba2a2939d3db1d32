"""The rules of a model that is saved: calibrator, thresholds and conformal quantiles from all out-of-fold predictions.

Every repeat's answer to a case comes from one model that has not seen the patient, as the answer to a new case will; so
the repeats' answers are pooled, never averaged: an average over models ranks better and strays less than any of them,
and rules made from it would be too sure. A case that is answered several times still counts as one: it smooths the
calibrator's targets and the quantiles' ranks as one case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.classify.calibrator import PlattCurve, fit_platt
from app.core.classify.tuned import ERROR_RATES, PRIOR
from app.core.data import OperatingPoint
from app.core.evaluate.crossvalidate import OutOfFold
from app.core.evaluate.metrics import operating_points, sensitivity_specificity

Array = NDArray[np.float64]
Labels = NDArray[np.int_]
# Probabilities as far from 0 and 1 as this say nothing more, and stay inside what a threshold may be.
EXTREME = 1e-6


@dataclass(frozen=True, eq=False)
class FinalRules:
    """What stands between a refitted model's calibrated log odds and its answer.

    Parameters
    ----------
    curve : PlattCurve
        From the log odds that a fold's model gives to the final ones.
    points : tuple of OperatingPoint
        Thresholds of the final probability, with the pooled out-of-fold shares at them.
    quantiles : mapping of float to (float, float)
        For each error rate, of the negative and of the positive class.
    """

    curve: PlattCurve
    points: tuple[OperatingPoint, ...]
    quantiles: Mapping[float, tuple[float, float]]


def settle_rules(found: OutOfFold, *, calibrate: bool = True) -> FinalRules:
    """Settle calibrator, thresholds and quantiles from every repeat's held-out answers.

    Parameters
    ----------
    found : OutOfFold
        Of the recipe that is saved.
    calibrate : bool
        False leaves the folds' own probabilities as they are.
    """
    repeats, rows = np.nonzero(found.tested)
    given = np.clip(found.probabilities[repeats, rows], EXTREME, 1 - EXTREME)
    labels, log_odds = found.labels[rows], np.log(given / (1 - given))
    negatives, positives = (_patients(found, label) for label in (0, 1))
    curve = fit_platt(log_odds, labels, (negatives, positives)) if calibrate else PlattCurve(1.0, 0.0)
    final = np.clip(1 / (1 + np.exp(-curve.log_odds(log_odds))), EXTREME, 1 - EXTREME)
    share = float((found.labels == 1).mean())
    prior = OperatingPoint(share, *sensitivity_specificity(labels, final, share), PRIOR)
    quantiles = {
        rate: (
            pooled_quantile(final[labels == 0], negatives, rate),
            pooled_quantile(1 - final[labels == 1], positives, rate),
        )
        for rate in ERROR_RATES
    }
    return FinalRules(curve, (*operating_points(labels, final), prior), quantiles)


def pooled_quantile(scores: Array, cases: int, error_rate: float) -> float:
    """Conformal quantile of 1 - p(true class) of one class, from several scores of each case.

    Parameters
    ----------
    scores : array
        Of all repeats.
    cases : int
        Whose scores they are: the finite-sample correction is theirs.
    error_rate : float

    Returns
    -------
    float
        1.0 when the class has too few cases for the error rate. With one score for each case, as `class_quantiles`.

    References
    ----------
    Vovk, Cross-conformal predictors, Annals of Mathematics and Artificial Intelligence 74 (2015),
    10.1007/s10472-013-9368-4
    """
    rank = int(np.ceil((cases + 1) * (1 - error_rate)))
    if rank > cases or not len(scores):
        return 1.0
    return float(np.sort(scores)[int(np.ceil(rank * len(scores) / cases)) - 1])


def apply_rules(model: Any, rules: FinalRules) -> Any:
    """Give a refitted `TunedClassifier` its final rules, in place, and forget what its inner folds said of each row."""
    inner, outer = model.calibrator_, rules.curve
    model.calibrator_ = {
        "slope": outer.slope * inner["slope"],
        "intercept": outer.slope * inner["intercept"] + outer.intercept,
    }
    model.thresholds_ = {point.name: point.threshold for point in rules.points}
    model.conformal_ = dict(rules.quantiles)
    model.inner_ = np.empty(0)
    return model


def _patients(found: OutOfFold, label: int) -> int:
    return len(np.unique(found.patients[(found.labels == label) & found.tested.any(axis=0)]))
