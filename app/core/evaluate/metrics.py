"""What a set of held-out probabilities is worth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import OperatingPoint

Array = NDArray[np.float64]
Labels = NDArray[np.int_]


def auc(labels: Labels, scores: Array) -> float:
    """Area under the ROC curve; NaN when one class is absent."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores)) if len(np.unique(labels)) == 2 else float("nan")


def sensitivity_specificity(labels: Labels, scores: Array, threshold: float) -> tuple[float, float]:
    """Share of positives at or above the threshold, and of negatives below it."""
    return float((scores[labels == 1] >= threshold).mean()), float((scores[labels == 0] < threshold).mean())


def calibration(labels: Labels, probabilities: Array) -> tuple[float, float]:
    """Calibration slope and intercept-in-the-large.

    Returns
    -------
    slope : float
        Of the logit in an unpenalised logistic regression; 1 is ideal.
    intercept : float
        Log odds to add with the slope held at 1; 0 is ideal.
    """
    from scipy.optimize import brentq
    from sklearn.linear_model import LogisticRegression

    clipped = np.clip(probabilities, 1e-6, 1 - 1e-6)
    logits = np.log(clipped / (1 - clipped))
    slope = LogisticRegression(C=np.inf, max_iter=1000).fit(logits[:, None], labels).coef_[0, 0]
    intercept = brentq(lambda shift: float((1 / (1 + np.exp(-(logits + shift)))).sum() - labels.sum()), -30, 30)
    return float(slope), float(intercept)


def operating_points(labels: Labels, scores: Array) -> list[OperatingPoint]:
    """Thresholds worth offering, from held-out scores: Youden's, and 90, 95 and 98 % sensitivity.

    References
    ----------
    Youden, Cancer 3 (1950), 10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3
    """
    candidates = np.unique(scores)
    figures = [sensitivity_specificity(labels, scores, threshold) for threshold in candidates]
    best = int(np.argmax([sensitivity + specificity for sensitivity, specificity in figures]))
    chosen = {"youden": best}
    for wanted in (0.90, 0.95, 0.98):
        reaching = [i for i, (sensitivity, _) in enumerate(figures) if sensitivity >= wanted]
        chosen[f"sensitivity {wanted:.0%}"] = max(reaching)
    return [OperatingPoint(float(candidates[i]), *figures[i], name) for name, i in chosen.items()]


def summarise(labels: Labels, probabilities: Array, threshold: float) -> dict[str, Any]:
    """Pooled held-out figures at a threshold: accuracy, sensitivity, specificity, Brier score, calibration."""
    sensitivity, specificity = sensitivity_specificity(labels, probabilities, threshold)
    slope, intercept = calibration(labels, probabilities)
    return {
        "accuracy": float(((probabilities >= threshold) == (labels == 1)).mean()),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "threshold": threshold,
        "brier": float(((probabilities - labels) ** 2).mean()),
        "calibration": {"slope": slope, "intercept": intercept},
    }
