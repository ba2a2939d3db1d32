"""Folds: stratified, grouped by patient, drawn once and kept with a digest that proves which they were."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.errors import CohortError

Split = tuple[NDArray[np.int_], NDArray[np.int_]]


@dataclass(frozen=True, eq=False)
class Folds:
    """Cross-validation splits in row numbers.

    Parameters
    ----------
    splits : tuple of (train rows, test rows)
        All folds of the first repeat, then of the next.
    k, repeats : int
    """

    splits: tuple[Split, ...]
    k: int
    repeats: int

    @property
    def digest(self) -> str:
        """SHA-256 of the test rows of every fold, in order."""
        text = json.dumps([test.tolist() for _, test in self.splits])
        return hashlib.sha256(text.encode()).hexdigest()


def make_folds(labels: NDArray[np.int_], patients: NDArray[Any], k: int, repeats: int, seed: int) -> Folds:
    """Draw repeated stratified folds that keep all rows of a patient together.

    Parameters
    ----------
    labels : array of int, shape (rows,)
        0 or 1.
    patients : array, shape (rows,)
        Group of each row.
    k, repeats : int
        Folds per repeat, and repeats.
    seed : int

    Raises
    ------
    CohortError
        A class has fewer than two patients, or no split gives every fold both classes. `k` is lowered before that.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    fewest = min(len(set(patients[labels == label].tolist())) for label in (0, 1))
    if fewest < 2:
        raise CohortError(
            f"One class has {fewest} patient(s), cross-validation needs at least two of each.",
            [],
            "Add cases of that class.",
        )
    for folds in range(min(k, fewest), 1, -1):
        splits: list[Split] = []
        for repeat in range(repeats):
            splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed + repeat)
            splits += [(train, test) for train, test in splitter.split(labels, labels, patients)]
        if all(len(np.unique(labels[rows])) == 2 for split in splits for rows in split):
            return Folds(tuple(splits), folds, repeats)
    raise CohortError(
        "The patients cannot be split so that every fold holds both classes.", [], "Add patients of the rarer class."
    )
