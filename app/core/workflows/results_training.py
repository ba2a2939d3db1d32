"""What a training run found, drawn again from its bundle: curves, tables, cases, comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

import app
from app.core.bundle import Specification
from app.core.evaluate.calibration import measure_calibration
from app.core.evaluate.comparators import TITLES, compare
from app.core.evaluate.conformal import class_quantiles, conformal_set
from app.core.evaluate.crossvalidate import OutOfFold
from app.core.evaluate.curves import average_roc, bin_calibration, follow_threshold
from app.core.evaluate.fold_areas import BY_FOLDS
from app.core.evaluate.restored import restore_answers
from app.core.evaluate.subgroups import measure_subgroups
from app.core.evaluate.utility import measure_utility
from app.core.radiomics.catalogue import describe
from app.core.report.methods import describe_methods
from app.core.workflows.result_metrics import list_comparator, list_metrics
from app.core.workflows.results_network import describe_networks

Json = dict[str, Any]
Known = Mapping[int, tuple[str, Json | None]]
PREVALENCE = "prevalence"
USUAL_ERROR_RATE = 0.05


def describe_training(specification: Specification, evaluation: Json, known: Known) -> Json:
    """Describe a training run.

    Parameters
    ----------
    specification : Specification
        Of the bundle that the run made.
    evaluation : dict
        Its `evaluation.json`.
    known : mapping of int to (str, dict or None)
        By row number, the user's name and files of a case; empty where the model comes from elsewhere.

    Returns
    -------
    dict
        As `view_results` returns it.
    """
    models, comparators = evaluation["models"], evaluation.get("comparators", {})
    saved = evaluation.get("saved") or next(iter(models))
    names = [saved, *(name for name in models if name != saved)]
    answers = {name: restore_answers(evaluation, name) for name in (*names, *comparators)}
    telling = [name for name in dict.fromkeys((*TITLES, *comparators)) if name in comparators and name != PREVALENCE]
    drawn = {name: found for name in (*names, *telling) if (found := answers[name]) is not None}
    point = specification.default_threshold.name if specification.thresholds else ""
    figures = {**{name: comparators[name] for name in telling}, **models}
    return {
        "kind": "training",
        "title": specification.title,
        "name": specification.name,
        "digest": specification.digest,
        "demonstration": specification.demonstration,
        "purpose": specification.purpose,
        "classes": specification.classes,
        "models": names,
        "saved": saved,
        "primary": evaluation.get("primary"),
        "comparators": telling,
        "titles": {name: TITLES.get(name, name) for name in telling},
        "measured": evaluation.get("measured"),
        "seed": evaluation.get("seed"),
        "prevalence": specification.training.prevalence,
        "target": models[saved].get("target", "new patients of the same sites"),
        "new_sites": {name: models[name]["auc_new_site"] for name in names if models[name].get("auc_new_site")},
        "headline": models[saved].get("headline"),
        "selection": evaluation.get("selection"),
        "roc": {name: _roc(figures[name], answers[name], folds=name in models) for name in (*names, *telling)},
        "metrics": {name: list_metrics(models[name], answers[name], point, specification.classes) for name in names}
        | {name: list_comparator(comparators[name]) for name in telling},
        "calibration": {name: _calibration(models[name], answers[name]) for name in names},
        "decision": {name: _decision(found) for name, found in drawn.items()},
        "cases": _cases(specification, evaluation, {name: answers[name] for name in names}, known),
        "points": {name: _points(specification, models[name], is_saved=name == saved) for name in names},
        "sites": _sites(models[saved], answers[saved], evaluation.get("cases") or {}),
        "subgroups": models[saved].get("subgroups") or [],
        "advice": (evaluation.get("sites") or {}).get("advice"),
        "imbalance": (evaluation.get("sites") or {}).get("imbalance"),
        "importance": {name: rank_features(models[name].get("fits") or ()) for name in names},
        "audit": _audit(evaluation.get("audit"), models[saved]),
        "learning_curve": evaluation.get("learning_curve"),
        "network": describe_networks(specification, evaluation),
        "fits": {name: models[name].get("fits") or [] for name in names},
        "comparisons": compare_models({name: answers[name] for name in names}, models[saved]["auc"]),
        "cautions": _cautions(specification, evaluation),
        "methods": describe_methods(specification.model_dump(mode="json"), evaluation),
        "flow": _flow(specification, evaluation),
        "versions": {"liposcope": app.__version__, **specification.versions},
        "folds": {key: value for key, value in evaluation.get("folds", {}).items() if key not in ("tests", "trains")},
    }


def _roc(figures: Json, found: OutOfFold | None, *, folds: bool) -> Json:
    auc = {key: figures["auc"].get(key) for key in ("mean", "sd", "interval")}
    curve: Json = {"auc": auc, "grid": [], "mean": [], "low": [], "high": [], "folds": [], "pooled": None}
    if found is None:
        return curve
    drawn = average_roc(found)
    curve |= {name: getattr(drawn, name) for name in ("grid", "mean", "low", "high")}
    curve["pooled"] = drawn.pooled.json
    if folds:
        pairs = zip(found.aucs, drawn.folds, strict=True)
        curve["folds"] = [{"auc": area, "fpr": each.fpr, "tpr": each.tpr} for area, each in pairs if each is not None]
    return curve


def _calibration(figures: Json, found: OutOfFold | None) -> Json:
    stored = figures.get("calibration") or {}
    if found is None:
        return {**stored, "bins": []}
    measured = stored if stored.get("curve") else measure_calibration(found).json
    folds = found.folds
    return {**measured, "bins": bin_calibration(found.labels, found.probabilities, folds.inflation, folds.freedom)}


def _decision(found: OutOfFold) -> Json:
    worth = measure_utility(found)
    rates = follow_threshold(found.labels, found.probabilities, worth.thresholds)
    return {**rates, "benefit": worth.model, "low": worth.low, "high": worth.high}


def _cases(
    specification: Specification, evaluation: Json, answers: Mapping[str, OutOfFold | None], known: Known
) -> Json | None:
    cases = evaluation.get("cases") or {}
    if "label" not in cases:
        return None
    rows = cases.get("row", list(range(len(cases["label"]))))
    told = [known.get(row, (None, None)) for row in rows]
    given = {name: average_answers(found.probabilities) for name, found in answers.items() if found is not None}
    labels = np.array(cases["label"], dtype=np.int_)
    return {
        "row": rows,
        "label": cases["label"],
        "site": cases.get("site", [None] * len(rows)),
        "case": [name for name, _ in told],
        "files": [files for _, files in told],
        "probability": given,
        "verdict": {name: _verdicts(specification, labels, probabilities) for name, probabilities in given.items()},
        "error_rate": _error_rate(specification),
    }


def average_answers(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean probability of each row over the repeats that test it, shape (rows,); NaN where none does."""
    counts = np.isfinite(probabilities).sum(axis=0)
    return np.where(counts > 0, np.nansum(probabilities, axis=0) / np.maximum(counts, 1), np.nan)


def _error_rate(specification: Specification) -> float:
    rates = [each.error_rate for each in specification.conformal]
    return USUAL_ERROR_RATE if USUAL_ERROR_RATE in rates or not rates else rates[0]


def _verdicts(
    specification: Specification, labels: NDArray[np.int_], given: NDArray[np.float64]
) -> list[str | None]:
    """What each case would have been told, from what the model says of it when it is held out."""
    seen = np.isfinite(given)
    quantiles = class_quantiles(labels[seen], given[seen], _error_rate(specification))
    words = {(True, True): "uncertain", (False, False): "unlike_training", (True, False): specification.classes[0],
             (False, True): specification.classes[1]}  # fmt: skip
    return [words[conformal_set(float(each), quantiles)] if np.isfinite(each) else None for each in given]


def _points(specification: Specification, figures: Json, *, is_saved: bool) -> list[Json]:
    final = {point.name: point for point in specification.thresholds} if is_saved else {}
    found = []
    for name, point in (figures.get("points") or {}).items():
        spread = point.get("threshold") or {}
        threshold = final[name].threshold if name in final else spread.get("mean")
        shares = {key: value for key, value in point.items() if key != "threshold"}
        found.append(
            {"name": name, "threshold": threshold, "default": name in final and final[name].default,
             "over_folds": spread, **shares}
        )  # fmt: skip
    measured = {each["name"] for each in found}
    found += [
        {"name": name, "threshold": point.threshold, "default": point.default, "over_folds": {},
         **{key: {"value": getattr(point, key), "interval": None} for key in ("sensitivity", "specificity")}}
        for name, point in final.items()
        if name not in measured
    ]  # fmt: skip
    return found


def _sites(figures: Json, found: OutOfFold | None, cases: Json) -> list[Json]:
    lines = [each for each in figures.get("by_site") or () if each["variable"] == "site"]
    if not lines and found is not None and any(cases.get("site") or ()):
        measured = measure_subgroups(found, {"site": np.array(cases["site"], dtype=object)})
        lines = [each.json for each in measured if each.variable == "site"]
    rows = []
    for each in lines:
        auc = each["auc"] or {"mean": None, "interval": (None, None)}
        low, high = auc["interval"] or (None, None)
        rows.append(
            {"site": each["level"], "cases": each["positives"] + each["negatives"], "positive": each["positives"],
             "auc": auc["mean"], "low": low, "high": high, "note": each.get("note", "")}
        )  # fmt: skip
    return sorted(rows, key=lambda row: (-row["cases"], row["site"]))


def rank_features(fits: Any) -> list[Json]:
    """Rank the features that the folds kept: those that most folds kept first, then by their mean weight.

    Parameters
    ----------
    fits : sequence of mapping
        Those with `importance`, feature name to weight, for the features that the fold kept; None where the weight of
        one is not known.

    Returns
    -------
    list of dict
        `feature`, `title`, `share` (of the folds that kept it), `mean`, `low`, `high` (mean and 2.5th and 97.5th
        percentiles of its weight over those folds; null where no fold knows).
    """
    told = [fit["importance"] for fit in fits if fit.get("importance")]
    weights: dict[str, list[float | None]] = {}
    for each in told:
        for feature, weight in each.items():
            weights.setdefault(feature, []).append(weight)
    rows = []
    for feature, given in weights.items():
        known = [float(weight) for weight in given if weight is not None]
        mean, low, high = (np.mean(known), *np.quantile(known, [0.025, 0.975])) if known else (None, None, None)
        rows.append({"feature": feature, "share": len(given) / len(told), "mean": mean, "low": low, "high": high,
                     "title": describe(feature).title})  # fmt: skip
    return sorted(rows, key=lambda row: (-row["share"], -abs(row["mean"] or 0.0), row["feature"]))


def compare_models(answers: Mapping[str, OutOfFold | None], auc: Json) -> list[Json]:
    """Paired difference in AUC of every two models, fold by fold; `auc` says how intervals were taken."""
    known = {name: found for name, found in answers.items() if found is not None}
    rows = []
    for one, other in combinations(known, 2):
        folds = known[one].folds
        how = auc.get("interval_by", BY_FOLDS) + (f", {folds.repeats} x {folds.k}" if folds.k > 1 else "")
        rows.append({"a": one, "b": other, **compare(known[one], known[other], other).json, "how": how})
    return rows


def _audit(audit: Json | None, figures: Json) -> Json | None:
    if not audit:
        return None
    honest = {key: figures["auc"].get(key) for key in ("mean", "sd", "interval")}
    return {"honest": {"auc": honest}, **{name: audit.get(name) for name in ("naive", "permuted")},
            "fits": len(audit.get("fits") or ())}  # fmt: skip


def _cautions(specification: Specification, evaluation: Json) -> list[Json]:
    told = list(evaluation.get("cautions", ()))
    if specification.demonstration:
        told.insert(0, {"code": "demonstration", "message": "A demonstration on synthetic data."})
    return told


def _flow(specification: Specification, evaluation: Json) -> list[Json]:
    counts, failed = specification.training.counts, evaluation.get("cases_failed") or 0
    negative, positive = specification.classes
    used = sum(counts.values())
    steps = [("Cases in the table", used + failed)]
    steps += [("Could not be measured", failed)] if failed else []
    steps += [("Learned from and tested by cross-validation", used)]
    steps += [(name, counts.get(name, 0)) for name in (negative, positive)]
    return [{"what": what, "cases": cases} for what, cases in steps]
