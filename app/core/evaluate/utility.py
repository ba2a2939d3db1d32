"""Decision curves: what acting on a model is worth at each threshold, beside acting on everybody and on nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.core.evaluate.crossvalidate import OutOfFold
from app.core.evaluate.intervals import student_quantile

Array = NDArray[np.float64]
THRESHOLDS = np.round(np.arange(0.01, 1.0, 0.01), 2)


@dataclass(frozen=True, eq=False)
class DecisionCurve:
    """Net benefit by threshold probability, in true positives per patient.

    Parameters
    ----------
    thresholds, model, low, high, treat_all : array, shape (thresholds,)
        The model with its pointwise band, and treating everybody; treating nobody is worth 0.
    """

    thresholds: Array
    model: Array
    low: Array
    high: Array
    treat_all: Array

    @property
    def json(self) -> dict[str, Any]:
        """As results are written."""
        return {name: getattr(self, name).tolist() for name in ("thresholds", "model", "low", "high", "treat_all")}


def decision_curve(
    labels: ArrayLike,
    probabilities: ArrayLike,
    thresholds: ArrayLike = THRESHOLDS,
    prevalence: float | None = None,
    inflation: float = 1.0,
    freedom: float = 1e9,
) -> DecisionCurve:
    """Measure the net benefit of treating those at or above a threshold probability.

    Parameters
    ----------
    labels : array of int, shape (rows,)
    probabilities : array, shape (rows,) or (repeats, rows)
        Calibrated; NaN where a repeat has none.
    thresholds : array, shape (thresholds,)
        Above 0, below 1.
    prevalence : float, optional
        Of the patients that the model will be used on; the cohort's by default.
    inflation, freedom : float
        Of the folds; the defaults are those of a fixed model on new patients.

    Returns
    -------
    DecisionCurve

    References
    ----------
    Vickers and Elkin, Med Decis Making 26 (2006), 10.1177/0272989X06295361. Sande et al., Statistics in Medicine 39
    (2020), 10.1002/sim.8637: the variance at a given prevalence.
    """
    truth, table = np.asarray(labels), np.atleast_2d(np.asarray(probabilities, dtype=float))
    limits = np.asarray(thresholds, dtype=float)
    cost = limits / (1 - limits)
    seen = np.isfinite(table)
    share = float(truth[seen.any(axis=0)].mean()) if prevalence is None else prevalence
    caught, disturbed = (share_called(table, seen & (truth == side), limits) for side in (1, 0))
    model = share * caught - cost * (1 - share) * disturbed
    one, other = ((seen & (truth == side)).any(axis=0).sum() / inflation for side in (1, 0))
    variance = share**2 * caught * (1 - caught) / one + (cost * (1 - share)) ** 2 * disturbed * (1 - disturbed) / other
    if prevalence is None:
        variance = variance + (caught + cost * disturbed) ** 2 * share * (1 - share) / (one + other)
    half = student_quantile(freedom) * np.sqrt(variance)
    return DecisionCurve(limits, model, model - half, model + half, share - cost * (1 - share))


def measure_utility(
    found: OutOfFold, thresholds: ArrayLike = THRESHOLDS, prevalence: float | None = None
) -> DecisionCurve:
    """Decision curve of out-of-fold probabilities, each from its own fold's calibrator."""
    folds = found.folds
    return decision_curve(found.labels, found.probabilities, thresholds, prevalence, folds.inflation, folds.freedom)


def share_called(table: Array, chosen: NDArray[np.bool_], limits: Array) -> Array:
    """Share of the chosen rows at or above each threshold, mean over repeats.

    Parameters
    ----------
    table : array, shape (repeats, rows)
        Probabilities.
    chosen : array of bool, shape (repeats, rows)
    limits : array, shape (thresholds,)

    Returns
    -------
    array, shape (thresholds,)
    """
    rates = [
        (np.sort(row[own])[None, :] >= limits[:, None]).mean(axis=1)
        for row, own in zip(table, chosen, strict=True)
        if own.any()
    ]
    return np.asarray(np.mean(rates, axis=0))
