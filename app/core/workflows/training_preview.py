"""Before a training: what the table holds, what is wrong with it, what its sites allow, and how long it would take."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.core.errors import CohortError, RecipeError
from app.core.harmonise.advisor import advise
from app.core.io.table import read_table
from app.core.jobs import Report
from app.core.radiomics.catalogue import feature_names
from app.core.radiomics.size import SIZE_NAMES
from app.core.recipe import Recipe
from app.core.requests import PreviewTrainingRequest, TrainRequest
from app.core.workflows import cohort_problems as problems
from app.core.workflows.cohort import Cohort, read_cohort
from app.core.workflows.learning_columns import as_words
from app.core.workflows.measured_table import check_cases, holds_images
from app.core.workflows.roles import read_roles
from app.core.workflows.training_columns import MOST_LISTED, describe_columns
from app.core.workflows.training_table import find_table
from app.core.workflows.training_time import estimate_seconds

if TYPE_CHECKING:
    import pandas as pd

_ROW = re.compile(r"\b[Rr]ows? (\d+)|the first is (\d+)|\(row (\d+)\)")
_FIXES = (
    ("different values", "Choose a column with two values as the label."),
    ("different value", "Choose a column with two values as the label."),
    ("have no '", "Fill these cells, or take the rows out of the table."),
    ("where numbers are expected", "Correct this cell, or give the column the role 'not used'."),
    ("under different patients", "Take one of the rows out, or give both the same patient."),
    ("patient under another name", "Choose another column as the site, or none."),
    ("Ids repeat", "Make the ids unique, or choose another column as the patient."),
    ("patients of each class need", "Add patients of this class; nothing can be validated with so few."),
    ("holds no feature", "Give measured columns the role 'feature', or take a table that names images and outlines."),
    ("does not exist", "Correct the path in this row."),
    ("infinite", "Correct these cells, or give the columns the role 'not used'."),
    ("no column", "Choose the column again."),
)
_ELSE = "Correct the table and read it again."


@dataclass(frozen=True)
class _Chosen:
    """The columns as they were named or guessed; '' where there is none."""

    label: str
    patient: str
    site: str
    clinical: tuple[str, ...]


def preview_training(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Look at a table before anything is learned from it; what is wrong is told, never raised.

    Parameters
    ----------
    request : dict
        A `PreviewTrainingRequest`.

    Returns
    -------
    dict
        `table`, the path that `train` takes; `holds_images`; `columns` (name, kind, distinct, missing, values,
        examples, role_guess); `chosen` (label, patient, site, clinical, positive); `cases`, `patients`, `classes`
        (the label's values and their cases), `sites` (cases of each), `site_classes` (of each site, cases of each
        class), `features` (their number), `missing` (the share of feature cells without a value), `problems`
        (message, fix, stops, row, column, and `confirm`: the column whose confirmation would settle it), `held_out`,
        `cautions`, `advice` (null without sites), `most_folds` and `seconds` (of one repeat of the folds with each
        recipe, null where it cannot be fitted).

    Raises
    ------
    InputError
        The table cannot be read.
    """
    ask = PreviewTrainingRequest.parse(request)
    report(0.0, "Reading the table")
    table = find_table(Path(ask.table), Path(ask.labels) if ask.labels else None)
    frame, roles = read_table(table), read_roles(table)
    images = holds_images(frame) and roles is None
    columns = describe_columns(frame, roles, images=images)
    chosen = _choose(ask, columns)
    classes = _count(frame, chosen.label)
    result: dict[str, Any] = {
        "table": str(table), "holds_images": images, "columns": columns, "cases": len(frame),
        "chosen": {**vars(chosen), "clinical": list(chosen.clinical), "positive": ask.positive},
        "patients": len(set(as_words(frame[chosen.patient])) - {""}) if chosen.patient in frame.columns else 0,
        "classes": classes if len(classes) <= MOST_LISTED else {}, "sites": _count(frame, chosen.site),
        "site_classes": _cross(frame, chosen), "features": 0, "missing": 0.0, "held_out": [], "cautions": [],
        "advice": None, "most_folds": 0, "seconds": {},
    }  # fmt: skip
    report(0.3, "Checking the columns")
    told, cohort = _check(ask, table, frame, chosen, images=images)
    result["problems"] = told
    if cohort is not None:
        report(0.5, "Looking at the sites")
        result |= _describe(cohort)
    elif images:
        result |= {"features": _count_measured(ask.measures, columns), **_split(frame, chosen)}
    if ask.recipes and result["most_folds"] >= problems.FEWEST_FOLDS:
        result["seconds"] = _time(ask, frame, chosen, cohort, result, report)
    report(1.0, "Done")
    return result


def _choose(ask: PreviewTrainingRequest, columns: list[dict[str, Any]]) -> _Chosen:
    guess = {role: [each["name"] for each in columns if each["role_guess"] == role] for role in
             ("label", "patient", "site", "clinical")}  # fmt: skip
    single = {
        role: (named if named is not None else next(iter(guess[role]), ""))
        for role, named in (("label", ask.label), ("patient", ask.patient), ("site", ask.site))
    }
    taken = {*single.values(), *ask.ignore, *ask.confirmed}
    clinical = guess["clinical"] if ask.clinical is None else ask.clinical
    return _Chosen(**single, clinical=tuple(name for name in clinical if name not in taken))


def _count(frame: pd.DataFrame, column: str) -> dict[str, int]:
    words = as_words(frame[column]) if column in frame.columns else []
    return dict(sorted(Counter(word for word in words if word).items(), key=lambda each: (-each[1], each[0])))


def _cross(frame: pd.DataFrame, chosen: _Chosen) -> dict[str, dict[str, int]]:
    if not {chosen.label, chosen.site} <= set(frame.columns) or frame[chosen.label].nunique() > MOST_LISTED:
        return {}
    found: dict[str, Counter[str]] = {}
    for site, label in zip(as_words(frame[chosen.site]), as_words(frame[chosen.label]), strict=True):
        if site and label:
            found.setdefault(site, Counter())[label] += 1
    return {site: dict(found[site]) for site in sorted(found, key=lambda each: (-found[each].total(), each))}


def _check(
    ask: PreviewTrainingRequest, table: Path, frame: pd.DataFrame, chosen: _Chosen, *, images: bool
) -> tuple[list[dict[str, Any]], Cohort | None]:
    """Everything wrong, and what would be learned from where nothing is."""
    unnamed = [
        _problem(f"No column is chosen as the {role}.", f"Choose the column that holds the {what}.")
        for role, what, name in (("label", "diagnosis", chosen.label), ("patient", "patients' ids", chosen.patient))
        if not name
    ]
    if unnamed:
        return unnamed, None
    asked = TrainRequest(
        table=str(table), label=chosen.label, positive=ask.positive, patient=chosen.patient, site=chosen.site or None,
        clinical=list(chosen.clinical), ignore=ask.ignore, confirmed=ask.confirmed,
        recipes=[ask.measures or Recipe(name="preview")], out="",
    )  # fmt: skip
    cohort, issues = None, []
    if images:
        issues = [*_check_labels(asked, frame), *check_cases(str(table))]
    else:
        try:
            cohort = read_cohort(asked, lambda _fraction, _message: None)
        except CohortError as error:
            issues = error.issues or [error.message]
    columns = sorted(map(str, frame.columns), key=len, reverse=True)
    return [_from_issue(issue, columns, chosen.patient) for issue in dict.fromkeys(issues)], cohort


def _check_labels(ask: TrainRequest, frame: pd.DataFrame) -> list[str]:
    """What is known to be wrong before an image is measured."""
    words, patients = as_words(frame[ask.label]), as_words(frame[ask.patient])
    found = problems.empty_cells(frame, (ask.label, ask.patient)) + problems.reused_ids(frame, ask)
    values = problems.label_values(ask.label, words, ask.positive)
    if ask.site:
        found += problems.site_is_patient(patients, as_words(frame[ask.site]), ask.site)
    if values:
        return found + values
    names = sorted(set(words) - {""})
    known = np.array([bool(word and patient) for word, patient in zip(words, patients, strict=True)])
    labels = np.array([int(word == names[1]) for word in words])
    return found + problems.too_few_patients(labels[known], np.array(patients)[known], (names[0], names[1]))


def _problem(
    message: str, fix: str, *, row: int | None = None, column: str = "", confirm: str | None = None
) -> dict[str, Any]:
    return {"message": message, "fix": fix, "stops": True, "row": row, "column": column, "confirm": confirm}


def _from_issue(issue: str, columns: list[str], patient: str) -> dict[str, Any]:
    row = _ROW.search(issue)
    number = next((int(each) for each in row.groups() if each), None) if row else None
    column = next((name for name in columns if f"'{name}'" in issue), "")
    message = re.sub(r"\s*(: correct it, or use --ignore \S+?\.|Make the ids unique, or use --confirm .*)$", ".", issue)
    message = re.sub(r"^1 of its (\d+) rows have", r"1 of its \1 rows has", message)
    message = message.replace("..", ".").replace("The column '", "Column '")
    return _problem(
        message, next((fix for words, fix in _FIXES if words in issue), _ELSE), row=number, column=column,
        confirm=patient if "Ids repeat" in issue else None,
    )  # fmt: skip


def _describe(cohort: Cohort) -> dict[str, Any]:
    advice = None
    if cohort.sites is not None:
        found = advise(cohort.sites.tolist(), cohort.labels, cohort.table[list(cohort.features)])
        advice = {**vars(found), "confounded": found.confounded}
    cautions = [each for each in cohort.cautions if each.code != "held_out"]
    return {
        "features": len(cohort.features),
        "missing": float(np.isnan(cohort.rows).mean()) if cohort.features else 0.0,
        "held_out": [each.as_json() for each in cohort.held_out],
        "cautions": [{"code": each.code, "message": each.message} for each in cautions],
        "advice": advice,
        "most_folds": cohort.most_folds,
    }


def _split(frame: pd.DataFrame, chosen: _Chosen) -> dict[str, Any]:
    """The sites and the folds of a table whose images are not measured yet."""
    words = as_words(frame[chosen.label]) if chosen.label in frame.columns else []
    if len(set(words) - {""}) != 2 or chosen.patient not in frame.columns:
        return {}
    labels = np.array([int(word == max(words)) for word in words])
    advice = None
    if chosen.site:
        found = advise(as_words(frame[chosen.site]), labels)
        advice = {**vars(found), "confounded": found.confounded}
    return {"advice": advice, "most_folds": problems.most_folds(labels, np.array(as_words(frame[chosen.patient])))}


def _count_measured(recipe: Recipe | None, columns: list[dict[str, Any]]) -> int:
    sequences = sum(each["name"].lower() == "image" or each["name"].lower().startswith("image_") for each in columns)
    if recipe is None or recipe.features is None:
        return 0
    if recipe.features.names is not None:
        return len(recipe.features.names)
    try:
        return len(SIZE_NAMES) + int(sequences) * len(feature_names(recipe.features))
    except RecipeError:
        return 0


def _time(
    ask: PreviewTrainingRequest, frame: pd.DataFrame, chosen: _Chosen, cohort: Cohort | None, known: dict[str, Any],
    report: Report,
) -> dict[str, float | None]:  # fmt: skip
    """Time each recipe; where the features are not measured yet, on as many random numbers."""
    if cohort is not None:
        rows, labels = cohort.rows, cohort.labels
    else:
        words = as_words(frame[chosen.label])
        labels = np.array([int(word == max(words)) for word in words])
        rows = np.random.default_rng(0).normal(size=(len(labels), max(1, known["features"])))
    folds, found = min(ask.folds, known["most_folds"]), dict[str, float | None]()
    for number, (name, seconds) in enumerate(estimate_seconds(ask.recipes, rows, labels, folds, ask.jobs), start=1):
        found[name] = seconds
        report(0.6 + 0.4 * number / len(ask.recipes), f"Timed {number} of {len(ask.recipes)} models")
    return found
