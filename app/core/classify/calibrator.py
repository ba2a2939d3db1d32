"""From a raw score to a probability: Platt's logistic curve, fitted on held-out scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# A slope that noise turned over would turn the ranking over with it; the order of the scores is always kept.
FLATTEST = 0.01


@dataclass(frozen=True)
class PlattCurve:
    """log odds = slope * score + intercept."""

    slope: float
    intercept: float

    def log_odds(self, scores: Array) -> Array:
        """Calibrated log odds, shape as given."""
        return self.slope * scores + self.intercept


def fit_platt(scores: Array, labels: NDArray[np.int_], counts: tuple[int, int] | None = None) -> PlattCurve:
    """Fit a logistic curve to held-out scores with Platt's smoothed targets.

    Parameters
    ----------
    scores : array, shape (rows,)
        Of rows that the scoring model has not seen.
    labels : array of int, shape (rows,)
    counts : (int, int), optional
        Cases of class 0 and of class 1, where several rows tell of one; the targets are smoothed by these.

    Returns
    -------
    PlattCurve
        Its slope is never negative.

    References
    ----------
    Platt (1999); Lin, Lin and Weng, Machine Learning 68 (2007), 10.1007/s10994-007-5018-6
    """
    negatives, positives = counts or (int((labels == 0).sum()), int((labels == 1).sum()))
    targets = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    centre, spread = float(scores.mean()), float(scores.std()) or 1.0
    slope, intercept = _maximise((scores - centre) / spread, targets)
    if slope < FLATTEST:
        slope, intercept = FLATTEST, _intercept((scores - centre) / spread * FLATTEST, targets)
    return PlattCurve(slope / spread, intercept - slope * centre / spread)


def _maximise(x: Array, targets: Array) -> tuple[float, float]:
    """Newton's method with halved steps; the smoothed targets keep the optimum finite."""
    design = np.column_stack([x, np.ones_like(x)])
    weights, loss = np.zeros(2), np.inf
    for _ in range(100):
        z = design @ weights
        now = float(np.logaddexp(0, z).sum() - targets @ z)
        if loss - now < 1e-12 * abs(now):
            break
        loss = now
        p = 1 / (1 + np.exp(-z))
        slope = design.T @ (p - targets)
        step = np.linalg.solve((design * (p * (1 - p))[:, None]).T @ design + 1e-9 * np.eye(2), slope)
        share = 1.0
        while share > 1e-6:
            z = design @ (weights - share * step)
            if float(np.logaddexp(0, z).sum() - targets @ z) <= now:
                break
            share /= 2
        weights = weights - share * step
    return float(weights[0]), float(weights[1])


def _intercept(offset: Array, targets: Array) -> float:
    from scipy.optimize import brentq

    return float(brentq(lambda shift: float((1 / (1 + np.exp(-(offset + shift)))).sum() - targets.sum()), -40, 40))
