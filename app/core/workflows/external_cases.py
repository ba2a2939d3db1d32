"""The cases that a saved model is tested on: its features, labels in its classes, and what is wrong with the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.bundle import Bundle, Context
from app.core.data import Caution
from app.core.errors import CohortError
from app.core.io.table import read_table
from app.core.jobs import Report
from app.core.requests import EvaluateRequest
from app.core.workflows.class_names import value_of
from app.core.workflows.cohort_problems import empty_cells, infinite_values, name_others, words_among_numbers
from app.core.workflows.learning_columns import (
    Size,
    as_words,
    cells_of,
    describe_context,
    find_sizes,
    list_columns,
)
from app.core.workflows.measured_table import check_cases, holds_images, measure_table
from app.core.workflows.roles import read_roles

if TYPE_CHECKING:
    import pandas as pd

PREFERRED = ("t1_fs_gd", "t1_gd", "t1_fs", "t1")
"""What a model of one sequence means; the shipped ones were made of fat-suppressed, contrast-enhanced T1."""
OWN_NAMES = {"volume": "volume_ml", "longest_diameter": "longest_diameter_mm"}


@dataclass(frozen=True, eq=False)
class ExternalCases:
    """Cases that a model was not fitted to.

    Parameters
    ----------
    values : array of float64, shape (cases, features)
        In the order of the model's features, NaN where missing.
    others : mapping of str to array, shape (cases,)
        Further columns of numbers, for a comparator.
    labels : array of int, shape (cases,)
        1 for the model's second class.
    patients : array of str, shape (cases,)
    sites : array of str, shape (cases,), or None
        Empty where missing.
    rows : array of int, shape (cases,)
        As a spreadsheet numbers them.
    sizes : tuple of Size
    context : tuple of mapping
        What the model's harmonisation asks of each case.
    failed : tuple of dict
        `case` and `message` of those that could not be measured.
    cautions : tuple of Caution
    log_odds, distances : array, shape (cases,), or None
        Of a model of networks, which has looked at the pictures already: see `external_pictures.Asked`.
    """

    values: NDArray[np.float64]
    others: Mapping[str, NDArray[np.float64]]
    labels: NDArray[np.int_]
    patients: NDArray[Any]
    sites: NDArray[Any] | None
    rows: NDArray[np.int_]
    sizes: tuple[Size, ...]
    context: tuple[Context, ...]
    failed: tuple[dict[str, str], ...] = ()
    cautions: tuple[Caution, ...] = ()
    log_odds: NDArray[np.float64] | None = None
    distances: NDArray[np.float64] | None = None

    def keep(self, chosen: NDArray[np.bool_]) -> ExternalCases:
        """Some of the cases."""
        return ExternalCases(
            self.values[chosen],
            {name: column[chosen] for name, column in self.others.items()},
            self.labels[chosen],
            self.patients[chosen],
            None if self.sites is None else self.sites[chosen],
            self.rows[chosen],
            tuple(Size(size.kind, size.column, size.values[chosen]) for size in self.sizes),
            tuple(each for each, wanted in zip(self.context, chosen, strict=True) if wanted),
            self.failed,
            self.cautions,
            None if self.log_odds is None else self.log_odds[chosen],
            None if self.distances is None else self.distances[chosen],
        )


def read_external(ask: EvaluateRequest, bundle: Bundle, report: Report) -> ExternalCases:
    """Read, and where the table gives images measure, the cases of a test.

    Raises
    ------
    CohortError
        Names every column or row that cannot be used.
    """
    columns = _columns(ask, bundle)
    frame = read_table(Path(ask.table), text=tuple(name for name in (columns["patient"], columns["site"]) if name))
    issues = [
        f"The table has no column '{name}', which {why}."
        for name, why in ((columns["label"], "holds the truth"), (columns["patient"], "names the patients"),
                          (ask.site, "names the sites"))
        if name and name not in frame.columns
    ]
    issues += empty_cells(frame, [name for name in (columns["label"], columns["patient"]) if name in frame.columns])
    if columns["label"] in frame.columns:
        issues += _label_problems(ask, bundle, columns["label"], frame)
    if bundle.takes_pictures:
        return _ask_networks(ask, bundle, columns, frame, issues, report)
    failed: tuple[dict[str, str], ...] = ()
    if holds_images(frame) and read_roles(ask.table) is None:
        _refuse(ask, [*issues, *check_cases(ask.table)])
        recipe = bundle.specification.recipe.model_copy(update={"features": bundle.measures})
        measured = measure_table(ask.table, frame, recipe, report, ask.jobs, _sequences(bundle, frame))
        frame, failed = measured.frame, measured.failed
    sizes = find_sizes(frame)
    wanted = bundle.specification.features
    frame = _with_sizes(frame, sizes, wanted)
    lacking = [name for name in wanted if name not in frame.columns]
    if lacking:
        issues.append(f"It lacks {len(lacking)} of the model's {len(wanted)} features: {list_columns(lacking)}.")
    held = {"feature": [name for name in wanted if name in frame.columns]}
    issues += words_among_numbers(frame, (), held, (), "correct it")
    numbers = [name for name in held["feature"] if frame[name].dtype.kind in "fiu"]
    issues += infinite_values(frame, numbers)
    words = [name for name in held["feature"] if name not in numbers and frame[name].notna().any()]
    if words and not any("where numbers are expected" in issue for issue in issues):
        issues.append(f"Features of the model hold words: {list_columns(words)}.")
    _refuse(ask, issues)
    return _build(ask, bundle, columns, frame, sizes, failed)


def _ask_networks(
    ask: EvaluateRequest,
    bundle: Bundle,
    columns: dict[str, str],
    frame: pd.DataFrame,
    issues: list[str],
    report: Report,
) -> ExternalCases:
    """The cases of a table of images, with what the model's networks say of each."""
    from app.core.workflows.external_pictures import NO_IMAGES, ask_cases

    _refuse(ask, [*issues, *(check_cases(ask.table) if holds_images(frame) else [NO_IMAGES])])
    asked = ask_cases(ask.table, frame, bundle, report, ask.jobs)
    cases = _build(ask, bundle, columns, asked.frame, find_sizes(asked.frame), asked.failed)
    return replace(cases, log_odds=asked.log_odds, distances=asked.distances)


def _columns(ask: EvaluateRequest, bundle: Bundle) -> dict[str, str]:
    """The columns asked for, else those of the training, else by their usual names."""
    trained = bundle.evaluation().get("columns") or {}
    return {
        "label": ask.label or trained.get("label") or "label",
        "patient": ask.patient or trained.get("patient") or "patient",
        "site": ask.site or trained.get("site") or "site",
    }


def _label_problems(ask: EvaluateRequest, bundle: Bundle, column: str, frame: pd.DataFrame) -> list[str]:
    found = sorted({word for word in as_words(frame[column]) if word})
    classes = bundle.specification.classes
    joined, known = classes[0] == name_others(classes[1]), [value_of(name) for name in classes]
    if ask.positive is None and joined and known[1] in found:
        return []
    if ask.positive is None:
        foreign = [word for word in found if word not in known]
        if foreign:
            told = f"The label '{column}' has the value '{foreign[0]}'; the model knows {classes[0]} and {classes[1]}."
            return [f"{told} Name the value that means {classes[1]} with --positive."]
        return []
    if ask.positive not in found:
        return [f"The positive class '{ask.positive}' does not occur in '{column}'. Found: {list_columns(found)}."]
    if len(found) > 2 and not joined:
        told = f"The column '{column}' has {len(found)} different values, the model has two."
        return [f"{told} Found: {list_columns(found)}."]
    return []


def _refuse(ask: EvaluateRequest, issues: list[str]) -> None:
    if issues:
        raise CohortError(
            f"{Path(ask.table).name} cannot be used to test this model.", list(dict.fromkeys(issues)),
            "Name columns with --label, --patient and --site, or correct the table.",
        )


def _sequences(bundle: Bundle, frame: pd.DataFrame) -> tuple[str, ...]:
    """Which sequence to keep of several: all of them where the model's features begin with sequences' names."""
    columns = [str(name).lower() for name in frame.columns]
    given = [f"{name.removeprefix('image_')}_" for name in columns if name.startswith("image_")]
    several = any(feature.startswith(tuple(given)) for feature in bundle.specification.features)
    return () if several else PREFERRED


def _with_sizes(frame: pd.DataFrame, sizes: tuple[Size, ...], wanted: tuple[str, ...]) -> pd.DataFrame:
    """Give a foreign table's sizes the names that the model knows them by, where they have their unit."""
    named = {OWN_NAMES[size.kind]: size.values for size in sizes if size.is_absolute}
    new = {name: values for name, values in named.items() if name in wanted and name not in frame.columns}
    return frame.assign(**new) if new else frame


def _build(
    ask: EvaluateRequest,
    bundle: Bundle,
    columns: dict[str, str],
    frame: pd.DataFrame,
    sizes: tuple[Size, ...],
    failed: tuple[dict[str, str], ...],
) -> ExternalCases:
    specification = bundle.specification
    words = as_words(frame[columns["label"]])
    positive = ask.positive or value_of(specification.classes[1])
    others = {
        str(name): frame[name].to_numpy(dtype=float, na_value=np.nan)
        for name in frame.columns
        if frame[name].dtype.kind in "fiu"
    }
    others |= {OWN_NAMES[size.kind]: size.values for size in sizes if size.is_absolute}
    return ExternalCases(
        values=frame[[] if bundle.takes_pictures else list(specification.features)].to_numpy(
            dtype=float, na_value=np.nan
        ),
        others=others,
        labels=np.array([int(word == positive) for word in words]),
        patients=np.array(as_words(frame[columns["patient"]])),
        sites=np.array(as_words(frame[columns["site"]])) if columns["site"] in frame.columns else None,
        rows=np.arange(len(frame)) + 2,
        sizes=sizes,
        context=_describe(bundle, columns["site"], frame),
        failed=failed,
        cautions=(Caution("demonstration", "Demonstration, synthetic data: this model has never seen a patient."),)
        if specification.demonstration
        else (),
    )


def _describe(bundle: Bundle, site: str, frame: pd.DataFrame) -> tuple[Context, ...]:
    """What harmonisation asks of each case; a column that the table lacks is unknown for every one."""
    wanted = bundle.context
    if not wanted:
        return ({},) * len(frame)
    known = describe_context(frame, site if site in frame.columns else None)
    known = {name: cells_of(frame[name]) for name in wanted if name in frame.columns} | known
    return tuple({name: known[name][row] for name in wanted if name in known} for row in range(len(frame)))
