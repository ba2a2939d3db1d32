"""Where the training cases lie, and how far away is too far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.folds import Folds

Array = NDArray[np.float64]
QUANTILE = 0.995


@dataclass(frozen=True, eq=False)
class Space:
    """Centre and scale, shape (features,); precision of the scaled features, shape (features, features); a distance."""

    centre: Array
    scale: Array
    precision: Array
    limit: float

    def distances(self, rows: Array) -> Array:
        """Mahalanobis distance of each row, shape (rows,); a missing value counts as average."""
        scaled = np.nan_to_num((rows - self.centre) / self.scale)
        return np.asarray(np.sqrt(np.einsum("ij,jk,ik->i", scaled, self.precision, scaled)))


def measure_space(rows: Array, folds: Folds) -> Space:
    """Fit centre, scale and shrunk covariance, and the distance that one held-out case in 200 exceeds.

    Parameters
    ----------
    rows : array, shape (rows, features)
        NaN where missing.
    folds : Folds
        The first repeat's held-out rows calibrate the limit.

    References
    ----------
    Ledoit and Wolf, J Multivariate Anal 88 (2004), 10.1016/S0047-259X(03)00096-4
    """
    held_out = np.concatenate([_fit(rows[train]).distances(rows[test]) for train, test in folds.splits[: folds.k]])
    whole = _fit(rows)
    return Space(whole.centre, whole.scale, whole.precision, float(np.quantile(held_out, QUANTILE)))


def _fit(rows: Array) -> Space:
    from sklearn.covariance import LedoitWolf

    known = [column[np.isfinite(column)] for column in rows.T]
    centre = np.array([np.median(column) if column.size else 0.0 for column in known])
    spread = np.array([column.std() if column.size else 0.0 for column in known])
    scale = np.where(spread > 0, spread, 1.0)
    covariance = LedoitWolf(assume_centered=True).fit(np.nan_to_num((rows - centre) / scale))
    return Space(centre, scale, covariance.precision_, np.inf)
