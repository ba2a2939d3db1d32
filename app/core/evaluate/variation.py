"""Which features vary at all: a rounding error is no variation, and ranks would make much of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST = 1e-9


def varies(rows: ArrayLike) -> NDArray[np.bool_]:
    """Find the features with more than one value.

    Parameters
    ----------
    rows : array, shape (cases, features)
        NaN or infinite where missing.

    Returns
    -------
    array of bool, shape (features,)
        False where no value is known, or all agree to one part in 10^9 of the largest.
    """
    table = np.asarray(rows, dtype=np.float64)
    known = np.isfinite(table)
    low, high = np.where(known, table, np.inf).min(axis=0), np.where(known, table, -np.inf).max(axis=0)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(known.any(axis=0) & (high - low > LEAST * np.maximum(np.abs(low), np.abs(high))))
