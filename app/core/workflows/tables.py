"""Tables: what columns one has and, where they are few, the different values in each, before anything is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.io.table import names_a_person, read_table
from app.core.jobs import Report
from app.core.requests import TableRequest

if TYPE_CHECKING:
    import pandas as pd

MOST_VALUES = 20
"""Different values that are still listed."""


def describe_table(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Say what a table holds.

    Parameters
    ----------
    request : dict
        A `TableRequest`.

    Returns
    -------
    dict
        `rows`, their number; `columns`, a dict each in the table's order: `name` and `values`, the different values as
        text in order, or null where there are more than 20, or where the column's name says that they tell who a
        patient is.

    Raises
    ------
    InputError
        It is no table.
    """
    ask = TableRequest.parse(request)
    report(0.0, "Reading the table")
    frame = read_table(Path(ask.table))
    columns = [{"name": str(name), "values": None if names_a_person(str(name)) else _values(frame[name])}
               for name in frame.columns]
    report(1.0, "Done")
    return {"rows": len(frame), "columns": columns}


def _values(column: pd.Series) -> list[str] | None:
    different = column.dropna().unique()
    if len(different) > MOST_VALUES:
        return None
    return sorted({text for text in map(_as_text, different) if text})


def _as_text(value: Any) -> str:
    """Write a value as an exploration names its classes: 1.0 is '1'."""
    whole = not isinstance(value, (str, bool)) and hasattr(value, "is_integer") and value.is_integer()
    return str(int(value)) if whole else str(value).strip()
