"""A flag: something about a scan or an outline to look at before trusting the numbers measured there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from app.core.data import Caution

Severity = Literal["note", "caution", "problem"]
SEVERITIES: tuple[Severity, ...] = ("note", "caution", "problem")

# How much weight what the readers already say has; what is not listed is a caution.
_SEVERITY: dict[str, Severity] = {
    "constant_image": "problem",
    "missing_slices": "problem",
    "mask_covers_image": "problem",
    "mask_cut": "problem",
    "unreadable": "problem",
    "contours_outside": "problem",
    "duplicate_files": "note",
    "frame_unknown": "note",
    "mask_turned": "note",
    "soft_mask": "note",
    "planes_merged": "note",
    "position_unknown": "note",
}


@dataclass(frozen=True)
class Flag:
    """One finding.

    Parameters
    ----------
    code : str
        The same for the same kind of finding.
    message : str
        One sentence: the thing, the value found, the value expected.
    severity : {'note', 'caution', 'problem'}
        Worth knowing; may bias what is measured; what is measured is likely wrong.
    cases : tuple of str
        The cases concerned, where the finding is about the cohort.
    """

    code: str
    message: str
    severity: Severity
    cases: tuple[str, ...] = ()


def as_flags(cautions: Iterable[Caution]) -> list[Flag]:
    """Say what reading and placing brought to light as flags."""
    return [Flag(caution.code, caution.message, _SEVERITY.get(caution.code, "caution"))
            for caution in dict.fromkeys(cautions)]


def each_once(flags: Iterable[Flag]) -> list[Flag]:
    """Keep the first flag of each code and the gravest first, otherwise in order."""
    first = {flag.code: flag for flag in reversed(list(flags))}
    kept = list(reversed(first.values()))
    return sorted(kept, key=lambda flag: -SEVERITIES.index(flag.severity))
