"""Which cases a model was trained on: kept with the user, because a model that travels must not name them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from app.core.files import write_atomically
from app.core.paths import cases_folder


def keep_cases(
    digest: str, rows: Sequence[int], cases: Sequence[str], files: Sequence[Mapping[str, Any] | None] | None = None
) -> None:
    """Remember which case each row of a model's evaluation is.

    Parameters
    ----------
    digest : str
        SHA-256 of the model's evaluation, as its bundle lists it among its files. Unlike the bundle's own it stays the
        same when the model gets another title or operating point.
    rows : sequence of int
        The random row numbers of its evaluation.
    cases : sequence of str
        The user's name of each.
    files : sequence of mapping or None, optional
        The JSON of each one's `CaseFiles`; None where the table held its features.

    Raises
    ------
    ValueError
        The lists differ in length, or the digest is none.
    """
    given = [None] * len(rows) if files is None else [None if each is None else dict(each) for each in files]
    if not len(rows) == len(cases) == len(given):
        raise ValueError(f"{len(rows)} rows, {len(cases)} cases and {len(given)} entries of files")
    known = {"row": [int(row) for row in rows], "case": [str(case) for case in cases], "files": given}
    write_atomically(cases_folder() / _name(digest), (json.dumps(known, ensure_ascii=False) + "\n").encode())


def find_cases(digest: str) -> dict[int, tuple[str, dict[str, Any] | None]]:
    """Find which case each row of a model's evaluation is.

    Returns
    -------
    dict of int to (str, dict or None)
        By row number, the case's name and files; empty for a model that was trained elsewhere.
    """
    if not digest:
        return {}
    try:
        known = json.loads((cases_folder() / _name(digest)).read_text(encoding="utf-8"))
        kept = zip(known["row"], known["case"], known["files"], strict=True)
        return {row: (case, files) for row, case, files in kept}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _name(digest: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise ValueError("a digest has 64 hexadecimal digits")
    return f"{digest}.json"
