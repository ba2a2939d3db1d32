"""A saved model on cases from elsewhere: every case is scored as it would be by the model in use, then judged."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.core.bundle import Bundle
from app.core.data import Caution
from app.core.evaluate.external import measure_auc, measure_difference, measure_external, measure_point, measure_share
from app.core.files import write_atomically
from app.core.io.tabulate import write_table
from app.core.jobs import Report
from app.core.report.anonymous import CASE, SITE, anonymise_table, number_each, veil
from app.core.requests import EvaluateRequest
from app.core.workflows.external_cases import read_external
from app.core.workflows.external_scores import Scored, rival_scores, score_external
from app.core.workflows.models import open_bundle

if TYPE_CHECKING:
    import pandas as pd

EVALUATION, PREDICTIONS = "evaluation.json", "predictions.csv"


def evaluate(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Score every case of a table with a saved model, and say what the model is worth on them.

    Parameters
    ----------
    request : dict
        An `EvaluateRequest`.
    report : callable
        Receives (fraction, message); raises `Cancelled`.

    Returns
    -------
    dict
        `model`, `cases`, `counts`, `prevalence`, `auc`, `points` (each threshold of the model), `brier`, `calibration`,
        `conformal`, `comparators` (with the paired difference), `unlike_training`, `sites`, `harmonisation` (cases by
        policy, of a model that harmonises), `failed`, `cautions` and `written`.

    Raises
    ------
    CohortError
        The table lacks what the model needs, or its labels are not the model's.
    BundleError
        The model cannot be trusted.
    """
    ask = EvaluateRequest.parse(request)
    bundle = open_bundle(ask.bundle)
    report(0.0, "Reading the cases")
    cases = read_external(ask, bundle, partial(_share, report, 0.0, 0.8))
    scored, failed = score_external(bundle, cases, partial(_share, report, 0.8, 0.95))
    report(0.95, "Judging the scores")
    result = _judge(bundle, scored, [*cases.failed, *failed])
    predictions = _predictions(bundle, scored)
    if ask.anonymise:
        patients = number_each(CASE, cases.patients)
        sites = number_each(SITE, [] if cases.sites is None else cases.sites)
        result["sites"] = {sites.get(name, name): figures for name, figures in result["sites"].items()}
        result, predictions = veil(result, patients | sites), anonymise_table(predictions, patients)
    written = _write(Path(ask.out), result, predictions)
    report(1.0, "Done")
    return {**result, "written": written}


def _share(report: Report, low: float, high: float, fraction: float, message: str) -> None:
    report(low + (high - low) * fraction, message)


def _judge(bundle: Bundle, scored: Scored, failed: list[dict[str, str]]) -> dict[str, Any]:
    specification, cases = bundle.specification, scored.cases
    labels, negative = cases.labels, specification.classes[0]
    positives = int(labels.sum())
    points = {point.name: point.threshold for point in specification.thresholds}
    quantiles = {each.error_rate: (each.negative, each.positive) for each in specification.conformal}
    known = np.isfinite(scored.distances)
    figures = measure_external(labels, scored.probabilities, points, quantiles, cases.patients)
    comparators, doubts = _compare(bundle, scored)
    result = {
        "model": specification.name,
        "model_digest": specification.digest,
        "model_purpose": specification.purpose,
        "target": "these cases, which the model was not fitted to",
        "cases": len(labels),
        "patients": len(set(cases.patients.tolist())),
        "counts": {negative: len(labels) - positives, specification.classes[1]: positives},
        "prevalence": positives / len(labels),
        "default_point": specification.default_threshold.name,
        **figures,
        "comparators": comparators,
        "unlike_training": measure_share(int((scored.distances[known] > 1).sum()), int(known.sum())),
        "sites": _by_site(bundle, scored),
        **_harmonisation(scored),
        "failed": failed,
        "cautions": [
            {"code": each.code, "message": each.message}
            for each in [*cases.cautions, *_doubts(bundle, scored), *_foreign_sites(scored), *doubts]
        ],
    }
    return {name: _plain(value) for name, value in result.items()}


def _plain(value: Any) -> Any:
    """JSON has no word for what cannot be said but null."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _compare(bundle: Bundle, scored: Scored) -> tuple[dict[str, Any], list[Caution]]:
    rival, doubts = rival_scores(bundle, scored.cases)
    if rival is None:
        return {}, doubts
    name, scores = rival
    known = np.isfinite(scores)
    labels, own = scored.cases.labels[known], scored.probabilities[known]
    return {
        name: {
            "cases": int(known.sum()),
            "auc": measure_auc(labels, scores[known]),
            "difference": measure_difference(labels, own, scores[known]),
        }
    }, doubts


def _by_site(bundle: Bundle, scored: Scored) -> dict[str, Any]:
    if scored.cases.sites is None:
        return {}
    point = bundle.specification.default_threshold
    found = {}
    for site in sorted(set(scored.cases.sites.tolist())):
        own = scored.cases.sites == site
        labels, probabilities = scored.cases.labels[own], scored.probabilities[own]
        found[site or "unknown"] = {
            "cases": int(own.sum()),
            "positives": int(labels.sum()),
            "auc": measure_auc(labels, probabilities),
            "mean_probability": float(probabilities.mean()),
            "seen_in_training": site in bundle.specification.training.sites,
            "point": measure_point(labels, probabilities, point.threshold),
        }
    return found


def _harmonisation(scored: Scored) -> dict[str, Any]:
    """How many cases each policy was applied to; nothing for a model that harmonises nothing."""
    policies = [each.policy for each in scored.harmonisation if each]
    return {"harmonisation": {name: policies.count(name) for name in sorted(set(policies))}} if policies else {}


def _foreign_sites(scored: Scored) -> list[Caution]:
    """Say how many cases come from sites that the model's harmonisation does not know, and what was done with them."""
    known = [each for each in scored.harmonisation if each]
    foreign = [each for each in known if each.caution]
    if not foreign:
        return []
    left = sum(each.policy.startswith("left") for each in foreign)
    what = "left as they are" if left == len(foreign) else f"{left} left as they are, the others harmonised by proxy"
    message = (
        f"The model harmonises by site and had no parameters for the sites of {len(foreign)} of these {len(known)} "
        f"cases: {what}."
    )
    return [Caution("harmonisation", message)]


def _doubts(bundle: Bundle, scored: Scored) -> list[Caution]:
    cases, training = scored.cases, bundle.specification.training
    told = []
    patients = len(set(cases.patients.tolist()))
    if patients < len(cases.labels):
        told.append(
            Caution(
                "several_cases",
                f"{len(cases.labels)} cases come from {patients} patients; the intervals count every case as a "
                "patient's only one and are too narrow.",
            )
        )
    fewest = min(np.bincount(cases.labels, minlength=2))
    if fewest < 2:
        told.append(
            Caution("one_class", f"The rarer class has {fewest} case(s): an AUC and a calibration need two of each.")
        )
    counts = dict(zip(bundle.specification.classes, np.bincount(cases.labels, minlength=2).tolist(), strict=True))
    if bundle.takes_pictures:  # of pictures nothing is kept that could be compared, but what was measured beside them
        own = {name: cases.others[name] for name in training.ranges if name in cases.others}
    else:
        own = {name: cases.values[:, place] for place, name in enumerate(bundle.specification.features)}
    spans = [(float(np.nanmin(own[name])), float(np.nanmax(own[name]))) for name in own if np.isfinite(own[name]).any()]
    known = [training.ranges.get(name) for name in own if name in training.ranges]
    if counts == training.counts and spans and spans == known:
        told.append(
            Caution(
                "training_cases",
                "These look like the very cases that the model was trained on: the figures flatter it and say nothing "
                "about new patients.",
            )
        )
    return told


def _write(out: Path, result: dict[str, Any], table: pd.DataFrame) -> list[str]:
    out.mkdir(parents=True, exist_ok=True)
    evaluation, predictions = out / EVALUATION, out / PREDICTIONS
    write_atomically(evaluation, (json.dumps(result, indent=1, ensure_ascii=False) + "\n").encode())
    write_table(predictions, table)
    return [str(evaluation), str(predictions)]


def _predictions(bundle: Bundle, scored: Scored) -> pd.DataFrame:
    import pandas as pd

    specification, cases = bundle.specification, scored.cases
    classes, point = specification.classes, specification.default_threshold
    columns: dict[str, Any] = {"patient": cases.patients, "label": [classes[label] for label in cases.labels]}
    if cases.sites is not None:
        columns["site"] = cases.sites
    columns |= {
        "probability": scored.probabilities,
        "called": [classes[int(each >= point.threshold)] for each in scored.probabilities],
        "verdict": list(scored.verdicts),
        "distance_over_limit": scored.distances,
    }
    if any(scored.harmonisation):
        columns["harmonisation"] = [each.policy if each else "" for each in scored.harmonisation]
    rival, _ = rival_scores(bundle, cases)
    return pd.DataFrame(columns | ({f"comparator_{rival[0]}": rival[1]} if rival else {}))


