"""Which files each row of a training table is, so that a case of the results can be opened."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.io.table import read_cases


def list_files(table: str, rows: int, failed: Collection[str]) -> list[tuple[str, dict[str, Any] | None]] | None:
    """Name and files of every case that was learned from.

    Parameters
    ----------
    table : str
        Path of the table that was learned from.
    rows : int
        Cases that were learned from, in the table's order.
    failed : collection of str
        Names of those that could not be measured, and were left out.

    Returns
    -------
    list of (str, dict or None), or None
        The JSON of each one's `CaseFiles`, None for one whose files are gone. None altogether where the table names no
        images, or its rows are not those that were learned from.
    """
    try:
        found = read_cases(Path(table))
    except AppError:
        return None
    known = dict(zip(found.rows, found.cases, strict=True))
    left = [place for place in range(len(found.frame)) if place not in known or known[place].id not in failed]
    if len(left) != rows:
        return None
    return [
        (known[place].id, known[place].model_dump(mode="json")) if place in known else ("", None) for place in left
    ]
