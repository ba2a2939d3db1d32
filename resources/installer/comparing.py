"""Whether two answers of the program say the same: every number and every word, but not how long it took."""

from __future__ import annotations

import math
from typing import Any

TOLERANCE = 1e-9
OF_THE_RUN = ("seconds", "timings", "versions", "written", "job", "time", "when")


def compare(ours: Any, theirs: Any, place: str = "") -> tuple[int, list[str]]:
    """Compare two JSON values.

    Returns
    -------
    compared : int
        Numbers that were compared.
    differences : list of str
        Each says where, and both values; numbers differ by more than 1e-9 of the larger, or of 1.
    """
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if ours.keys() != theirs.keys():
            return 0, [f"{place or 'the answer'} has other names: {sorted(ours.keys() ^ theirs.keys())}"]
        pairs = [(f"{place}.{name}".lstrip("."), ours[name], theirs[name]) for name in ours if name not in OF_THE_RUN]
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return 0, [f"{place} has {len(ours)} entries, {len(theirs)} expected"]
        pairs = [(f"{place}[{number}]", *both) for number, both in enumerate(zip(ours, theirs, strict=True))]
    elif isinstance(ours, float | int) and isinstance(theirs, float | int) and not isinstance(ours, bool):
        same = math.isclose(ours, theirs, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        return 1, [] if same else [f"{place} is {ours!r}, {theirs!r} expected"]
    else:
        return 0, [] if ours == theirs else [f"{place} is {ours!r}, {theirs!r} expected"]
    found = [compare(mine, its, name) for name, mine, its in pairs]
    return sum(count for count, _ in found), [line for _, lines in found for line in lines]
