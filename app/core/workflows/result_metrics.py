"""The figures of a model as rows of a table: mean, spread over the folds, interval, and what each one means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.crossvalidate import OutOfFold

Figures = Mapping[str, Any]
Array = NDArray[np.float64]
EXPLAINED = {
    "AUC": "Chance that a positive case scores higher than a negative one; mean over folds.",
    "AUC, new sites": "The same for sites that the model was not trained on, held out whole.",
    "AUC, pooled": "Of all held-out answers together, mean over repeats; no interval is known to hold for it.",
    "Area under precision-recall": "Mean precision over recall; depends on the share of positives in these cases.",
    "Accuracy": "Share of cases that are called right",
    "Sensitivity": "Share of positives that are called so",
    "Specificity": "Share of negatives that are cleared",
    "Positive predictive value": "Share of those called positive that are",
    "Negative predictive value": "Share of those cleared that are negative",
    "Brier score": "Mean squared error of the probability; 0 is perfect.",
    "Calibration slope": "1 is ideal; below 1 the probabilities are too extreme.",
    "Calibration intercept": "0 is ideal; below 0 the probabilities are too high on average. Log odds.",
    "Difference in AUC": "The saved model's AUC less this one's, fold by fold.",
}
SHARES = {
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "Positive predictive value",
    "npv": "Negative predictive value",
}


def list_metrics(
    figures: Figures, found: OutOfFold | None, point: str, classes: Sequence[str]
) -> list[dict[str, Any]]:
    """List what was measured of a model.

    Parameters
    ----------
    figures : mapping
        A model's entry of an evaluation.
    found : OutOfFold or None
        Its answers, from which the spread over folds is taken.
    point : str
        The operating point of the decisions.
    classes : sequence of str
        Negative, positive.

    Returns
    -------
    list of dict
        `name`, `mean`, `sd`, `low`, `high` (null where not known), `explained`.
    """
    rows = [_area("AUC", figures["auc"])]
    if figures.get("auc_new_site"):
        rows.append(_area("AUC, new sites", figures["auc_new_site"]))
    rows += [
        make_row(name, figures[key], None, None)
        for name, key in (("AUC, pooled", "auc_pooled"), ("Area under precision-recall", "auprc"))
        if figures.get(key) is not None
    ]
    rows += _decisions(figures, found, point)
    spread = None if found is None else _spread(_losses(found))
    if figures.get("brier") is not None:
        rows.append(make_row("Brier score", *_value(figures["brier"], figures.get("brier_interval")), spread))
    calibration = figures.get("calibration") or {}
    rows += [
        make_row(f"Calibration {name}", *_value(calibration[name], calibration.get(f"{name}_interval")))
        for name in ("slope", "intercept")
        if name in calibration
    ]
    return rows + list_coverage(figures.get("conformal") or {}, classes)


def list_comparator(figures: Figures) -> list[dict[str, Any]]:
    """List what was measured of a comparator: its AUC, and what the saved model adds to it."""
    rows = [_area("AUC", figures["auc"])] if figures.get("auc") else []
    difference = figures.get("difference")
    if difference:
        rows.append(make_row("Difference in AUC", difference["mean"], difference["interval"]))
    return rows


def _area(name: str, auc: Figures) -> dict[str, Any]:
    known = np.array([value for value in auc.get("folds", ()) if value is not None], dtype=np.float64)
    return make_row(name, auc["mean"], auc.get("interval"), auc.get("sd", _spread(known)))


def _decisions(figures: Figures, found: OutOfFold | None, point: str) -> list[dict[str, Any]]:
    points = figures.get("points") or {}
    chosen = point if point in points else next(iter(points), None)
    if chosen is None:
        return [
            make_row(title, figures[key], None, None) for key, title in SHARES.items() if figures.get(key) is not None
        ]
    spreads = {} if found is None else _fold_shares(found, chosen)
    rows = []
    for key, title in SHARES.items():
        if (share := points[chosen].get(key)) is None:
            continue
        told = f"{EXPLAINED[title]}, each fold at its own threshold for '{chosen}'"
        told += ", at these cases' share of positives." if key in ("ppv", "npv") else "."
        rows.append({**make_row(title, share["value"], share["interval"], spreads.get(key)), "explained": told})
    return rows


def list_coverage(conformal: Figures, classes: Sequence[str]) -> list[dict[str, Any]]:
    """How often a verdict is right in either class, and how often there is none, for each error rate."""
    rows = []
    for rate, sets in conformal.items():
        percent = f"{100 * float(rate):g} %"
        for side, share in sets["coverage"].items():
            whose = {"negative": classes[0], "positive": classes[1]}.get(side, side)
            name = f"Not missed at {percent} errors, {whose}"
            told = f"Share of {whose} cases that a verdict at {percent} errors does not call otherwise."
            rows.append({**make_row(name, share["value"], share["interval"]), "explained": told})
        uncertain = sets["uncertain"]
        value = uncertain["value"] if isinstance(uncertain, Mapping) else uncertain
        interval = uncertain["interval"] if isinstance(uncertain, Mapping) else None
        told = f"Share of cases that a verdict at {percent} errors leaves open."
        rows.append({**make_row(f"Uncertain at {percent} errors", value, interval), "explained": told})
    return rows


def _value(value: Any, interval: Any) -> tuple[Any, Any]:
    return (value.get("value"), value.get("interval")) if isinstance(value, Mapping) else (value, interval)


def make_row(name: str, mean: Any, interval: Any = None, sd: Any = None) -> dict[str, Any]:
    """A line of the table; what it means, where that is always the same."""
    low, high = interval or (None, None)
    return {"name": name, "mean": mean, "sd": sd, "low": low, "high": high, "explained": EXPLAINED.get(name, "")}


def _fold_shares(found: OutOfFold, point: str) -> dict[str, float | None]:
    """Standard deviation over the folds of each share, at the folds' own thresholds."""
    if any(point not in fit.thresholds for fit in found.fits):
        return {}
    each: dict[str, list[float]] = {key: [] for key in SHARES}
    for place, fit in enumerate(found.fits):
        truth = found.labels[fit.test] == 1
        called = found.probabilities[place // found.folds.k, fit.test] >= fit.thresholds[point]
        groups = {"accuracy": np.ones(len(truth), dtype=bool), "sensitivity": truth, "specificity": ~truth,
                  "ppv": called, "npv": ~called}  # fmt: skip
        for key, group in groups.items():
            if group.any():
                each[key].append(float((called == truth)[group].mean()))
    return {key: _spread(np.array(values)) for key, values in each.items()}


def _losses(found: OutOfFold) -> Array:
    folds = [
        np.mean((found.probabilities[place // found.folds.k, fit.test] - found.labels[fit.test]) ** 2)
        for place, fit in enumerate(found.fits)
    ]
    return np.array(folds, dtype=np.float64)


def _spread(values: Array) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None
