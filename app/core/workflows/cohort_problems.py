"""What can be wrong with a table that is to be learned from: each check gives sentences, and none stops another."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Caution
from app.core.evaluate.variation import varies
from app.core.requests import TrainRequest
from app.core.workflows.learning_columns import as_words, list_columns, may_be_feature

if TYPE_CHECKING:
    import pandas as pd

PATIENTS_PER_FOLD = 2
FEWEST_FOLDS = 2
LARGEST = float(np.finfo(np.float32).max) / 10
_TELLING = 2
_MOSTLY = 0.5
_SAME_PERSON = ("sex", "gender")


def missing_columns(frame: pd.DataFrame, wanted: Sequence[str]) -> list[str]:
    """Columns that were asked for by name and do not exist."""
    issues = []
    columns = {str(name).lower(): str(name) for name in frame.columns}
    for name in dict.fromkeys(wanted):
        if name not in frame.columns:
            close = difflib.get_close_matches(name.lower(), columns, n=1, cutoff=0.7)
            hint = f"; did you mean '{columns[close[0]]}'?" if close else "."
            issues.append(f"The table has no column '{name}'{hint}")
    return issues


def roles_of_one_column(ask: TrainRequest, roles: Mapping[str, Any] | None) -> list[str]:
    """Columns with two parts that exclude each other, the label among the features first of all."""
    issues = []
    wanted = ask.recipe.features.names if ask.recipe.features else None
    listed = {"its roles file": (roles or {}).get("feature", ()), f"the recipe '{ask.recipe.name}'": wanted or (),
              "--confirm": ask.confirmed}
    for where, names in listed.items():
        if ask.label in names:
            issues.append(f"The label '{ask.label}' is also a feature, by {where}.")
    parts = {"label": [ask.label], "patient": [ask.patient], "site": [ask.site] if ask.site else [],
             "clinical": ask.clinical, "ignore": ask.ignore}
    for name in dict.fromkeys(name for names in parts.values() for name in names):
        own = [part for part, names in parts.items() if name in names]
        if len(own) > 1:
            issues.append(f"The column '{name}' is given as --{' and as --'.join(own)}.")
    return issues


def empty_cells(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Rows without a label or without a patient."""
    issues = []
    for name in columns:
        where = [row for row, word in enumerate(as_words(frame[name])) if not word] if name in frame.columns else []
        if where:
            issues.append(f"{len(where)} of its {len(frame)} rows have no '{name}', the first is {where[0] + 2}.")
    return issues


def label_values(column: str, words: Sequence[str], positive: str | None) -> list[str]:
    """A label that does not divide the cases in two: with a positive value named, all others stand against it."""
    counts = Counter(word for word in words if word)
    found = sorted(counts)
    told = list_columns([f"{value} ({counts[value]})" for value in found])
    if len(found) < 2:
        values = "different value" if len(found) == 1 else "different values"
        return [f"The column '{column}' has {len(found)} {values}, a model needs two. Found: {told or 'nothing'}."]
    if positive is not None and positive not in counts:
        return [f"The positive class '{positive}' does not occur in '{column}'. Found: {told}."]
    if len(found) > 2 and positive is None:
        several = f"The column '{column}' has {len(found)} different values, a model needs two:"
        return [f"{several} name the positive one with --positive, the others then stand against it. Found: {told}."]
    return []


def name_others(positive: str) -> str:
    """Name the class that all values of a label but one make together."""
    return f"not {positive}"


def joined_values(column: str, words: Sequence[str], classes: tuple[str, str]) -> tuple[Caution, ...]:
    """Say which values of the label were made one class."""
    counts = Counter(word for word in words if word and word != classes[1])
    if len(counts) < 2:
        return ()
    told = list_columns([f"{value} ({count})" for value, count in sorted(counts.items())])
    return (
        Caution("classes_joined", f"'{classes[1]}' of '{column}' is told from all other values together, as "
                f"'{classes[0]}': {told}."),
    )


def both_classes(patients: Sequence[str], labels: NDArray[np.int_]) -> tuple[Caution, ...]:
    """Say how many patients have cases of either class: possible, and more often a mistake in the ids."""
    classes: dict[str, set[int]] = {}
    for patient, label in zip(patients, labels.tolist(), strict=True):
        classes.setdefault(patient, set()).add(label)
    count = sum(len(each) > 1 for each in classes.values())
    told = f"{count} patient{'s have' if count > 1 else ' has'} cases of both classes: if that is a mistake, correct"
    return (Caution("both_classes", f"{told} the ids or the label."),) if count else ()


def most_folds(labels: NDArray[np.int_], patients: NDArray[Any]) -> int:
    """The largest number of folds in which every fold can hold two patients of either class."""
    return min(len(set(patients[labels == label].tolist())) for label in (0, 1)) // PATIENTS_PER_FOLD


def too_few_patients(labels: NDArray[np.int_], patients: NDArray[Any], classes: tuple[str, str]) -> list[str]:
    """Classes with fewer patients than the smallest cross-validation needs."""
    fewest = PATIENTS_PER_FOLD * FEWEST_FOLDS
    counts = [len(set(patients[labels == label].tolist())) for label in (0, 1)]
    return [
        f"The class '{name}' has {count} patient{'s' * (count != 1)}; {FEWEST_FOLDS} folds of {PATIENTS_PER_FOLD} "
        f"patients of each class need {fewest}."
        for name, count in zip(classes, counts, strict=True)
        if count < fewest
    ]


def site_is_patient(patients: Sequence[str], sites: Sequence[str], column: str) -> list[str]:
    """A site column that numbers the patients: nothing can be learned of a site that has one."""
    pairs = {(patient, site) for patient, site in zip(patients, sites, strict=True) if site}
    many = len({patient for patient, _ in pairs}), len({site for _, site in pairs})
    if len(pairs) > 1 and many == (len(pairs), len(pairs)):
        told = f"The site column '{column}' is the patient under another name:"
        return [f"{told} each of its {len(pairs)} values has one patient."]
    return []


def reused_ids(frame: pd.DataFrame, ask: TrainRequest) -> list[str]:
    """Ids that stand for several persons: one id at two sites, or of both sexes."""
    if ask.patient in ask.confirmed:
        return []
    patients = np.array(as_words(frame[ask.patient]))
    issues = []
    if ask.site and ask.site != ask.patient and ask.site in frame.columns:
        issues += _differing(patients, as_words(frame[ask.site]), ask.site)
    for name in map(str, frame.columns):
        if name.lower() in _SAME_PERSON and name not in (ask.label, ask.site):
            issues += _differing(patients, as_words(frame[name]), name)
    return [f"{issue} Make the ids unique, or use --confirm {ask.patient} if they are." for issue in issues]


def _differing(patients: NDArray[Any], words: Sequence[str], column: str) -> list[str]:
    first: dict[str, tuple[str, int]] = {}
    for row, (patient, word) in enumerate(zip(patients.tolist(), words, strict=True), start=2):
        if not patient or not word:
            continue
        known, where = first.setdefault(patient, (word, row))
        if known != word:
            return [f"Ids repeat across patients: rows {where} and {row} have the same id, and different '{column}'."]
    return []


def repeated_rows(frame: pd.DataFrame, features: Sequence[str], patients: Sequence[str]) -> list[str]:
    """Cases that stand in the table twice under different patients: one would be trained on, the other tested."""
    rows = frame[list(features)].to_numpy(dtype=float, na_value=np.nan)
    telling = [column for column in rows.T if len(np.unique(column[np.isfinite(column)])) > _MOSTLY * len(rows)]
    if len(telling) < _TELLING:
        return []
    first: dict[bytes, int] = {}
    twins = []
    for index, row in enumerate(np.ascontiguousarray(rows)):
        known = first.setdefault(row.tobytes(), index)
        if patients[known] != patients[index] and np.isfinite(row).any():
            twins.append((known + 2, index + 2))
    if not twins:
        return []
    more = f" ({len(twins)} such rows)" if len(twins) > 1 else ""
    return [f"Rows {twins[0][0]} and {twins[0][1]} hold the same values under different patients{more}."]


def words_among_numbers(
    frame: pd.DataFrame,
    taken: Sequence[str],
    roles: Mapping[str, Any] | None,
    confirmed: Sequence[str],
    remedy: str = "correct it, or use --ignore {}",
) -> list[str]:
    """Columns of numbers that a few other words turned into text: they would be left out without a word."""
    issues = []
    for name in map(str, frame.columns):
        if name in taken or not (name in confirmed or may_be_feature(name, roles)):
            continue
        if frame[name].dtype.kind in "fiu":
            continue
        cells = [str(cell).strip() for cell in frame[name].dropna()]
        words = [cell for cell in cells if not _is_finite(cell)]
        if 0 < len(words) < len(cells) / 2:
            row = next(index for index, cell in enumerate(frame[name]) if str(cell).strip() == words[0]) + 2
            issues.append(
                f"The column '{name}' holds '{words[0]}' (row {row}) where numbers are expected: {remedy.format(name)}."
            )
    return issues


def _is_finite(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell.replace(",", "."))))
    except ValueError:
        return False


def infinite_values(frame: pd.DataFrame, features: Sequence[str]) -> list[str]:
    """Features with a value that is no number, or that trees, which count in single precision, would take for none."""
    largest = {name: np.abs(frame[name].to_numpy(dtype=float, na_value=np.nan)) for name in features}
    bad = [name for name, values in largest.items() if np.isinf(values).any()]
    huge = [name for name, values in largest.items() if (values > LARGEST).any() and name not in bad]
    told = [f"Some features are infinite: {list_columns(bad)}."] if bad else []
    return told + ([f"Some features are larger than {LARGEST:.0e}: {list_columns(huge)}."] if huge else [])


def infinite_clinical(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Clinical variables with a cell such as 'inf': a formula's fault, neither a number nor a word."""
    bad = [name for name in columns if name in frame.columns and any(map(_is_infinite, frame[name].dropna()))]
    return [f"Some clinical variables are infinite: {list_columns(bad)}."] if bad else []


def _is_infinite(cell: Any) -> bool:
    try:
        return bool(np.isinf(float(cell)))
    except (TypeError, ValueError):
        return False


def unfit_features(frame: pd.DataFrame, features: Sequence[str]) -> dict[str, list[str]]:
    """Features that nothing can be learned from: without any value, the same in every case, or twice in the table.

    Returns
    -------
    dict
        'empty', 'constant' and 'duplicated', with the names; of equal columns the first is kept.
    """
    unfit: dict[str, list[str]] = {"empty": [], "constant": [], "duplicated": []}
    seen: set[bytes] = set()
    for name in features:
        column = frame[name].to_numpy(dtype=float, na_value=np.nan)
        known = column[np.isfinite(column)]
        if not known.size:
            unfit["empty"].append(name)
        elif not varies(column[:, None])[0]:
            unfit["constant"].append(name)
        elif (column + 0.0).tobytes() in seen:
            unfit["duplicated"].append(name)
        else:
            seen.add((column + 0.0).tobytes())
    return unfit
