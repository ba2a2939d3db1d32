"""What a feature table's columns are: from the note beside it, else from its heading; and the values of one column."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path

_FEATURE = re.compile(r"(^|_)[a-zA-Z0-9]+_[A-Z][A-Za-z0-9]+|^volume_ml$|_mm$"
                      r"|^acquisition_(field|repetition|echo|spacing)")
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
                if len(row) > place and row[place]:
                    found.add(row[place])
                if len(found) > _VALUES:
                    return ()
    except (OSError, ValueError, StopIteration):
        return ()
    return tuple(sorted(found))


def _guess(names: tuple[str, ...], told: dict[str, object]) -> TableColumns:
    def first(role: str, *wanted: str) -> str:
        if isinstance(told.get(role), str):
            return str(told[role])
        return next((name for want in wanted for name in names if name.casefold() == want), "")

    return TableColumns(names, first("patient", "patient", "patient_id", "case", "id"),
                        first("label", "label", "class"), first("site", "site", "centre", "center", "hospital"),
                        first("vendor", "vendor", "manufacturer", MANUFACTURER))
