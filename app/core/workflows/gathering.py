"""Gathering a cohort: from a folder, a table or chosen cases to cases with the columns that are known about each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.data import Caution
from app.core.errors import CohortError, InputError
from app.core.io.identify import identify, list_ignored
from app.core.io.names import read_name
from app.core.io.pairing import pair
from app.core.io.source import SUFFIXES, Source, stem_of, suffix_of
from app.core.io.table import CaseTable, RowProblem, names_a_person, read_cases
from app.core.io.tabulate import check_table_name
from app.core.requests import CaseFiles, CohortSource

if TYPE_CHECKING:
    import pandas as pd

_PATHS = re.compile(r"image(_.+)?|mask(_2)?", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Gathered:
    """A cohort as it was found.

    Parameters
    ----------
    cases : tuple of CaseFiles
        Each with an id of its own; a case found in a folder may lack its outline.
    frame : pandas.DataFrame
        A row per case: `patient`, then the table's other columns, without paths and without what names a person.
    numbers : tuple of int or None
        The row of each case as a spreadsheet shows it; None where it comes from no table.
    problems : tuple of RowProblem
        Rows of the table that cannot be used.
    unpaired : tuple of Source
        What found no place.
    notes : tuple of str
        What was left out or decided, a sentence each.
    cautions : tuple of Caution
        What the reader of the cohort's results must know.
    """

    cases: tuple[CaseFiles, ...]
    frame: pd.DataFrame
    numbers: tuple[int | None, ...]
    problems: tuple[RowProblem, ...] = ()
    unpaired: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()
    cautions: tuple[Caution, ...] = ()

    @property
    def sequences(self) -> tuple[str, ...]:
        """Every sequence that some case has, in alphabetical order."""
        return tuple(sorted({sequence for case in self.cases for sequence in case.images}))


def gather_cases(ask: CohortSource) -> Gathered:
    """Find the cases of a cohort.

    Parameters
    ----------
    ask : CohortSource
        With both a source and cases, the cases are a choice among the source's, and keep its columns.

    Returns
    -------
    Gathered

    Raises
    ------
    InputError
        There is nothing at the source, or neither source nor cases are given.
    CohortError
        The table lists no case that can be used, or the folder holds none.
    """
    if ask.source is None:
        if not ask.cases:
            raise InputError("No cohort was given.", "Choose a folder, a table or some cases.")
        return _from_cases(ask.cases)
    source = Path(ask.source)
    if not source.exists():
        raise InputError(f"There is nothing at {source.name}.", "Choose a table of cases, or a folder.")
    found = _from_folder(source) if source.is_dir() else _from_tables([(source.name, read_cases(_table(source)))])
    return found if ask.cases is None else _choose(found, ask.cases)


def check_output(ask: CohortSource, out: str | Path) -> None:
    """Refuse, before the work, an output that is no table's or that would take the place of the cohort's own.

    Raises
    ------
    InputError
        So it is.
    """
    check_table_name(out)
    path = Path(out)
    if ask.source is not None and Path(ask.source).exists() and path.exists() and path.samefile(ask.source):
        raise InputError(f"{path.name} is the cohort's own table.", "Choose another name for the results.")


def _table(path: Path) -> Path:
    if SUFFIXES.get(suffix_of(path)) != "table":
        raise InputError(f"{path.name} is neither a folder nor a table.", "Choose a CSV, XLSX or Parquet table.")
    return path


def _from_folder(folder: Path) -> Gathered:
    sources = identify([folder])
    found = pair(sources)
    listed = _from_tables([(Path(path).name, read_cases(path)) for path in found.tables]) if found.tables else None
    alone = _from_cases(_name_lone_sequences(found.cases, sources)) if found.cases else None
    if listed is None and alone is None:
        raise CohortError(f"{folder.name} holds no image.", list(found.notes[:5]), "Choose a folder of cases.")
    whole = _join([part for part in (listed, alone) if part is not None])
    notes = (*found.notes, *whole.notes, *list_ignored([str(folder)], sources))
    return Gathered(whole.cases, whole.frame, whole.numbers, whole.problems, found.unpaired, notes, whole.cautions)


def _from_tables(tables: Sequence[tuple[str, CaseTable]]) -> Gathered:
    parts = []
    for name, table in tables:
        columns = [str(column) for column in table.frame.columns]
        personal = [column for column in columns if names_a_person(column)]
        patient = next(column for column in columns if column.lower() == "patient")
        kept = [column for column in columns if not _PATHS.fullmatch(column) and column not in (*personal, patient)]
        frame = table.frame.iloc[list(table.rows)][[patient, *kept]].reset_index(drop=True)
        frame = frame.rename(columns={patient: "patient"})
        cautions = []
        if personal:
            told = f"The columns {', '.join(personal)} of {name} seem to name persons and were left out of the results."
            cautions.append(Caution("personal_columns", told))
        parts.append(Gathered(table.cases, frame, table.numbers, table.problems, cautions=tuple(cautions)))
    return _join(parts)


def _from_cases(cases: Sequence[CaseFiles]) -> Gathered:
    import pandas as pd

    rows: list[dict[str, Any]] = [
        {**({"site": case.site} if case.site else {}), **case.reading, "patient": case.id} for case in cases
    ]
    frame = pd.DataFrame(rows)
    frame.insert(0, "patient", frame.pop("patient"))
    return _unique(Gathered(tuple(cases), frame, (None,) * len(cases)))


def _join(parts: Sequence[Gathered]) -> Gathered:
    import pandas as pd

    if len(parts) == 1:
        return parts[0]
    return _unique(
        Gathered(
            tuple(case for part in parts for case in part.cases),
            pd.concat([part.frame for part in parts], ignore_index=True),
            tuple(number for part in parts for number in part.numbers),
            tuple(problem for part in parts for problem in part.problems),
            notes=tuple(note for part in parts for note in part.notes),
            cautions=tuple(caution for part in parts for caution in part.cautions),
        )
    )


def _unique(found: Gathered) -> Gathered:
    """Number the cases that share an id."""
    taken: set[str] = set()
    cases = []
    for case in found.cases:
        name, number = case.id, 2
        while name in taken:
            name, number = f"{case.id}-{number}", number + 1
        taken.add(name)
        cases.append(case if name == case.id else case.model_copy(update={"id": name}))
    return Gathered(
        tuple(cases), found.frame, found.numbers, found.problems, found.unpaired, found.notes, found.cautions
    )


def _choose(found: Gathered, chosen: Sequence[CaseFiles]) -> Gathered:
    """Keep the chosen cases, with their choices, and the columns of the rows they come from."""
    places = {case.id: place for place, case in enumerate(found.cases)}
    known = [case for case in chosen if case.id in places]
    rows = [places[case.id] for case in known]
    part = Gathered(
        tuple(known),
        found.frame.iloc[rows].reset_index(drop=True),
        tuple(found.numbers[row] for row in rows),
        (),
        found.unpaired,
        found.notes,
        found.cautions,
    )
    others = [case for case in chosen if case.id not in places]
    parts = ([part] if known else []) + ([_from_cases(others)] if others else [])
    if not parts:
        raise CohortError("No case was chosen.", [], "Choose at least one.")
    return _join(parts)


def _name_lone_sequences(cases: Sequence[CaseFiles], sources: Sequence[Source]) -> list[CaseFiles]:
    """Give a case's only image its sequence's name, where other cases have several and it is one of theirs."""
    several = {sequence for case in cases if len(case.images) > 1 for sequence in case.images}
    named = []
    for case in cases:
        sequence = _sequence(case, sources) if several and tuple(case.images) == ("image",) else "image"
        if sequence in several and sequence != "image":
            series = {sequence if key == "image" else key: value for key, value in case.series.items()}
            images = {sequence: case.images["image"]}
            named.append(case.model_copy(update={"images": images, "series": series}))
        else:
            named.append(case)
    return named


def _sequence(case: CaseFiles, sources: Sequence[Source]) -> str:
    path, series = case.images["image"], case.series.get("image", "")
    source = next((each for each in sources if each.path == path and (not series or each.series == series)), None)
    if source is not None and source.acquisition.weighting:
        return source.acquisition.sequence
    stem = stem_of(path)
    return read_name(stem).sequence or re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
