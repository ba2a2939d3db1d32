"""Conformal sets per class: which diagnoses cannot be ruled out at a chosen error rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def class_quantiles(
    labels: NDArray[np.int_], probabilities: NDArray[np.float64], error_rate: float
) -> tuple[float, float]:
    """Quantile of 1 - p(true class) within each class, from held-out probabilities.

    Parameters
    ----------
    labels : array of int, shape (cases,)
        0 or 1.
    probabilities : array, shape (cases,)
        Held-out probability of class 1.
    error_rate : float
        Share of cases whose true class may be left out.

    Returns
    -------
    negative, positive : float
        1.0 when the class has too few cases for the error rate.

    References
    ----------
    Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World (2005), label-conditional conformal prediction.
    """
    quantiles = []
    for label, own in ((0, 1 - probabilities), (1, probabilities)):
        scores = np.sort(1 - own[labels == label])
        rank = int(np.ceil((len(scores) + 1) * (1 - error_rate)))
        quantiles.append(float(scores[rank - 1]) if rank <= len(scores) else 1.0)
    return quantiles[0], quantiles[1]


def conformal_set(probability: float, quantiles: tuple[float, float]) -> tuple[bool, bool]:
    """Whether each class (negative, positive) stays possible."""
    return probability <= quantiles[0], 1 - probability <= quantiles[1]
