"""Where the training cases lie, and how far away is too far."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.folds import Folds

Array = NDArray[np.float64]
QUANTILE = 0.995
# With more features than this a covariance is kept along its largest axes only: a model must fit in an e-mail.
MOST_AXES = 20


@dataclass(frozen=True, eq=False)
class Space:
    """Where cases lie, and a distance.

    Parameters
    ----------
    centre, scale : array, shape (features,)
    axes : array, shape (axes, features)
        Directions of the scaled features along which the cases vary most, orthonormal.
    variances : array, shape (axes,)
        Of the shrunk covariance along each.
    rest : float
        Its mean variance in every other direction.
    limit : float
    """

    centre: Array
    scale: Array
    axes: Array
    variances: Array
    rest: float
    limit: float

    def distances(self, rows: Array) -> Array:
        """Mahalanobis distance of each row, shape (rows,); a missing value counts as average."""
        scaled = np.nan_to_num((rows - self.centre) / self.scale)
        along = scaled @ self.axes.T
        beside = np.maximum((scaled**2).sum(axis=1) - (along**2).sum(axis=1), 0.0)
        return np.asarray(np.sqrt((along**2 / self.variances).sum(axis=1) + beside / self.rest))


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
    return replace(whole, limit=float(np.quantile(held_out, QUANTILE)))


def _fit(rows: Array) -> Space:
    from sklearn.covariance import ledoit_wolf_shrinkage

    known = [column[np.isfinite(column)] for column in rows.T]
    centre = np.array([np.median(column) if column.size else 0.0 for column in known])
    spread = np.array([column.std() if column.size else 0.0 for column in known])
    scale = np.where(spread > 0, spread, 1.0)
    scaled = np.nan_to_num((rows - centre) / scale)
    width = rows.shape[1]
    shrinkage = float(ledoit_wolf_shrinkage(scaled, assume_centered=True)) if width > 1 else 0.0
    total = float((scaled**2).sum() / len(rows))
    mean = total / width or 1.0
    # of all directions: with as many axes as features the distance is exact
    _, lengths, axes = np.linalg.svd(scaled, full_matrices=len(rows) < width <= MOST_AXES)
    variances = np.zeros(len(axes))
    variances[: len(lengths)] = lengths**2 / len(rows)
    kept = min(MOST_AXES, len(axes))
    left = (total - float(variances[:kept].sum())) / (width - kept) if width > kept else 0.0
    shrunk = (1 - shrinkage) * np.maximum(variances[:kept], 1e-9) + shrinkage * mean
    rest = (1 - shrinkage) * max(left, 1e-9) + shrinkage * mean
    return Space(centre, scale, axes[:kept], shrunk, rest, np.inf)
