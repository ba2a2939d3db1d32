"""The label hidden among the features: a column named like an outcome, or one that tells the classes apart too well."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.univariate import judge_features
from app.core.workflows.learning_columns import as_words

if TYPE_CHECKING:
    import pandas as pd

TOO_GOOD = 0.99
CHANCE = 0.01
"""Among a thousand columns and a dozen cases some separate the classes by luck, and those are no hidden label."""
_WORDS = frozenset({"label", "labels", "diagnosis", "diagnoses", "histology", "grade", "outcome", "target", "class"})
_BEGINNINGS = ("malignan", "benign", "histolog", "histopath", "patholog")
_CASES_PER_VALUE = 4
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True)
class HeldOut:
    """A column that is not learned from until someone says that it is a feature.

    Parameters
    ----------
    column : str
    reason : str
        As a clause: 'its name is that of an outcome'.
    auc : float or None
        Of the column alone, never below one half.
    """

    column: str
    reason: str
    auc: float | None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def is_named_like_an_outcome(column: str) -> bool:
    """Whether a part of a column's name means an outcome: 'tumour_grade', 'isMalignant', never 'gradient'."""
    parts = [part.lower() for part in _PARTS.findall(column)]
    return any(part in _WORDS or part.startswith(_BEGINNINGS) for part in parts)


def find_hidden_labels(
    frame: pd.DataFrame,
    features: tuple[str, ...],
    labels: NDArray[np.int_] | None,
    confirmed: Collection[str],
) -> tuple[HeldOut, ...]:
    """Name the columns that may be the label under another name.

    Parameters
    ----------
    frame : pandas.DataFrame
        Holds the columns.
    features : tuple of str
        Columns of numbers that would be learned from.
    labels : array of int, shape (cases,), or None
        0 or 1; None where the table has no usable label.
    confirmed : collection of str
        Columns that the user declares to be features.
    """
    asked = [name for name in features if name not in confirmed]
    rows = frame[asked].to_numpy(dtype=float, na_value=np.nan)
    alone = _areas(np.where(np.isfinite(rows), rows, np.nan), asked, labels)
    absent = _areas(np.isnan(rows).astype(float), asked, labels)
    found = []
    for name in asked:
        area = alone.get(name)
        if is_named_like_an_outcome(name):
            found.append(HeldOut(name, "its name is that of an outcome", area))
        elif area is not None and area > TOO_GOOD:
            found.append(HeldOut(name, f"alone it has an AUC of {area:.3f}, more than measurements have", area))
        elif absent.get(name, 0.0) > TOO_GOOD:
            found.append(HeldOut(name, "whether it is missing tells the classes apart", absent[name]))
    return tuple(found)


def _areas(rows: NDArray[np.float64], names: list[str], labels: NDArray[np.int_] | None) -> dict[str, float]:
    """AUC of each column alone, for those where it is more than chance among so many."""
    if labels is None or not names or min(np.bincount(labels, minlength=2)) < 2:
        return {}
    judged = judge_features(rows, labels)
    areas = np.maximum(judged.auc, 1 - judged.auc)
    return {
        name: float(area)
        for name, area, chance in zip(names, areas, judged.bonferroni, strict=True)
        if np.isfinite(area) and chance < CHANCE
    }


def hold_out_clinical(
    frame: pd.DataFrame, clinical: Sequence[str], labels: NDArray[np.int_], confirmed: Collection[str]
) -> tuple[HeldOut, ...]:
    """Clinical variables that may be the label: as for features, and words that each go with one class only."""
    numbers = tuple(name for name in clinical if frame[name].dtype.kind in "fiu")
    found = list(find_hidden_labels(frame, numbers, labels, confirmed))
    for name in clinical:
        if name in numbers or name in confirmed:
            continue
        if is_named_like_an_outcome(name):
            found.append(HeldOut(name, "its name is that of an outcome", None))
        elif _determines(as_words(frame[name]), labels):
            found.append(HeldOut(name, "each of its values goes with one class only", None))
    return tuple(found)


def _determines(words: Sequence[str], labels: NDArray[np.int_]) -> bool:
    """Whether few values, each in several cases, tell the classes apart without an error."""
    classes: dict[str, set[int]] = {}
    for word, label in zip(words, labels.tolist(), strict=True):
        classes.setdefault(word, set()).add(label)
    return len(classes) <= len(words) / _CASES_PER_VALUE and all(len(each) == 1 for each in classes.values())
