"""The last step of a training: what a model is for, where it fails, and the operating point that it is used at."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.bundle import Threshold, write_bundle
from app.core.errors import InputError
from app.core.evaluate.conformal import conformal_set
from app.core.jobs import Report
from app.core.paths import data_folder
from app.core.requests import FinishModelRequest
from app.core.workflows.models import open_bundle

CHOSEN = "chosen"
_INTENDED, _FAILURES = "Intended use", "Known failures"
_MOST_POINTS = 200


def describe_finish(request: dict[str, Any], _report: Report) -> dict[str, Any]:
    """Say what can still be chosen about a trained model.

    Parameters
    ----------
    request : dict
        `model`, a name or a folder.

    Returns
    -------
    dict
        `name`, `title`, `purpose`, `limits` (sentences of its card), `training`, `classes`; `points` (name, threshold,
        sensitivity, specificity, default); `curve`, lists of `threshold`, `sensitivity` and `specificity` over the
        held-out predictions; `verdicts`, for each error rate the shares of held-out cases that get a `verdict`, the
        right one (`right`), the `wrong` one, or none (`uncertain`); `auc`.
    """
    bundle = open_bundle(str(request["model"]))
    specification = bundle.specification
    labels, answers = _held_out(bundle.evaluation())
    return {
        "name": specification.name,
        "title": specification.title,
        "purpose": specification.purpose,
        "limits": _read_list(bundle.card(), _FAILURES),
        "training": specification.training.description,
        "classes": list(specification.classes),
        "points": [point.model_dump() for point in specification.thresholds],
        "curve": _curve(labels, answers),
        "verdicts": [
            {"error_rate": each.error_rate, **_verdicts(labels, answers, (each.negative, each.positive))}
            for each in specification.conformal
        ],
        "auc": bundle.evaluation().get("auc"),
    }


def finish_model(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Rewrite what a person decides about an own model: title, card, default operating point.

    Parameters
    ----------
    request : dict
        A `FinishModelRequest`; the folder keeps its name, so that scores and lists still find it.

    Returns
    -------
    dict
        `model` (its folder), `name`, `digest`, `threshold`.

    Raises
    ------
    InputError
        The model is not the user's own, or it keeps no held-out predictions for a new threshold.
    BundleError
        It does not verify.
    """
    ask = FinishModelRequest.parse(request)
    report(0.0, "Reading the model")
    bundle = open_bundle(ask.model)
    if not bundle.folder.resolve().is_relative_to((data_folder() / "models").resolve()):
        raise InputError(
            f"The model '{bundle.specification.name}' is not one of your own.", "Only own models can be changed."
        )
    specification = bundle.specification
    evaluation = bundle.evaluation()
    thresholds = specification.thresholds
    if ask.threshold is not None:
        thresholds = _choose(thresholds, ask.threshold, *_held_out(evaluation))
    changed = specification.model_copy(
        update={
            "title": ask.title or specification.title,
            "purpose": ask.purpose or specification.purpose,
            "thresholds": thresholds,
        }
    )
    card = _retitle(bundle.card(), changed.title)
    if ask.purpose is not None:
        card = _replace(card, _INTENDED, ask.purpose.strip())
    if ask.limits is not None:
        kept = [" ".join(each.split()) for each in ask.limits if each.strip()]
        card = _replace(card, _FAILURES, "\n".join(f"- {each}" for each in kept))
    report(0.5, "Writing the model")
    pipeline, resamples = (bundle.pipeline, bundle.resamples) if specification.has_pipeline else (None, ())
    written = write_bundle(bundle.folder, changed, card, evaluation, pipeline, resamples, bundle.weights)
    report(1.0, "Done")
    default = written.specification.default_threshold.threshold
    return {"model": str(written.folder), "name": Path(written.folder).name, "digest": written.specification.digest,
            "threshold": default}  # fmt: skip


def _held_out(evaluation: Mapping[str, Any]) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    """Label and held-out probability of each case, the mean over the repeats; empty where none is kept."""
    saved = evaluation.get("saved") or next(iter(evaluation.get("models") or {}), "")
    rows = (evaluation.get("models") or {}).get(saved, {}).get("out_of_fold")
    labels = (evaluation.get("cases") or {}).get("label")
    if rows and labels:
        answers = [float(np.mean([each for each in row if each is not None] or [np.nan])) for row in rows]
    else:
        kept = evaluation.get("out_of_fold") or []
        labels, answers = [each["label"] for each in kept], [float(each["probability"]) for each in kept]
    known = np.isfinite(answers) if answers else np.zeros(0, dtype=bool)
    return np.array(labels, dtype=np.int_)[known], np.array(answers, dtype=np.float64)[known]


def _rates(labels: NDArray[np.int_], answers: NDArray[np.float64], threshold: float) -> tuple[float, float]:
    called = answers >= threshold
    return float(called[labels == 1].mean()), float((~called[labels == 0]).mean())


def _curve(labels: NDArray[np.int_], answers: NDArray[np.float64]) -> dict[str, list[float]]:
    if len(set(labels.tolist())) < 2:
        return {"threshold": [], "sensitivity": [], "specificity": []}
    steps = np.unique(answers)
    between = (steps[1:] + steps[:-1]) / 2
    places = np.unique(np.linspace(0, len(between) - 1, _MOST_POINTS).astype(int))
    thresholds = [float(each) for each in np.clip(between[places], 1e-4, 1 - 1e-4)]
    rates = [_rates(labels, answers, each) for each in thresholds]
    return {
        "threshold": thresholds,
        "sensitivity": [each[0] for each in rates],
        "specificity": [each[1] for each in rates],
    }


def _verdicts(
    labels: NDArray[np.int_], answers: NDArray[np.float64], quantiles: tuple[float, float]
) -> dict[str, float]:
    """Shares of the held-out cases by what they would be told."""
    if not len(labels):
        return {}
    sets = [conformal_set(float(each), quantiles) for each in answers]
    single = np.array([negative != positive for negative, positive in sets])
    right = np.array([answer == (label == 0, label == 1) for answer, label in zip(sets, labels, strict=True)])
    return {
        "verdict": float(single.mean()),
        "right": float(right.mean()),
        "wrong": float((single & ~right).mean()),
        "uncertain": float((~single).mean()),
    }


def _choose(
    points: Sequence[Threshold], threshold: float, labels: NDArray[np.int_], answers: NDArray[np.float64]
) -> tuple[Threshold, ...]:
    """The known point that is meant, or a new one with its figures, as the default."""
    known = next((point for point in points if abs(point.threshold - threshold) < 5e-4), None)
    if known is None:
        if len(set(labels.tolist())) < 2:
            raise InputError(
                "The model keeps no held-out predictions, so nothing is known of other operating points.",
                "Choose one of its own.",
            )
        sensitivity, specificity = _rates(labels, answers, threshold)
        known = Threshold(name=CHOSEN, threshold=threshold, sensitivity=sensitivity, specificity=specificity)
    others = [point for point in points if point is not known and point.name != CHOSEN]
    every = sorted([*others, known], key=lambda point: point.threshold)
    return tuple(point.model_copy(update={"default": point is known}) for point in every)


def _retitle(card: str, title: str) -> str:
    return re.sub(r"\A# .*", lambda _found: f"# {title}", card, count=1)


def _section(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?ms)^## {re.escape(name)}\n+(.*?)(?=^## |\Z)")


def _read_list(card: str, name: str) -> list[str]:
    """The points of a card's list."""
    found = _section(name).search(card)
    lines = found.group(1).splitlines() if found else []
    return [line.strip()[2:].strip() for line in lines if line.strip().startswith("- ")]


def _replace(card: str, name: str, text: str) -> str:
    """Put a text in the place of a card's section, or at its end where it has none."""
    whole = f"## {name}\n\n{text}\n\n"
    if _section(name).search(card):
        return _section(name).sub(lambda _found: whole, card, count=1).rstrip() + "\n"
    return f"{card.rstrip()}\n\n{whole}".rstrip() + "\n"
