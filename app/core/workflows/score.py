"""Scoring: one case, or every row of a table, from files to a probability with everything needed to doubt it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from app.core.bundle import Bundle, Context, Prediction, sigmoid
from app.core.data import Case, Caution, Contribution, FeatureRow, Mask, NetworkFacts, Prepared, Prevalence, Score
from app.core.files import name_files
from app.core.io.case import load_case
from app.core.io.nifti import write_nifti
from app.core.io.table import read_cases
from app.core.jobs import Failure, Report, describe_failure
from app.core.preprocess.chain import prepare
from app.core.radiomics.extract import extract
from app.core.report.anonymous import CASE, anonymise_score, name_sequences, number
from app.core.report.score import write_report
from app.core.requests import CaseFiles, ScoreCohortRequest, ScoreRequest
from app.core.segment.jitter import jitter_masks
from app.core.workflows.models import open_bundle
from app.core.workflows.parallel import run_each
from app.core.workflows.scored_case import choose_sequences, describe_case
from app.core.workflows.verdict import (
    at_prevalence,
    choose_quantiles,
    choose_threshold,
    compare,
    decide,
    doubts,
    harmonised,
    measure_distance,
)

if TYPE_CHECKING:
    from app.core.deep.crops import Crops
    from app.core.workflows.looking import Looked

COVERAGE = 1.959964  # standard normal, 95 %


def score_case(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Read, prepare, measure and score one case.

    Parameters
    ----------
    request : dict
        A `ScoreRequest`.
    report : callable
        Receives (fraction, message); raises `Cancelled`.

    Returns
    -------
    dict
        The score as JSON, see `Score`; of a model that harmonises also `harmonisation`: `site`, `policy`, `caution`.
        `network` and `attention` are null for a model without networks.
    """
    ask = ScoreRequest.parse(request)
    clock = Clock()
    bundle = _open_for(ask)
    if bundle.takes_pictures:
        report(0.0, "Loading the network")
        _ = bundle.pictures
    clock.lap("model")
    report(0.0, "Reading the images")
    case = load_case(ask.case)
    clock.lap("read")
    case, assumed = choose_sequences(case, bundle)
    prepared = prepare(
        case,
        ask.prep or bundle.specification.recipe.prep,
        lambda fraction, message: report(0.05 + 0.45 * fraction, message),
    )
    clock.lap("prepare")
    report(0.5, "Measuring the tumour")
    row = extract(prepared, bundle.measures)
    clock.lap("extract")
    context = describe_case(case)
    crops = _cut(bundle, prepared)
    prediction = bundle.predict(row.as_dict(), context, None if crops is None else crops.values)
    clock.lap("predict")
    interval = jittered_interval(bundle, prepared, prediction, partial(_between, report, 0.6, 0.85), context)
    clock.lap("interval")
    looked = None
    if crops is not None:
        report(0.85, "Finding where the network looked")
        tell = partial(_tell_covering, report)
        looked = _look(bundle, case, crops, prediction.probability, row, tell if ask.out else None)
        clock.lap("attention")
    score = assemble(ask, bundle, case, prepared, row, prediction, interval, assumed, clock.laps, looked)
    result = score_as_json(score)
    if prediction.harmonisation is not None:
        result["harmonisation"] = asdict(prediction.harmonisation)
    renamed: dict[str, str] = {}
    if ask.anonymise:
        result, renamed = anonymise_score(result, ask.case, _number_of(ask.case)), name_sequences(ask.case)
    if ask.out:
        report(0.95, "Writing the report")
        write_results(Path(ask.out), result, prepared, case, looked, renamed)
    report(1.0, "Done")
    return result


def score_cohort(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Score every row of a table; a row that fails is a result with an `error`, never the end."""
    ask = ScoreCohortRequest.parse(request)
    _open_for(ask)
    table = read_cases(Path(ask.table), strict=False)
    settings = ask.model_dump(mode="json", exclude={"table", "jobs", "out"})
    cases = table.cases
    if ask.anonymise:
        cases = tuple(files.model_copy(update={"id": number(CASE, place)}) for place, files in enumerate(cases))
    requests = [
        {"case": files.model_dump(mode="json"), **settings, "out": str(Path(ask.out) / folder) if ask.out else None}
        for files, folder in zip(cases, name_files(files.id for files in cases), strict=True)
    ]
    results = run_each(_score_or_explain, requests, ask.jobs, report, "Scoring", lost=_lose)
    faults: dict[int, list[str]] = {}
    for problem in table.problems:
        faults.setdefault(problem.row, []).append(problem.message)
    patients = {problem.row: problem.patient for problem in table.problems}
    unread = [
        {
            "case": patients[row],
            "error": {"kind": "cohort", "message": f"Row {row}: {' '.join(messages)}", "remedy": "Correct the row."},
        }
        for row, messages in faults.items()
    ]
    if ask.anonymise:
        unread = [anonymise_score(each, None, number(CASE, len(cases) + at)) for at, each in enumerate(unread)]
    results += unread
    return {"model": ask.model, "results": results, "failed": sum("error" in result for result in results)}


def _open_for(ask: ScoreRequest | ScoreCohortRequest) -> Bundle:
    """Open the model; what it cannot answer is said before any work is done."""
    bundle = open_bundle(ask.model)
    choose_quantiles(bundle, ask.error_rate)
    choose_threshold(bundle, ask.threshold)
    return bundle


def _number_of(files: CaseFiles) -> str:
    """Give the number that a cohort gave a case; a case by itself has none."""
    return files.id if re.fullmatch(rf"{CASE}-\d{{4,}}", files.id) else CASE


def _lose(request: dict[str, Any], failure: Failure) -> dict[str, Any]:
    error = {"kind": failure.kind, "message": failure.message, "remedy": failure.remedy}
    told = {"case": request["case"]["id"], "error": error}
    if not request["anonymise"]:
        return told
    files = CaseFiles.parse(request["case"])
    return anonymise_score(told, files, _number_of(files))


def _score_or_explain(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return score_case(request, lambda _fraction, _message: None)
    except Exception as error:  # noqa: BLE001 - one case must not end the cohort; the fault is in its row and in the log
        return _lose(request, describe_failure(error))


class Clock:
    """Seconds spent in each part of a workflow."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """End a part."""
        now = time.perf_counter()
        self._laps[name] = round(now - self._last, 4)
        self._last = now

    @property
    def laps(self) -> dict[str, float]:
        """Seconds by part, with the total."""
        return {**self._laps, "total": round(time.perf_counter() - self._start, 4)}


def _cut(bundle: Bundle, prepared: Prepared) -> Crops | None:
    """The pictures of a model that looks at some; what draws and asks them is loaded for no other."""
    if not bundle.takes_pictures:
        return None
    from app.core.workflows.looking import cut_case

    return cut_case(bundle, prepared)


def _look(
    bundle: Bundle, case: Case, crops: Crops, probability: float, row: FeatureRow, tell: Callable[[float], None] | None
) -> Looked:
    """Where the networks looked; covering the pictures takes long and is only done where it is told of."""
    from app.core.workflows.looking import look_at

    return look_at(bundle, case, crops, probability, row.as_dict(), occlusion=tell is not None, tell=tell)


def _tell_covering(report: Report, fraction: float) -> None:
    report(0.85 + 0.1 * fraction, "Covering the pictures patch by patch")


def _describe_networks(bundle: Bundle, prediction: Prediction) -> NetworkFacts | None:
    if not bundle.takes_pictures:
        return None
    from app.core.workflows.looking import describe_networks

    return describe_networks(bundle, prediction)


def _between(report: Report, low: float, high: float, fraction: float, message: str) -> None:
    report(low + (high - low) * fraction, message)


def jittered_interval(
    bundle: Bundle, prepared: Prepared, prediction: Prediction, report: Report, context: Context
) -> tuple[float, float]:
    """Interval if the outline were drawn slightly differently, and the model fitted on other patients.

    The outline is eroded, dilated and shifted by a voxel; the root mean square change in log odds is added in
    quadrature to the model's own standard error, and 1.96 of the sum are taken to either side. Of networks that is
    the spread of their answers, and that of the answers about varied pictures.

    Returns
    -------
    low, high : float
    """
    variants: dict[str, dict[str, Mask]] = {}
    for sequence, mask in prepared.masks.items():
        for name, variant in jitter_masks(mask):
            variants.setdefault(name, {})[sequence] = variant
    answers: list[float] = []
    recipe = bundle.measures
    if bundle.takes_pictures:
        from app.core.workflows.looking import score_outlines

        report(0.0, "Redrawing the outline")
        answers = score_outlines(bundle, prepared, list(variants.values())).tolist() if variants else []
    for index, (name, masks) in enumerate(variants.items() if not bundle.takes_pictures else ()):
        report(index / len(variants), f"Redrawing the outline: {name}")
        varied = replace(prepared, masks={**prepared.masks, **masks})
        answers.append(bundle.log_odds(extract(varied, recipe).as_dict(), context))
    redrawn = float(np.mean(np.square(np.array(answers) - prediction.log_odds))) if answers else 0.0
    half = COVERAGE * np.sqrt(redrawn + prediction.variance)
    return sigmoid(prediction.log_odds - half), sigmoid(prediction.log_odds + half)


def assemble(
    ask: ScoreRequest,
    bundle: Bundle,
    case: Case,
    prepared: Prepared,
    row: FeatureRow,
    prediction: Prediction,
    interval: tuple[float, float],
    assumed: list[Caution],
    timings: Mapping[str, float],
    looked: Looked | None = None,
) -> Score:
    """Put prediction, verdict, comparator and cautions together."""
    specification, features = bundle.specification, row.as_dict()
    distance = measure_distance(bundle, features, prediction)
    verdict = decide(bundle, prediction.probability, features, ask.error_rate, distance)
    used = ask.prevalence or specification.deployment_prevalence or specification.training.prevalence
    point = choose_threshold(bundle, ask.threshold)
    ranked = sorted(prediction.contributions, key=lambda each: -abs(each.effect))
    return Score(
        case=case.id,
        model=specification.name,
        model_purpose=specification.purpose,
        demonstration=specification.demonstration,
        classes=specification.classes,
        probability=prediction.probability,
        interval=interval,
        prevalence=Prevalence(
            specification.training.prevalence,
            used,
            at_prevalence(prediction.log_odds, specification.training.prevalence, used),
        ),
        verdict=verdict,
        error_rate=ask.error_rate,
        operating_point=point,
        comparator=compare(bundle, features, describe_case(case)),
        cautions=tuple(
            dict.fromkeys(
                [
                    *prepared.cautions,
                    *assumed,
                    *doubts(bundle, case, features, ask, distance),
                    *harmonised(prediction),
                    *([looked.gradcam.caution] if looked is not None and looked.gradcam.caution is not None else []),
                ]
            )
        ),
        contributions=tuple(Contribution(each.feature, each.value, each.effect) for each in ranked),
        features=features,
        trace=prepared.trace,
        timings=timings,
        versions={
            **specification.versions,
            **row.versions,
            "model": specification.version,
            "model_digest": specification.digest,
        },
        network=_describe_networks(bundle, prediction),
        attention=None if looked is None else looked.facts,
    )


def score_as_json(score: Score) -> dict[str, Any]:
    """The contract of the command line: plain JSON, missing values as null."""
    values = asdict(score)
    values["threshold"] = score.operating_point.threshold
    if values["attention"] is not None:
        values["attention"]["class"] = values["attention"].pop("class_name")
    return cast("dict[str, Any]", _plain(values))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def write_results(
    folder: Path,
    score: Mapping[str, Any],
    prepared: Prepared,
    case: Case,
    looked: Looked | None,
    renamed: Mapping[str, str],
) -> None:
    """Write the report (HTML, PDF, JSON), the images as they were measured, and maps of where networks looked.

    Parameters
    ----------
    folder : Path
        Made if needed; files of the same names are replaced.
    renamed : mapping of str to str
        What to call sequences whose own names shall not be told.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in ("json", "html", "pdf"):
        write_report(score, folder / f"score.{suffix}", [])
    for sequence, volume in prepared.images.items():
        name = renamed.get(sequence, sequence)
        write_nifti(folder / f"{name}_prepared.nii.gz", volume)
        write_nifti(folder / f"{name}_mask.nii.gz", prepared.masks[sequence])
    if looked is not None:
        [image] = case.images.values()
        write_nifti(folder / "gradcam.nii.gz", image.with_voxels(looked.gradcam.placed))
        if looked.occlusion is not None:
            write_nifti(folder / "occlusion.nii.gz", image.with_voxels(looked.occlusion.placed))
