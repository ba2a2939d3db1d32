"""Reading tables, and the cases of a cohort table: what is wrong with a row is told, and never stops the others."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.errors import CohortError, InputError
from app.core.io import damage
from app.core.io.cells import as_numbers, as_text, read_cells
from app.core.io.locate import locate
from app.core.requests import CaseFiles

if TYPE_CHECKING:
    import pandas as pd

_TEXT = re.compile(r"patient(_?id)?|id|case|subject|mask(_2)?|series|image(_.*)?", re.IGNORECASE)
_ALSO_CALLED = {"patient": ("patient_id", "subject", "subject_id", "id", "case"),
                "image": ("img", "volume", "mri", "scan", "t1"),
                "mask": ("segmentation", "seg", "roi", "gtv", "outline", "tumour", "tumor")}
_RESERVED = {"patient", "mask", "mask_2", "site", "roi", "mask_label", "label", "orientation", "series", "split"}
_IDENTIFYING = re.compile(
    "(patients?|subjects?|last|first|sur|family|given|full|middle|maiden|birth)*names?|(patients?|subjects?)?birth.*|"
    "(patients?|subjects?)?(dob|dateofbirth)|mrn|(medical)?recordnumber|accession(number)?|other(patient)?ids?|"
    "(patients?|subjects?|home|street|postal)?address|(patients?|subjects?)?(tele)?phone(numbers?)?|e?mail(address)?|"
    "(referring|performing)physicians?(name)?|ssn|socialsecuritynumber")


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with one row: its number as a spreadsheet shows it (the header is row 1), and a sentence."""

    row: int
    patient: str
    message: str

    def __str__(self) -> str:
        return f"Row {self.row}{f' ({self.patient})' if self.patient else ''}: {self.message}"


@dataclass(frozen=True, eq=False)
class CaseTable:
    """The cases of a cohort table.

    Parameters
    ----------
    cases : tuple of CaseFiles
        One per row that can be used, with an id of its own.
    rows : tuple of int
        For each case, the position of its row in `frame`.
    problems : tuple of RowProblem
        One per row that cannot be used.
    frame : pandas.DataFrame
        The whole table.
    numbers : tuple of int
        For each case, the number that a spreadsheet shows beside its row.
    """

    cases: tuple[CaseFiles, ...]
    rows: tuple[int, ...]
    problems: tuple[RowProblem, ...]
    frame: pd.DataFrame
    numbers: tuple[int, ...] = ()


def read_table(path: str | Path, text: tuple[str, ...] = ()) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    path : str or Path
        '.csv' or '.tsv' (comma, semicolon or tab; decimal point or comma), '.xlsx' (first sheet), '.parquet'.
    text : tuple of str
        Columns to keep as text besides ids and paths; a column with leading zeros ('007') stays text by itself.

    Returns
    -------
    pandas.DataFrame
        Numeric columns as numbers, missing values as NaN; rows without any value are left out.

    Raises
    ------
    UnreadableImage
        There is no such file, or it is empty.
    InputError
        It is no table, or two columns have one name.
    """
    return _read(Path(path), text)[0]


def read_cases(path: str | Path, strict: bool = False) -> CaseTable:
    """Read the cases of a cohort table: columns `patient`, `image` (or `image_t1`, `image_t2` ...) and `mask`.

    Parameters
    ----------
    path : str or Path
        The table; paths inside it are relative to its folder. `mask_2` (a second reader's outline), `site`, `roi`,
        `mask_label` and `orientation` are understood; other columns become the case's reading, save those that name a
        person.
    strict : bool
        Raise when a row has a problem, with every problem in `issues`; otherwise such rows are only reported.

    Returns
    -------
    CaseTable

    Raises
    ------
    CohortError
        A column is missing, no row can be used, or (`strict`) any row has a problem.
    """
    path = Path(path)
    frame, numbers = _read(path, ())
    columns = {str(name).lower(): str(name) for name in frame.columns}
    images = {key.removeprefix("image_"): name for key, name in columns.items() if re.fullmatch("image(_.+)?", key)}
    issues = [_missing_column(name, columns) for name in ("patient", "mask") if name not in columns]
    if not images:
        issues.append(_missing_column("image", columns))
    if issues:
        raise CohortError(f"{path.name} is not a table of cases.", issues, "Name the columns patient, image and mask.")
    cases: list[CaseFiles] = []
    rows: list[int] = []
    problems: list[RowProblem] = []
    seen: dict[tuple[str, ...], int] = {}
    taken: dict[str, int] = {}
    for position, record in enumerate(frame.to_dict("records")):
        row, patient = numbers[position], _cell(record, columns["patient"])
        case, faults = _read_row(record, columns, images, path.parent)
        files = tuple(str(value) for value in (*case.images.items(), case.mask, case.roi, case.label)) if case else ()
        if files in seen and case:
            faults = [f"it repeats row {seen[files]}."]
        problems += [RowProblem(row, patient, fault) for fault in faults]
        if faults or case is None:
            continue
        seen[files] = row
        cases.append(case.model_copy(update={"id": _unique(patient, taken)}))
        rows.append(position)
    if problems and (strict or not cases):
        summary = f"{path.name} has {_count(len(problems), 'problem')} in {_count(len(frame), 'row')}."
        raise CohortError(summary, [str(problem) for problem in problems],
                          "Correct these rows and read the table again.")
    if not cases:
        raise CohortError(f"{path.name} has no rows.", [], "Add a row per case.")
    return CaseTable(tuple(cases), tuple(rows), tuple(problems), frame, tuple(numbers[row] for row in rows))


def names_a_person(column: str) -> bool:
    """Whether a column's name says that its cells tell who a patient is."""
    return _IDENTIFYING.fullmatch(re.sub(r"[\W_]+", "", column.lower())) is not None


def _read_row(record: dict[str, Any], columns: dict[str, str], images: dict[str, str],
              folder: Path) -> tuple[CaseFiles | None, list[str]]:
    faults: list[str] = []
    if not _cell(record, columns["patient"]):
        faults.append("the patient's id is empty.")
    found = {}
    for key, name in images.items():
        if _cell(record, name):
            found[key] = _find_file(_cell(record, name), folder, name, faults)
    if not found:
        faults.append("it names no image.")
    mask = _cell(record, columns["mask"])
    if not mask:
        faults.append("it names no mask.")
    mask = _find_file(mask, folder, columns["mask"], faults) if mask else ""
    second = _cell(record, columns.get("mask_2", ""))
    second = _find_file(second, folder, columns["mask_2"], faults) if second else ""
    label = _cell(record, columns.get("mask_label", ""))
    if label and not re.fullmatch(r"\d+(\.0)?", label):
        faults.append(f"the mask_label is '{label}', a whole number is expected.")
    orientation = _cell(record, columns.get("orientation", "")).lower()
    if orientation not in ("", "las", "ras"):
        faults.append(f"the orientation is '{orientation}', 'las' or 'ras' is expected.")
    if faults:
        return None, faults
    reading = {name: record[name] for key, name in columns.items()
               if key not in _RESERVED and not key.startswith("image") and not names_a_person(name)
               and isinstance(record[name], (str, int, float)) and record[name] == record[name]}
    return CaseFiles.model_validate({
        "id": _cell(record, columns["patient"]), "images": found, "mask": mask, "mask_2": second or None,
        "reading": reading,
        "roi": _cell(record, columns.get("roi", "")) or None, "label": int(float(label)) if label else None,
        "orientation": orientation or None, "site": _cell(record, columns.get("site", "")) or None}), []


def _read(path: Path, text: tuple[str, ...]) -> tuple[pd.DataFrame, list[int]]:
    """Read a table and the number that a spreadsheet shows beside each of its rows."""
    if path.is_dir():
        raise InputError(f"{path.name} is a folder, a table is expected.", "Choose a CSV, XLSX or Parquet table.")
    if not path.is_file():
        raise damage.missing_file(path.name)
    if path.stat().st_size == 0:
        raise damage.empty_file(path.name)
    frame = read_cells(path)
    names = [str(name).strip() for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"The table {path.name} has two columns named '{twice[0]}'.", "Rename one of them.")
    frame = frame.set_axis(names, axis=1)
    filled = frame.notna().any(axis=1).to_numpy()
    numbers = [position + 2 for position, keep in enumerate(filled) if keep]
    frame = frame[filled].reset_index(drop=True)
    columns = {}
    for name in names:
        is_text = _TEXT.fullmatch(name) is not None or name in text
        columns[name] = as_text(frame[name]) if is_text else as_numbers(frame[name])
    return type(frame)(columns, index=frame.index, columns=frame.columns), numbers


def _cell(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    return "" if value is None or value != value else str(value).strip()


def _find_file(text: str, folder: Path, column: str, faults: list[str]) -> str:
    path = folder
    for spelling in (text, text.replace("\\", "/")):
        try:
            path = locate(folder / spelling)
        except InputError as error:
            faults.append(f"the {column} cannot be followed: {error.message}")
            return str(folder)
        if path.exists():
            return str(path)
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, beside, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    faults.append(f"the {column} '{text}' does not exist.{hint}")
    return str(path)


def _missing_column(name: str, columns: dict[str, str]) -> str:
    close = difflib.get_close_matches(name, columns, n=1, cutoff=0.8)
    close = close or [other for other in _ALSO_CALLED[name] if other in columns][:1]
    hint = f"; did you mean '{columns[close[0]]}'?" if close else f" (it has {', '.join(list(columns.values())[:8])})."
    return f"There is no column '{name}'{hint}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _unique(patient: str, taken: dict[str, int]) -> str:
    """Number a patient's cases: a patient with several tumours gives several cases: the second is named 'patient-2'."""
    taken[patient] = taken.get(patient, 0) + 1
    return patient if taken[patient] == 1 else f"{patient}-{taken[patient]}"
