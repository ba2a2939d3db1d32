"""What held-out probabilities are worth: areas, and figures at a threshold, each with an interval where one holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import OperatingPoint
from app.core.evaluate.intervals import Estimate, resampled_share, student_quantile

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


def precision_recall_area(labels: Labels, scores: Array) -> float:
    """Area under the precision-recall curve (average precision); depends on the prevalence of these cases.

    No interval is given: none is known to hold for cross-validated answers.
    """
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(labels, scores)) if len(np.unique(labels)) == 2 else float("nan")


def share_by_patient(hits: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> float:
    """Share of the chosen rows that are hits, mean over repeats; both of shape (repeats, rows)."""
    counted = chosen.sum(axis=1)
    told = counted > 0
    return float(((hits & chosen).sum(axis=1)[told] / counted[told]).mean()) if told.any() else float("nan")


def measure_decisions(
    labels: Labels,
    patients: NDArray[Any],
    decisions: NDArray[np.bool_],
    tested: NDArray[np.bool_],
    inflation: float,
    freedom: float,
) -> dict[str, Estimate]:
    """Accuracy, sensitivity and specificity of decisions, each fold's taken at its own threshold.

    Parameters
    ----------
    labels, patients : array, shape (rows,)
    decisions, tested : array of bool, shape (repeats, rows)
        Called positive; answered for at all.
    inflation, freedom : float
        Of the folds.

    Returns
    -------
    dict of str to Estimate
        The intervals count patients, not rows: rows of a patient are taken to tell as much as one.
    """
    right = decisions == (labels == 1)
    groups = {"accuracy": np.ones(len(labels), dtype=bool), "sensitivity": labels == 1, "specificity": labels == 0}
    ever = tested.any(axis=0)
    return {
        name: resampled_share(
            share_by_patient(right, tested & group), len(np.unique(patients[group & ever])), inflation, freedom
        )
        for name, group in groups.items()
    }


def predictive_values(
    sensitivity: float,
    specificity: float,
    cases: tuple[float, float],
    prevalence: float,
    inflation: float = 1.0,
    freedom: float = 1e9,
) -> tuple[Estimate, Estimate]:
    """Positive and negative predictive value at a chosen prevalence.

    Parameters
    ----------
    sensitivity, specificity : float
    cases : tuple of float
        Patients of the positive class, and of the negative.
    prevalence : float
        Between 0 and 1, of the patients that the model will be used on.
    inflation, freedom : float
        Of the folds; the defaults are those of a fixed model on new patients.

    Returns
    -------
    positive, negative : Estimate
        The value is NaN where no patient is called so; the interval is taken on the logit scale after adding half the
        squared quantile to each count, so that it exists and covers where all are right.

    References
    ----------
    Mercaldo, Lau and Zhou, Statistics in Medicine 26 (2007), 10.1002/sim.2677.
    """
    z = student_quantile(freedom)
    one, other = cases[0] / inflation, cases[1] / inflation
    caught = (sensitivity * one + z**2 / 2) / (one + z**2)
    spared = (specificity * other + z**2 / 2) / (other + z**2)
    one, other = one + z**2, other + z**2
    odds = np.log(prevalence / (1 - prevalence))
    called, cleared = (1 - specificity) * (1 - prevalence), (1 - sensitivity) * prevalence
    true, safe = sensitivity * prevalence, specificity * (1 - prevalence)
    positive = _on_logit(
        true / (true + called) if true + called else float("nan"),
        odds + np.log(caught / (1 - spared)),
        z * np.sqrt((1 - caught) / (caught * one) + spared / ((1 - spared) * other)),
    )
    negative = _on_logit(
        safe / (safe + cleared) if safe + cleared else float("nan"),
        -odds + np.log(spared / (1 - caught)),
        z * np.sqrt(caught / ((1 - caught) * one) + (1 - spared) / (spared * other)),
    )
    return positive, negative


def _on_logit(value: float, centre: float, half: float) -> Estimate:
    low, high = (float(1 / (1 + np.exp(-(centre + side * half)))) for side in (-1, 1))
    return Estimate(value, min(low, value), max(high, value)) if np.isfinite(value) else Estimate(value)
