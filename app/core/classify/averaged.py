"""Several models' calibrated log odds, averaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from app.core.classify.scores import raw_score

Array = NDArray[np.float64]


class AveragedModels(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The mean of the members' calibrated log odds.

    Parameters
    ----------
    members : sequence of fitted pipeline
        Each takes the table.
    slopes, intercepts : sequence of float
        Of each member's Platt curve. A member that told nothing on held-out rows has a flat one, and so no voice.
    """

    def __init__(self, members: Sequence[Any], slopes: Sequence[float], intercepts: Sequence[float]) -> None:
        self.members = members
        self.slopes = slopes
        self.intercepts = intercepts

    def fit(self, _table: Any, _labels: Any = None) -> Self:
        """Learn nothing: the members come fitted."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def decision_function(self, table: Any) -> Array:
        """Mean calibrated log odds, shape (rows,)."""
        curves = zip(self.members, self.slopes, self.intercepts, strict=True)
        each = [slope * pipeline_score(member, table) + shift for member, slope, shift in curves]
        return np.asarray(np.mean(each, axis=0), dtype=np.float64)


def pipeline_score(pipeline: Any, table: Any) -> Array:
    """Raw score of class 1 from a fitted pipeline, shape (rows,)."""
    rows = table
    for _, step in pipeline.steps[:-1]:
        rows = step.transform(rows)
    return raw_score(pipeline.steps[-1][1], rows)
