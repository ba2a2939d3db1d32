"""What a fixed model is worth on cases from elsewhere: nothing was fitted to them, so plain intervals hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.calibration import calibrate
from app.core.evaluate.conformal import conformal_set
from app.core.evaluate.delong import area_interval, compare_areas, measure_areas

Array = NDArray[np.float64]
Labels = NDArray[np.int_]
FEWEST = 2


def measure_share(hits: int, cases: int) -> dict[str, Any]:
    """A share of cases with Wilson's interval of 95 %.

    Returns
    -------
    dict
        `value`, `interval`, `cases`; the first two null where there are no cases.

    References
    ----------
    Wilson, J Am Stat Assoc 22 (1927), 10.1080/01621459.1927.10502953.
    """
    from scipy.stats import binomtest

    if not cases:
        return {"value": None, "interval": None, "cases": 0}
    found = binomtest(hits, cases).proportion_ci(method="wilson")
    return {"value": hits / cases, "interval": [float(found.low), float(found.high)], "cases": cases}


def measure_auc(labels: Labels, scores: Array) -> dict[str, Any] | None:
    """AUC with DeLong's interval; None with fewer than two cases of a class."""
    if min(np.bincount(labels, minlength=2)) < FEWEST:
        return None
    areas = measure_areas(labels, scores)
    low, high = area_interval(areas)
    return {"mean": float(areas.values[0]), "interval": [float(low[0]), float(high[0])], "method": "DeLong"}


def measure_difference(labels: Labels, scores: Array, other: Array) -> dict[str, Any] | None:
    """AUC of one score less that of another on the same cases, by DeLong; None with fewer than two cases of a class."""
    if min(np.bincount(labels, minlength=2)) < FEWEST:
        return None
    found = compare_areas(labels, scores, other)
    p = found.p if np.isfinite(found.p) else None
    return {"mean": found.difference, "interval": [found.low, found.high], "p": p, "method": "DeLong"}


def measure_point(labels: Labels, probabilities: Array, threshold: float) -> dict[str, Any]:
    """Sensitivity, specificity, predictive values and accuracy of calling cases at or above a threshold positive."""
    called, truth = probabilities >= threshold, labels == 1
    right = called == truth
    groups = {
        "sensitivity": truth,
        "specificity": ~truth,
        "ppv": called,
        "npv": ~called,
        "accuracy": np.ones(len(labels), dtype=bool),
    }
    shares = {name: measure_share(int(right[group].sum()), int(group.sum())) for name, group in groups.items()}
    return {"threshold": threshold, **shares}


def measure_sets(labels: Labels, probabilities: Array, quantiles: tuple[float, float]) -> dict[str, Any]:
    """How often conformal sets hold the true class, by class, and how often they decide nothing."""
    possible = np.array([conformal_set(float(probability), quantiles) for probability in probabilities])
    held = possible[np.arange(len(labels)), labels]
    coverage = {
        name: measure_share(int(held[labels == label].sum()), int((labels == label).sum()))
        for label, name in enumerate(("negative", "positive"))
    }
    return {
        "coverage": {"all": measure_share(int(held.sum()), len(labels)), **coverage},
        "uncertain": measure_share(int(possible.all(axis=1).sum()), len(labels)),
        "neither": measure_share(int((~possible).all(axis=1).sum()), len(labels)),
    }


def measure_external(
    labels: Labels,
    probabilities: Array,
    points: Mapping[str, float],
    quantiles: Mapping[float, tuple[float, float]],
    patients: NDArray[Any] | None = None,
) -> dict[str, Any]:
    """Measure a fixed model on cases that it was not fitted to.

    Parameters
    ----------
    labels : array of int, shape (cases,)
        0 or 1.
    probabilities : array, shape (cases,)
        Of class 1.
    points : mapping of str to float
        The model's thresholds.
    quantiles : mapping of float to (float, float)
        For each error rate, the model's conformal quantiles of the negative and of the positive class.
    patients : array, shape (cases,), optional
        Cases of a patient are one cluster of the calibration's error.

    Returns
    -------
    dict
        `auc`, `points`, `brier`, `calibration` and `conformal`; null where the cases do not allow a figure.
    """
    both = min(np.bincount(labels, minlength=2)) >= FEWEST
    return {
        "auc": measure_auc(labels, probabilities),
        "points": {name: measure_point(labels, probabilities, threshold) for name, threshold in points.items()},
        "brier": float(np.mean((probabilities - labels) ** 2)),
        "calibration": calibrate(labels, probabilities, patients).json if both else None,
        "conformal": {f"{rate:g}": measure_sets(labels, probabilities, pair) for rate, pair in quantiles.items()},
    }
