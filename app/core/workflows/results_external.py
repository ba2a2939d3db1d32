"""What an external test found, from the two files that it wrote: its figures, and the score of every case."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import app
from app.core.errors import BundleError, InputError
from app.core.evaluate.comparators import TITLES, word_difference
from app.core.evaluate.curves import bin_calibration, fixed_roc, follow_threshold
from app.core.evaluate.external import measure_difference
from app.core.evaluate.intervals import Estimate
from app.core.evaluate.utility import decision_curve
from app.core.io.table import read_table
from app.core.report.methods import describe_test
from app.core.workflows.models import open_bundle
from app.core.workflows.result_metrics import EXPLAINED, SHARES, list_coverage, make_row

if TYPE_CHECKING:
    import pandas as pd

Json = dict[str, Any]
PREDICTIONS = "predictions.csv"
COMPARATOR = "comparator_"
_REMEDY = "Choose the evaluation.json that 'evaluate' wrote."


def describe_external(path: Path) -> Json:
    """Describe an external test.

    Parameters
    ----------
    path : Path
        Its `evaluation.json`, with `predictions.csv` beside it, or their folder.

    Returns
    -------
    dict
        As `view_results` returns it; the curves are empty where the predictions are gone.

    Raises
    ------
    InputError
        There is no such file, or it is none of an external test.
    """
    path = path / "evaluation.json" if path.is_dir() else path
    evaluation = read_evaluation(path)
    name, classes = str(evaluation["model"]), list(evaluation["counts"])
    table = read_table(path.parent / PREDICTIONS) if (path.parent / PREDICTIONS).is_file() else None
    labels, scores = _read_scores(table, classes, name)
    comparators = [each for each in evaluation["comparators"] if each in scores or table is None]
    figures = {name: {"auc": evaluation["auc"]}, **evaluation["comparators"]}
    drawn = {each: _known(labels, given) for each, given in scores.items() if _tells(labels, given)}
    return {
        "kind": "external",
        "title": f"{name} on {evaluation['cases']} cases from elsewhere",
        "name": name,
        "digest": evaluation.get("model_digest", ""),
        "demonstration": False,
        "purpose": evaluation.get("model_purpose", ""),
        "classes": classes,
        "models": [name],
        "saved": name,
        "primary": name,
        "comparators": comparators,
        "titles": {each: TITLES.get(each, each) for each in comparators},
        "measured": None,
        "prevalence": evaluation["prevalence"],
        "target": evaluation["target"],
        "headline": _headline(evaluation, comparators),
        "selection": None,
        "roc": {each: _roc(figures[each]["auc"], drawn.get(each)) for each in (name, *comparators)},
        "metrics": _metrics(evaluation, name, comparators),
        "calibration": {name: _calibration(evaluation, drawn.get(name))},
        "decision": {each: _decision(*pair) for each, pair in drawn.items() if _is_share(pair[1])},
        "cases": _cases(table, labels, name, scores),
        "points": {
            name: [
                {"name": each, "default": each == evaluation.get("default_point"), **point}
                for each, point in evaluation["points"].items()
            ]
        },
        "sites": _sites(evaluation),
        "subgroups": [],
        "advice": None,
        "imbalance": None,
        "importance": {name: []},
        "audit": None,
        "learning_curve": None,
        "fits": {name: []},
        "comparisons": _comparisons(drawn, name),
        "cautions": evaluation["cautions"],
        "methods": describe_test(evaluation),
        "flow": _flow(evaluation),
        "versions": {"liposcope": app.__version__},
        "folds": {},
        "internal": _internal(evaluation),
    }


def read_evaluation(path: Path) -> Json:
    """The content of an external test's `evaluation.json`; errors as for `describe_external`."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not the result of an external test.", _REMEDY) from error
    expected = ("model", "counts", "auc", "points", "comparators", "calibration", "conformal", "cautions", "cases")
    lacking = [key for key in expected if not isinstance(values, dict) or key not in values]
    if lacking or not isinstance(values["counts"], dict):
        raise InputError(f"{path.name} is not the result of an external test: it has no {lacking[0]}.", _REMEDY)
    return dict(values)


def _read_scores(
    table: pd.DataFrame | None, classes: list[str], name: str
) -> tuple[NDArray[np.int_], dict[str, NDArray[np.float64]]]:
    if table is None:
        return np.empty(0, dtype=np.int_), {}
    labels = (table["label"].astype(str) == classes[1]).to_numpy().astype(np.int_)
    own = {name: "probability"}
    own |= {column.removeprefix(COMPARATOR): column for column in table.columns if column.startswith(COMPARATOR)}
    return labels, {each: table[column].to_numpy(dtype=float, na_value=np.nan) for each, column in own.items()}


def _known(
    labels: NDArray[np.int_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    seen = np.isfinite(scores)
    return labels[seen], scores[seen]


def _tells(labels: NDArray[np.int_], scores: NDArray[np.float64]) -> bool:
    return bool(min(np.bincount(labels[np.isfinite(scores)], minlength=2)) >= 2)


def _is_share(scores: NDArray[np.float64]) -> bool:
    return bool((scores >= 0).all() and (scores <= 1).all())


def _roc(auc: Json | None, pair: tuple[NDArray[np.int_], NDArray[np.float64]] | None) -> Json:
    told = {key: (auc or {}).get(key) for key in ("mean", "interval")} | {"sd": None}
    if pair is None:
        return {"auc": told, "grid": [], "mean": [], "low": [], "high": [], "folds": [], "pooled": None}
    drawn = fixed_roc(*pair, np.random.default_rng(0))
    curves = {name: getattr(drawn, name) for name in ("grid", "mean", "low", "high")}
    return {"auc": told, **curves, "folds": [], "pooled": drawn.pooled.json}


def _headline(evaluation: Json, comparators: list[str]) -> Json | None:
    told = [(each, evaluation["comparators"][each]["difference"]) for each in comparators]
    told = [(each, difference) for each, difference in told if difference]
    if not told:
        return None
    name, found = told[0]
    sentence = word_difference(Estimate(found["mean"], *found["interval"]), TITLES.get(name, f"'{name}'"))
    return {"comparator": name, "mean": found["mean"], "interval": found["interval"], "p_value": found["p"],
            "sentence": sentence}  # fmt: skip


def _metrics(evaluation: Json, name: str, comparators: list[str]) -> dict[str, list[Json]]:
    default, calibration = evaluation.get("default_point"), evaluation["calibration"] or {}
    point: Json = evaluation["points"].get(default) or next(iter(evaluation["points"].values()), {})
    told = f", at the model's threshold for '{default}'." if default else "."
    rows = [_area(evaluation["auc"])]
    rows += [
        {**make_row(title, point[key]["value"], point[key]["interval"]), "explained": EXPLAINED[title] + told}
        for key, title in SHARES.items()
        if key in point
    ]
    rows.append(make_row("Brier score", evaluation.get("brier")))
    rows += [
        make_row(f"Calibration {key}", calibration[key], calibration.get(f"{key}_interval"))
        for key in ("slope", "intercept")
        if key in calibration
    ]
    rows += list_coverage(evaluation["conformal"], list(evaluation["counts"]))
    if unlike := evaluation.get("unlike_training"):
        words = "Share of cases that lie further from the training cases than one in 200 of those does."
        rows.append({**make_row("Unlike training", unlike["value"], unlike["interval"]), "explained": words})
    others = {}
    for each in comparators:
        figures = evaluation["comparators"][each]
        difference = figures["difference"] or {"mean": None, "interval": None}
        paired = {**make_row("Difference in AUC", difference["mean"], difference["interval"]),
                  "explained": "The model's AUC less this one's on the same cases (DeLong)."}  # fmt: skip
        others[each] = [_area(figures["auc"]), paired]
    return {name: rows, **others}


def _area(auc: Json | None) -> Json:
    found = make_row("AUC", (auc or {}).get("mean"), (auc or {}).get("interval"))
    return {**found, "explained": "Chance that a positive case scores higher than a negative one."}


def _calibration(evaluation: Json, pair: tuple[NDArray[np.int_], NDArray[np.float64]] | None) -> Json:
    bins = [] if pair is None else bin_calibration(pair[0], pair[1][np.newaxis])
    return {**(evaluation["calibration"] or {}), "bins": bins}


def _decision(labels: NDArray[np.int_], scores: NDArray[np.float64]) -> Json:
    worth = decision_curve(labels, scores)
    rates = follow_threshold(labels, scores[np.newaxis], worth.thresholds)
    return {**rates, "benefit": worth.model, "low": worth.low, "high": worth.high}


def _cases(
    table: pd.DataFrame | None, labels: NDArray[np.int_], name: str, scores: dict[str, NDArray[np.float64]]
) -> Json | None:
    if table is None:
        return None
    count = len(labels)
    blank = [None] * count
    words = {key: [str(each) if each == each else None for each in table[key]] if key in table.columns else blank
             for key in ("patient", "site", "verdict")}  # fmt: skip
    return {"row": list(range(count)), "label": labels, "site": words["site"], "case": words["patient"],
            "files": blank, "probability": {name: scores[name]}, "verdict": {name: words["verdict"]},
            "error_rate": None}  # fmt: skip


def _sites(evaluation: Json) -> list[Json]:
    rows = []
    for site, found in evaluation.get("sites", {}).items():
        auc = found["auc"] or {"mean": None, "interval": (None, None)}
        low, high = auc["interval"]
        note = "" if found.get("seen_in_training") else "Not among the training sites."
        rows.append({"site": site, "cases": found["cases"], "positive": found["positives"], "auc": auc["mean"],
                     "low": low, "high": high, "note": note})  # fmt: skip
    return sorted(rows, key=lambda row: (-row["cases"], row["site"]))


def _comparisons(drawn: Mapping[str, tuple[NDArray[np.int_], NDArray[np.float64]]], name: str) -> list[Json]:
    rows = []
    for other, (labels, scores) in drawn.items():
        if other == name or name not in drawn or len(scores) != len(drawn[name][1]):
            continue
        found = measure_difference(labels, drawn[name][1], scores)
        if found:
            rows.append({"a": name, "b": other, "mean": found["mean"], "interval": found["interval"],
                         "p_value": found["p"], "how": "DeLong"})  # fmt: skip
    return rows


def _flow(evaluation: Json) -> list[Json]:
    failed = len(evaluation.get("failed", ()))
    steps = [("Cases in the table", evaluation["cases"] + failed)]
    steps += [("Could not be scored", failed)] if failed else []
    steps += [("Scored", evaluation["cases"]), *evaluation["counts"].items()]
    return [{"what": what, "cases": cases} for what, cases in steps]


def _internal(evaluation: Json) -> Json | None:
    """The model's own figures from its training run, to stand beside; null where the library has it no longer."""
    try:
        bundle = open_bundle(str(evaluation["model"]))
    except BundleError:
        return None
    if bundle.specification.digest != evaluation.get("model_digest"):
        return None
    held = bundle.evaluation()
    saved = held.get("saved") or next(iter(held.get("models", {})), None)
    figures = held["models"][saved] if saved else held
    return {"auc": figures.get("auc"), "target": figures.get("target", "new patients of the same sites")}
