"""A table of features as it is explored: which columns are features, whose rows they are, and what was left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Caution
from app.core.errors import CohortError
from app.core.evaluate.variation import varies
from app.core.io.table import read_table
from app.core.radiomics.catalogue import describe
from app.core.requests import ExploreRequest
from app.core.workflows.learning_columns import METADATA, VOLUMES
from app.core.workflows.roles import read_roles

if TYPE_CHECKING:
    import pandas as pd

_FEWEST = 3
_USUAL = {
    "patient": ("patient", "case"),
    "label": ("label",),
    "site": ("site", "institution"),
    "vendor": ("vendor", "manufacturer"),
}


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """A table of features with what is known about each case.

    Parameters
    ----------
    names : tuple of str
        The features' columns.
    rows : array of float64, shape (cases, features)
        NaN where missing.
    patients, labels, sites, vendors : tuple of str
        Of each case; an empty text where missing, and no entries at all where there is no such column but for patients.
    label : str
        The label's column; empty when there is none.
    positive : str
        Its value that counts as 1; empty where the label does not divide the cases in two.
    volume : array of float64 or None
        The tumour's volume, of which the unit does not matter; NaN where missing.
    volume_name : str
        Its column.
    cautions : tuple of Caution
        What the reader of any result must know.
    """

    names: tuple[str, ...]
    rows: NDArray[np.float64]
    patients: tuple[str, ...]
    labels: tuple[str, ...]
    sites: tuple[str, ...]
    vendors: tuple[str, ...]
    label: str
    positive: str
    volume: NDArray[np.float64] | None
    volume_name: str
    cautions: tuple[Caution, ...]

    @property
    def outcome(self) -> NDArray[np.float64]:
        """1 for the positive class, 0 for any other, NaN where the label is missing, shape (cases,)."""
        return np.array([float(each == self.positive) if each else np.nan for each in self.labels])

    @property
    def counts(self) -> tuple[int, int]:
        """Cases of the other class and of the positive one."""
        return int((self.outcome == 0).sum()), int((self.outcome == 1).sum())

    def name_class(self, value: str) -> str:
        """A label's value as a reader understands it: a bare number gets its column's name."""
        return f"{self.label} = {value}" if value.replace(".", "").isdigit() else value


def read_features(ask: ExploreRequest) -> FeatureTable:
    """Read a table of features.

    Parameters
    ----------
    ask : ExploreRequest
        Columns that it does not name are taken from `NAME.roles.json` beside the table, which `extract` writes, else by
        their usual names. Without roles, columns of numbers are features unless their names say otherwise.

    Returns
    -------
    FeatureTable

    Raises
    ------
    CohortError
        A column named does not exist, the positive class does not occur, or there are fewer than three rows or no
        feature.
    InputError
        The roles cannot be read.
    """
    path = Path(ask.features)
    frame = read_table(path)
    roles = read_roles(path) or {}
    columns = {
        role: getattr(ask, role) or _find_column(frame, roles.get(role), usual) for role, usual in _USUAL.items()
    }
    missing = [f"The table has no column '{name}'." for name in columns.values() if name and name not in frame.columns]
    if missing:
        raise CohortError(f"{path.name} cannot be explored.", missing, _list_columns(frame))
    if len(frame) < _FEWEST:
        told = f"{path.name} has {_count(len(frame), 'row')}; {_FEWEST} are needed to explore."
        raise CohortError(told, [], "Add cases.")
    names, cautions = _choose_features(frame, roles, {name for name in columns.values() if name})
    if not names:
        raise CohortError(f"{path.name} has no column of numbers that is a feature.", [], _list_columns(frame))
    rows = frame[list(names)].to_numpy(dtype=float)
    size = next(
        (
            name
            for end in VOLUMES
            for name in map(str, frame.columns)
            if name.endswith(end) and frame[name].dtype.kind in "fiu"
        ),
        "",
    )
    labels = _texts(frame, columns["label"])
    positive, said = _choose_positive(ask, columns["label"], labels)
    patients = _texts(frame, columns["patient"]) or tuple(f"row {number + 2}" for number in range(len(frame)))
    return FeatureTable(
        names,
        np.where(np.isfinite(rows), rows, np.nan),
        patients,
        labels,
        _texts(frame, columns["site"]),
        _texts(frame, columns["vendor"]),
        columns["label"],
        positive,
        frame[size].to_numpy(dtype=float) if size else None,
        size,
        (*cautions, *said, *_describe_gaps(names, rows), *_describe_rows(patients, labels, columns["label"], size)),
    )


def _find_column(frame: pd.DataFrame, role: Any, usual: Sequence[str]) -> str:
    if isinstance(role, str) and role in frame.columns:
        return role
    lower = {str(name).lower(): str(name) for name in frame.columns}
    known = [name for name in usual if name in lower] or [name for name in lower if name.endswith("_manufacturer")]
    return lower[known[0]] if known and (known[0] in usual or "manufacturer" in usual) else ""


def _choose_features(
    frame: pd.DataFrame, roles: dict[str, Any], taken: set[str]
) -> tuple[tuple[str, ...], list[Caution]]:
    listed = set(roles.get("feature", []))
    columns = [str(name) for name in frame.columns if name not in taken]
    columns = [name for name in columns if (name in listed if roles else name.lower() not in METADATA)]
    names = tuple(name for name in columns if frame[name].dtype.kind in "fiu")
    cautions = []
    spoilt = [told for name in columns if name not in names and (told := _describe_words(frame, name))]
    if spoilt:
        told = f"Columns with words among their numbers are left out: {_list(spoilt)}."
        cautions.append(Caution("not_numbers", told))
    foreign = [name for name in names if describe(name).title == name]
    if not roles and foreign and len(foreign) < len(names):
        told = (
            f"No roles are stored beside the table: {_list(foreign)} are taken as features because they hold numbers."
        )
        cautions.append(Caution("roles_guessed", told))
    return names, cautions


def _describe_words(frame: pd.DataFrame, name: str) -> str:
    """Name the first word in a column of numbers; empty for a column of words."""
    cells = [
        (row, str(cell).strip()) for row, cell in enumerate(frame[name], start=2) if cell == cell and cell is not None
    ]
    words = [(row, cell) for row, cell in cells if not _is_number(cell)]
    return f"{name} ('{words[0][1]}' in row {words[0][0]})" if 0 < len(words) < len(cells) / 2 else ""


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell.replace(",", ".")))
    except ValueError:
        return False


def _choose_positive(ask: ExploreRequest, label: str, labels: tuple[str, ...]) -> tuple[str, list[Caution]]:
    classes = sorted({each for each in labels if each})
    if not label:
        return "", [Caution("no_label", "No label was named, so the features are compared with none.")]
    positive = _as_text(ask.positive)
    if positive and positive not in classes:
        raise CohortError(f"The class '{ask.positive}' does not occur in '{label}'.", [f"Found: {_list(classes)}."])
    if len(classes) < 2:
        told = (
            f"The column '{label}' holds {_count(len(classes), 'value')}; two are needed to compare features with it."
        )
        return "", [Caution("one_class", told)]
    if len(classes) == 2:
        return positive or classes[1], []
    if not positive:
        told = (
            f"The column '{label}' holds {len(classes)} different values ({_list(classes)}): name the positive one "
            "to compare features with it."
        )
        return "", [Caution("several_classes", told)]
    told = f"'{positive}' is compared with the {len(classes) - 1} other values of '{label}' together."
    return positive, [Caution("one_against_rest", told)]


def _describe_gaps(names: Sequence[str], rows: NDArray[np.float64]) -> list[Caution]:
    cautions = []
    infinite = [name for name, column in zip(names, rows.T, strict=True) if np.isinf(column).any()]
    if infinite:
        cautions.append(Caution("infinite_values", f"Infinite values count as missing: {_list(infinite)}."))
    changing = varies(rows)
    fixed = [name for name, varying in zip(names, changing, strict=True) if not varying]
    if fixed:
        told = f"{_count(len(fixed), 'feature')} of {len(names)} without variation, thus correlation: {_list(fixed)}."
        cautions.append(Caution("constant_features", told))
    gaps = int((~np.isfinite(rows[:, changing])).any(axis=0).sum())
    if gaps:
        told = (
            f"{_count(gaps, 'feature')} of {len(names)} without a value in some cases: each figure rests on the cases "
            "that have the values it needs; maps fill gaps with the median."
        )
        cautions.append(Caution("missing_values", told))
    return cautions


def _describe_rows(patients: Sequence[str], labels: Sequence[str], label: str, size: str) -> list[Caution]:
    cautions = []
    repeated = len(patients) - len(set(patients))
    if repeated:
        told = (
            f"{_count(repeated, 'row')} of {len(patients)} belong to a patient who has another row. Intervals and "
            "p values take every row for a patient of its own, and are too narrow and too small."
        )
        cautions.append(Caution("repeated_patients", told))
    unlabelled = sum(not each for each in labels)
    if label and unlabelled:
        told = (
            f"{_count(unlabelled, 'case')} of {len(labels)} without '{label}', left out where features are "
            "compared with it."
        )
        cautions.append(Caution("missing_labels", told))
    if not size:
        told = (
            "The table has no column of the tumour's volume (volume_ml), so it cannot be said which features follow it."
        )
        cautions.append(Caution("no_volume", told))
    return cautions


def _texts(frame: pd.DataFrame, column: str) -> tuple[str, ...]:
    return tuple(_as_text(value) for value in frame[column]) if column else ()


def _as_text(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _list(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _list_columns(frame: pd.DataFrame) -> str:
    return f"Its columns are {_list([str(name) for name in frame.columns], 12)}."
