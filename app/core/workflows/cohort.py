"""From a table to what a model learns from: rows, labels and groups, with everything wrong collected."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.errors import CohortError
from app.core.io.table import read_cases, read_table
from app.core.jobs import Report
from app.core.requests import TrainRequest
from app.core.workflows.finished import default_cache
from app.core.workflows.measuring import column_names, measure_cases
from app.core.workflows.roles import ACQUISITION_PREFIX, read_roles

if TYPE_CHECKING:
    import pandas as pd

# Columns that describe a case or its acquisition; they never become features by themselves.
METADATA = frozenset(
    {
        "patient",
        "image",
        "mask",
        "label",
        "site",
        "vendor",
        "manufacturer",
        "model",
        "field_strength",
        "split",
        "grade",
        "age",
        "sex",
        "location",
        "mask_ml",
        "histology",
    }
)
VOLUMES = ("volume_ml", "original_shape_VoxelVolume", "original_shape_MeshVolume")


@dataclass(frozen=True, eq=False)
class Cohort:
    """What is learned from: `rows` (cases, features), `labels` 0 or 1, `patients`, `sites` (empty when not given).

    `size` is the column that holds the tumour's volume, with its values, whether or not it is a feature.
    """

    names: tuple[str, ...]
    rows: NDArray[np.float64]
    labels: NDArray[np.int_]
    patients: NDArray[Any]
    sites: tuple[str, ...]
    classes: tuple[str, str]
    failed: tuple[dict[str, str], ...]
    size: tuple[str, NDArray[np.float64]] | None


def read_cohort(ask: TrainRequest, report: Report) -> Cohort:
    """Rows, labels and groups from the table; every problem is collected.

    Raises
    ------
    CohortError
        Names each column or row that cannot be used.
    """
    table = read_table(Path(ask.table))
    problems = [
        f"The table has no column '{column}'."
        for column in (ask.label, ask.patient, *([ask.site] if ask.site else []), *ask.ignore)
        if column not in table.columns
    ]
    if problems:
        raise CohortError(
            f"{Path(ask.table).name} cannot be learned from.",
            problems,
            f"Its columns are {', '.join(map(str, table.columns))}.",
        )
    empty = [
        f"{int(table[column].isna().sum())} of its {len(table)} rows have no '{column}', the first is {where[0] + 2}."
        for column in (ask.label, ask.patient)
        if len(where := np.flatnonzero(table[column].isna()))
    ]
    if empty:
        raise CohortError(f"{Path(ask.table).name} cannot be learned from.", empty, "Fill in or remove these rows.")
    labels = table[ask.label].astype(str)
    classes = sorted(labels.unique())
    if len(classes) != 2:
        raise CohortError(
            f"The column '{ask.label}' has {len(classes)} different values, a model needs two.",
            [f"Found: {', '.join(classes[:6])}."],
            "Name another column.",
        )
    positive = ask.positive or classes[1]
    if positive not in classes:
        raise CohortError(
            f"The positive class '{positive}' does not occur in '{ask.label}'.", [f"Found: {', '.join(classes)}."]
        )
    failed: list[dict[str, str]] = []
    if {"image", "mask"} <= set(table.columns) or any(str(name).startswith("image_") for name in table.columns):
        measured, failed = extract_cohort(ask, report)
        keep = [index for index, row in enumerate(measured) if row is not None]
        found = [row for row in measured if row is not None]
        names = tuple(dict.fromkeys(name for row in found for name in row))
        rows = np.array([[row.get(name, np.nan) for name in names] for row in found], dtype=float)
        table = table.iloc[keep]
    else:
        taken = {ask.label, ask.patient, ask.site, *ask.ignore}
        roles = read_roles(ask.table)
        names = tuple(
            str(name)
            for name in table.columns
            if name not in taken and _may_be_feature(str(name), roles) and table[name].dtype.kind in "fiu"
        )
        others = [str(name) for name in table.columns if name not in {*taken, *names}]
        _check_numbers(ask, table, [name for name in others if _may_be_feature(name, roles)])
        rows = table[list(names)].to_numpy(dtype=float)
    size = next(((name, rows[:, names.index(name)]) for end in VOLUMES for name in names if name.endswith(end)), None)
    names, rows = _usable(ask, names, rows)
    return Cohort(
        names,
        rows,
        (table[ask.label].astype(str) == positive).to_numpy().astype(int),
        table[ask.patient].astype(str).to_numpy(),
        tuple(sorted(set(table[ask.site].astype(str)))) if ask.site else (),
        (next(name for name in classes if name != positive), positive),
        tuple(failed),
        size,
    )


def _may_be_feature(name: str, roles: dict[str, Any] | None) -> bool:
    """Whether a column may be learned from: where its role is known, that alone decides."""
    if roles is not None:
        return name in roles["feature"]
    return name.lower() not in METADATA and not name.startswith(ACQUISITION_PREFIX)


def _check_numbers(ask: TrainRequest, table: pd.DataFrame, columns: list[str]) -> None:
    """Refuse a column of numbers that a few other words turned into text: it would be left out without a word."""
    issues = []
    for name in columns:
        cells = [str(cell).strip() for cell in table[name].dropna()]
        words = [cell for cell in cells if not _is_finite(cell)]
        if 0 < len(words) < len(cells) / 2:
            row = next(index for index, cell in enumerate(table[name]) if str(cell).strip() == words[0]) + 2
            issues.append(f"The column '{name}' holds '{words[0]}' (row {row}) where numbers are expected.")
    if issues:
        raise CohortError(
            f"{Path(ask.table).name} cannot be learned from.", issues, "Correct the cells, or use --ignore COLUMN."
        )


def _is_finite(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell.replace(",", "."))))
    except ValueError:
        return False


def _usable(
    ask: TrainRequest, names: tuple[str, ...], rows: NDArray[np.float64]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    wanted = ask.recipe.features.names if ask.recipe.features else None
    keep = [index for index, name in enumerate(names) if wanted is None or name in wanted]
    if wanted:
        missing = sorted(set(wanted) - set(names))
        if missing:
            raise CohortError(
                f"The recipe '{ask.recipe.name}' wants features that the table lacks.", [", ".join(missing[:6])]
            )
    if not keep or not len(rows):
        raise CohortError(
            f"{Path(ask.table).name} holds nothing to learn from.", [], "Give feature columns, or image and mask paths."
        )
    keep = [index for index in keep if not np.isnan(rows[:, index]).all()]
    infinite = [names[index] for index in keep if np.isinf(rows[:, index]).any()]
    if infinite:
        raise CohortError(
            "Some features are infinite.", [", ".join(infinite[:6])], "Correct or leave out these columns."
        )
    return tuple(names[index] for index in keep), rows[:, keep]


def extract_cohort(ask: TrainRequest, report: Report) -> tuple[list[dict[str, float] | None], list[dict[str, str]]]:
    """Features of every row of a cohort of images; None and a reason where a case fails."""
    cases = read_cases(Path(ask.table), strict=True).cases
    answers = measure_cases(cases, ask.recipe, report, jobs=ask.jobs, cache=default_cache())
    failed = [
        {"case": files.id, "message": str(answer["error"])}
        for files, answer in zip(cases, answers, strict=True)
        if "error" in answer
    ]
    several = len({sequence for files in cases for sequence in files.images}) > 1
    rows: list[dict[str, float] | None] = []
    for files, answer in zip(cases, answers, strict=True):
        if "error" in answer:
            rows.append(None)
        else:
            names = column_names(answer["names"], files, several)
            rows.append(dict(zip(names, answer["values"].tolist(), strict=True)))
    return rows, failed
