"""What a feature table's columns are: from the note beside it, its heading, or the engine; and one column's values."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FEATURE = re.compile(r"(^|_)[a-zA-Z0-9]+_[A-Z][A-Za-z0-9]+|^volume_ml$|_mm$"
                      r"|^acquisition_(field|repetition|echo|spacing)")
_WHOLE = re.compile(r"[+-]?\d+\.0")
_VALUES = 20
_MOST_BYTES = 60_000_000
MANUFACTURER = "acquisition_manufacturer"


@dataclass(frozen=True)
class TableColumns:
    """The columns that describe cases, and what some of them are for; empty where it is not known."""

    names: tuple[str, ...] = ()
    patient: str = ""
    label: str = ""
    site: str = ""
    vendor: str = ""


def is_plain(path: str) -> bool:
    """Whether the window reads the table itself; a spreadsheet or a Parquet table is left to the engine."""
    return Path(path).suffix.lower() == ".csv"


def told_columns(path: str, told: Mapping[str, Any]) -> TableColumns:
    """Take what `describe_table` found, where no note beside the table says more."""
    known = read_columns(path)
    names = (str(column["name"]) for column in told.get("columns") or ())
    return known if known.names else _guess(tuple(name for name in names if name and not _FEATURE.search(name)), {})


def told_values(told: Mapping[str, Any], column: str) -> tuple[str, ...]:
    """Different values of a column that `describe_table` listed."""
    found = next((each for each in told.get("columns") or () if each["name"] == column), {})
    return tuple(map(str, found.get("values") or ()))


def read_columns(path: str) -> TableColumns:
    """Read what the columns of a feature table are; nothing when it cannot be told without loading it."""
    table = Path(path)
    roles = table.with_name(f"{table.stem}.roles.json")
    try:
        if roles.is_file():
            told = json.loads(roles.read_text(encoding="utf-8"))
            known = [told.get(role) for role in ("patient", "label", "site")]
            names = tuple(str(name) for name in (*known, *told.get("metadata", ())) if name)
            return _guess(names, told)
        if table.suffix.lower() == ".csv":
            with table.open(newline="", encoding="utf-8-sig") as file:
                heading = next(csv.reader(file), [])
            return _guess(tuple(name for name in heading if name and not _FEATURE.search(name)), {})
    except (OSError, ValueError, AttributeError):
        return TableColumns()
    return TableColumns()


def read_values(path: str, column: str) -> tuple[str, ...]:
    """Read the different values of one column of a CSV table; nothing when they are many, or cannot be read."""
    table = Path(path)
    try:
        if not column or table.suffix.lower() != ".csv" or table.stat().st_size > _MOST_BYTES:
            return ()
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file)
            place = next(rows).index(column)
            found: set[str] = set()
            for row in rows:
                if len(row) > place and row[place].strip():
                    found.add(_plain(row[place].strip()))
                if len(found) > _VALUES:
                    return ()
    except (OSError, ValueError, StopIteration):
        return ()
    return tuple(sorted(found))


def _plain(text: str) -> str:
    """Write a whole number without its decimals, as an exploration names its classes."""
    return text[:-2] if _WHOLE.fullmatch(text) else text


def _guess(names: tuple[str, ...], told: dict[str, object]) -> TableColumns:
    def first(role: str, *wanted: str) -> str:
        if isinstance(told.get(role), str):
            return str(told[role])
        return next((name for want in wanted for name in names if name.casefold() == want), "")

    return TableColumns(names, first("patient", "patient", "patient_id", "case", "id"),
                        first("label", "label", "class"), first("site", "site", "centre", "center", "hospital"),
                        first("vendor", "vendor", "manufacturer", MANUFACTURER))
