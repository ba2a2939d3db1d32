"""How the model does in each site and subgroup, with numbers and intervals, as a forest plot draws them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.crossvalidate import OutOfFold
from app.core.evaluate.delong import measure_areas
from app.core.evaluate.intervals import Estimate, area_on_logit, clip_area, least_error, student_quantile

FEWEST = 10
"""Patients of the rarer class below which a subgroup is called small."""


@dataclass(frozen=True)
class Subgroup:
    """One line of a forest plot.

    Parameters
    ----------
    variable, level : str
        Such as 'site' and its name; 'all' and '' for the whole cohort.
    positives, negatives : int
        Patients of either class.
    auc : Estimate or None
        Mean over repeats of the AUC of its out-of-fold probabilities; None with fewer than two of a class.
    note : str
        What to know before reading it; empty where nothing.
    """

    variable: str
    level: str
    positives: int
    negatives: int
    auc: Estimate | None
    note: str

    @property
    def json(self) -> dict[str, Any]:
        """As results are written."""
        figures = None if self.auc is None else {"mean": self.auc.value, "interval": [self.auc.low, self.auc.high]}
        return {
            "variable": self.variable,
            "level": self.level,
            "positives": self.positives,
            "negatives": self.negatives,
            "auc": figures,
            "note": self.note,
        }


def measure_subgroups(found: OutOfFold, variables: Mapping[str, NDArray[Any]]) -> tuple[Subgroup, ...]:
    """Measure the AUC in the whole cohort and in every level of some variables.

    Parameters
    ----------
    found : OutOfFold
    variables : mapping of str to array, shape (rows,)
        Such as site, vendor, sex; missing values form a level of their own.

    Returns
    -------
    tuple of Subgroup
        The whole cohort first, pooled over folds as its subgroups are.

    Notes
    -----
    A subgroup has too few cases in a fold for within-fold AUCs, so that the answers of a repeat's folds are pooled.
    The interval is DeLong's on the logit scale with the standard error widened for what it leaves out, the training
    sample: Nadeau and Bengio's factor and Student's quantile, together about 1.3 for five times ten folds. Rows of a
    patient tell as much as one.
    """
    lines = [_measure(found, "all", "", np.ones(len(found.labels), dtype=bool))]
    for variable, values in variables.items():
        words = np.array(["missing" if value is None or value != value else str(value) for value in values.tolist()])
        lines += [_measure(found, variable, str(level), words == level) for level in np.unique(words)]
    return tuple(lines)


def _measure(found: OutOfFold, variable: str, level: str, own: NDArray[np.bool_]) -> Subgroup:
    tested = found.tested & own
    ever = tested.any(axis=0)
    positives, negatives = (len(np.unique(found.patients[ever & (found.labels == side)])) for side in (1, 0))
    areas, errors = [], []
    for seen, answers in zip(tested, found.probabilities, strict=True):
        truth = found.labels[seen]
        if min((truth == 1).sum(), (truth == 0).sum()) >= 2:
            measured = measure_areas(truth, answers[seen])
            areas.append(float(measured.values[0]))
            errors.append(float(measured.errors[0]))
    if min(positives, negatives) < 2 or not areas:
        told = f"{positives} positive and {negatives} negative patients: too few for an AUC."
        return Subgroup(variable, level, positives, negatives, None, told)
    rows_per_patient = max(ever.sum() / len(np.unique(found.patients[ever])), 1.0)
    area = float(np.mean(areas))
    counts = (positives, negatives)
    error = max(float(np.sqrt(np.mean(np.square(errors)) * rows_per_patient)), floor_error(area, counts))
    half = student_quantile(found.folds.freedom) * float(np.sqrt(found.folds.inflation)) * error
    estimate = area_on_logit(area, half, counts)
    small = min(positives, negatives) < FEWEST
    note = "A small group: little can be said about it." if small else ""
    return Subgroup(variable, level, positives, negatives, estimate, note)


def floor_error(area: float, counts: tuple[int, int]) -> float:
    """Least standard error of an AUC on so many positives and negatives, where DeLong's vanishes as they separate."""
    centre = clip_area(area, counts)
    # an AUC below one half is one above it with the classes exchanged
    return float(least_error(centre, counts) if centre >= 0.5 else least_error(1 - centre, counts[::-1]))
