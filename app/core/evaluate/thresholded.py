"""A plain model that sets its own operating points, from inner folds of its training rows: as the tuned ones do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from app.core.errors import CohortError
from app.core.evaluate.folds import make_folds
from app.core.evaluate.metrics import operating_points

Array = NDArray[np.float64]
INNER_FOLDS = 5


class ThresholdedModel:
    """A comparator whose sensitivity can be set beside a model's.

    Parameters
    ----------
    make : callable
        Returns the unfitted model.

    Attributes
    ----------
    thresholds_ : dict of str to float
        Operating points by name, from answers to inner folds that held the patient out.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make

    def fit(self, rows: Any, labels: NDArray[np.int_], patients: NDArray[Any]) -> Self:
        """Answer for inner folds, set the thresholds, fit on all rows.

        Where the patients cannot be split so that both classes are on either side, there are no thresholds.
        """
        self.model_ = self.make().fit(rows, labels)
        self.thresholds_: dict[str, float] = {}
        try:
            splits = make_folds(labels, patients, INNER_FOLDS, 1, 0).splits
        except CohortError:
            return self
        inner = np.empty(len(labels))
        for train, test in splits:
            inner[test] = self.make().fit(_take(rows, train), labels[train]).predict_proba(_take(rows, test))[:, 1]
        self.thresholds_ = {point.name: point.threshold for point in operating_points(labels, inner)}
        return self

    def predict_proba(self, rows: Any) -> Array:
        """Probability of either class, shape (rows, 2)."""
        return np.asarray(self.model_.predict_proba(rows), dtype=np.float64)


def _take(rows: Any, chosen: NDArray[np.int_]) -> Any:
    return rows.iloc[chosen] if hasattr(rows, "iloc") else rows[chosen]
