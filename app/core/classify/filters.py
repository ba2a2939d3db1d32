"""The first steps of every pipeline: which columns are learned from, and which of them say nothing new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

Array = NDArray[np.float64]


class FiniteValues(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Numbers as they are; infinite ones count as missing."""

    def fit(self, _rows: Any, _labels: Any = None) -> Self:
        """Learn nothing."""
        return self

    def transform(self, rows: Any) -> Array:
        """Values of shape (rows, features), NaN where missing or infinite."""
        numbers = np.array(rows, dtype=np.float64)
        numbers[~np.isfinite(numbers)] = np.nan
        return numbers

    def __sklearn_is_fitted__(self) -> bool:
        return True


class KeptColumns(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Base of what keeps some columns and drops the rest; `kept_` holds their positions, ascending."""

    kept_: NDArray[np.int_]

    def transform(self, rows: Array) -> Array:
        """Keep the chosen columns: shape (rows, kept)."""
        return np.asarray(rows)[:, self.kept_]


class VaryingFeatures(KeptColumns):
    """Columns that are not constant over the training rows; the first one where all are.

    Parameters
    ----------
    positions : sequence of int, optional
        Keep no others than these, such as the features found stable.
    """

    def __init__(self, positions: Sequence[int] | None = None) -> None:
        self.positions = positions

    def fit(self, rows: Array, _labels: Any = None) -> Self:
        """Find the columns with more than one value."""
        allowed = np.ones(rows.shape[1], dtype=bool) if self.positions is None else np.zeros(rows.shape[1], dtype=bool)
        if self.positions is not None:
            allowed[list(self.positions)] = True
        low, high = rows.min(axis=0), rows.max(axis=0)
        varies = allowed & (high - low > 1e-12 * np.maximum(np.abs(low), np.abs(high)))
        self.kept_ = np.flatnonzero(varies) if varies.any() else np.flatnonzero(allowed)[:1]
        return self


class SpearmanFilter(KeptColumns):
    """Of two columns whose ranks correlate beyond a limit, the later one goes.

    Parameters
    ----------
    limit : float
        Of the absolute Spearman correlation.
    """

    def __init__(self, limit: float = 0.85) -> None:
        self.limit = limit

    def fit(self, rows: Array, _labels: Any = None) -> Self:
        """Walk through the columns in order; a column that a kept one stands for is dropped."""
        alike = np.abs(spearman(rows)) > self.limit
        kept: list[int] = []
        free = np.ones(len(alike), dtype=bool)
        for column in range(len(alike)):
            if free[column]:
                kept.append(column)
                free &= ~alike[column]
        self.kept_ = np.array(kept, dtype=np.int_)
        return self


def spearman(rows: Array) -> Array:
    """Spearman correlation of every two columns, shape (columns, columns); 0 for constant columns."""
    from scipy.stats import rankdata

    ranks = rankdata(rows, axis=0)
    ranks -= ranks.mean(axis=0)
    lengths = np.linalg.norm(ranks, axis=0)
    ranks /= np.where(lengths > 0, lengths, 1.0)
    return np.asarray(ranks.T @ ranks, dtype=np.float64)


class NormalScores(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Each column's rank among the training values, as a quantile of the standard normal distribution.

    Heavy tails and outliers, of which radiomic features are full, lose their leverage; a value beyond the training
    range counts as just beyond its end. Ties take their mean rank.
    """

    def fit(self, rows: Array, _labels: Any = None) -> Self:
        """Keep the sorted training values."""
        self.sorted_ = np.sort(rows, axis=0)
        return self

    def transform(self, rows: Array) -> Array:
        """Normal scores, shape as given."""
        from scipy.special import ndtri

        count = len(self.sorted_)
        ranks = np.empty(rows.shape)
        for column, known in enumerate(self.sorted_.T):
            values = rows[:, column]
            ranks[:, column] = np.searchsorted(known, values, "left") + np.searchsorted(known, values, "right")
        return np.asarray(ndtri((ranks / 2 + 0.5) / (count + 1)), dtype=np.float64)
