"""Whether what the program made of an input may be: refused, read the same, read with a caution, or a finding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tests.fuzz.drive import Answer, Course

SAME = 1e-9
TOO_SMALL = 4e-3
"""Of the volume. A corner that moved by less than 0.01 mm is no other place: nobody could tell it from rounding."""
ONE_CORNER = 0.04
SECONDS = 10.0
MEGABYTES = 4096.0
VERDICTS = ("refused", "same", "caution", "voxels", "grey", "FINDING")
"""'voxels': other values were expected; 'grey': the outline is the same, but a header changed the grey values."""
_ABOUT_RESULTS = {"outside_training_range", "unlike_training", "tiny_mask", "mask_touches_edge", "missing_feature",
                  "anisotropy", "site_unknown", "site_unseen", "intended_use", "demonstration", "no_comparator"}
"""Cautions about what was measured, not about what was read: they excuse no silent damage."""


@dataclass(frozen=True)
class Verdict:
    """`verdict` is one of `VERDICTS`; `why` says what was found."""

    verdict: str
    why: str = ""


def judge(course: Course, undamaged: Sequence[Answer], *, exempt: bool, seconds: float, peak: float,
          drawn: bool = False) -> Verdict:
    """Judge how an input went against how its undamaged sample went.

    Parameters
    ----------
    course : Course
        Of the damaged input.
    undamaged : sequence of Answer
        Of the sample; every answer of the input must be one of these, or come with a caution that these lack.
    exempt : bool
        Only voxel values were changed: any answer may come.
    seconds, peak : float
        That it took; megabytes that the process grew by.
    drawn : bool
        The outline is contours in mm. A volume may differ by what one corner encloses, and by the raster where the
        image's own pixel size was damaged: nothing else tells how large its pixels are.
    """
    if course.faults:
        return Verdict("FINDING", course.faults[0])
    if seconds > SECONDS:
        return Verdict("FINDING", f"it took {seconds:.1f} s")
    if peak > MEGABYTES:
        return Verdict("FINDING", f"it took {peak:.0f} MB")
    verdicts = [_judge_answer(answer, undamaged, drawn=drawn) for answer in course.answers]
    if not verdicts:
        return Verdict("refused", course.refusals[0] if course.refusals else "nothing came of it")
    worst = max(verdicts, key=lambda each: VERDICTS.index(each.verdict))
    return Verdict("voxels", worst.why) if exempt and worst.verdict in ("grey", "FINDING") else worst


def _judge_answer(answer: Answer, undamaged: Sequence[Answer], *, drawn: bool) -> Verdict:
    usual = frozenset().union(*(known.cautions for known in undamaged))
    speaking = sorted({caution.code for caution in answer.cautions - usual if caution.code not in _ABOUT_RESULTS})
    if speaking:
        return Verdict("caution", " ".join(speaking))
    if any(_is_close(answer.volume_ml, known.volume_ml, SAME) for known in undamaged):
        seen = not answer.grey or any(answer.grey == known.grey for known in undamaged)
        return Verdict("same") if seen else Verdict("grey", "the volume is the same, the grey values are not")
    if any(_is_close(answer.volume_ml, known.volume_ml, TOO_SMALL) and answer.outline == known.outline
           for known in undamaged):
        return Verdict("same", "within the tolerance of a grid")
    if drawn and any(_is_close(answer.volume_ml, known.volume_ml, ONE_CORNER) for known in undamaged):
        return Verdict("voxels", "a corner was moved, or the raster is another")
    expected = " or ".join(f"{known.volume_ml:.9g}" for known in undamaged) or "none"
    return Verdict("FINDING", f"scored silently: {answer.volume_ml:.9g} ml, expected {expected}")


def _is_close(value: float, other: float, share: float) -> bool:
    return math.isfinite(value) and abs(value - other) <= share * abs(other)
