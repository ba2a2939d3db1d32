"""Which of a column's classes is likely the one looked for, told by their names alone."""

from __future__ import annotations

from collections.abc import Sequence

_SHORT = 30
_RARELY_SOUGHT = frozenset({"lipoma", "benign", "no", "negative", "control", "controls", "normal", "false", "0", "0.0"})


def is_rarely_sought(name: str) -> bool:
    """Whether a class is what others are told from, such as 'benign lipoma' or 'metastasis = 0'."""
    value = name.rpartition("=")[2].strip().casefold()
    return value in _RARELY_SOUGHT or value.partition(" ")[0].rstrip(",;:") in _RARELY_SOUGHT


def sought_of(names: Sequence[str]) -> str:
    """Of two classes the one that is likely looked for; '' for other numbers of classes."""
    if len(names) != 2:
        return ""
    return ([name for name in names if not is_rarely_sought(name)] or list(names))[-1]


def short_class(name: str) -> str:
    """A class's name where room is scarce: its beginning and its end."""
    return name if len(name) <= _SHORT else f"{name[:_SHORT - 10].rstrip()}…{name[-8:].lstrip()}"


def class_title(column: str, name: str) -> str:
    """Name a class so that it is understood without its column: 'ALT/WDL', 'metastasis = 1'."""
    return f"{column} = {name}" if name.replace(".", "", 1).isdigit() else name
