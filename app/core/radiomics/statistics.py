"""Statistics of the intensities as they are, where pyradiomics' first order has none or defines them otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, Volume


def measure(volume: Volume, mask: Mask, _levels: NDArray[Any] | None = None) -> dict[str, float]:
    """Measure how the intensities of the tumour scatter.

    Parameters
    ----------
    volume, mask : Volume, Mask
        On one grid, shape (i, j, k), RAS+ mm; intensities in the image's own unit.

    Returns
    -------
    dict of str to float
        As `scatter`.
    """
    return scatter(volume.voxels[mask.voxels].astype(np.float64))


def scatter(values: NDArray[np.float64]) -> dict[str, float]:
    """Measure how values scatter about their centre.

    Parameters
    ----------
    values : array of float64, shape (n,)
        One or more values.

    Returns
    -------
    dict of str to float
        `ExcessKurtosis` (0 for a normal distribution, and where all values are equal), `MedianAbsoluteDeviation` (the
        average distance from the median; IBSI's, not the median of the distances), `CoefficientOfVariation` (left out
        at a mean of 0) and `QuartileDispersion` (left out where the quartiles cancel).

    References
    ----------
    IBSI IPH6, N72L, 7TET, 9S40; 10.1148/radiol.2020191145.
    """
    mean, deviation = float(values.mean()), float(values.std())
    first, median, third = (float(value) for value in np.percentile(values, (25, 50, 75)))
    kurtosis = float((((values - mean) / deviation) ** 4).mean()) - 3.0 if deviation > 0 else 0.0
    measured = {"ExcessKurtosis": kurtosis, "MedianAbsoluteDeviation": float(np.abs(values - median).mean())}
    if mean != 0:
        measured["CoefficientOfVariation"] = deviation / mean
    if third + first != 0:
        measured["QuartileDispersion"] = (third - first) / (third + first)
    return measured
