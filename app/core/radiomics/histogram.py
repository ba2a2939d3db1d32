"""The intensity histogram: statistics of the grey levels after binning, and how steeply their counts change."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, Volume
from app.core.radiomics.statistics import scatter


def measure(_volume: Volume, _mask: Mask, levels: NDArray[Any]) -> dict[str, float]:
    """Measure the histogram of the tumour's grey levels.

    Parameters
    ----------
    levels : array of int, shape (i, j, k)
        Grey levels from 1 inside the outline, 0 outside.

    Returns
    -------
    dict of str to float
        In grey levels; gradients in voxels per grey level. The histogram runs from level 1 to the highest, empty
        levels included; its gradient is the central difference, one-sided at the ends. Of several levels that are
        equally frequent the mode is the one nearest to the mean. With a single level there is no gradient.

    References
    ----------
    IBSI ZVCW; 10.1148/radiol.2020191145.
    """
    inside = levels[levels > 0]
    values = inside.astype(np.float64)
    mean, deviation = float(values.mean()), float(values.std())
    low, first, median, third, high = (float(value) for value in np.percentile(values, (10, 25, 50, 75, 90)))
    middle = values[(values >= low) & (values <= high)]
    counts = np.bincount(inside)[1:]
    shares = counts[counts > 0] / len(values)
    frequent = 1.0 + np.flatnonzero(counts == counts.max())
    measured = {
        "Mean": mean, "Variance": deviation**2,
        "Skewness": float((((values - mean) / deviation) ** 3).mean()) if deviation > 0 else 0.0,
        "Median": median, "Minimum": float(values.min()), "10Percentile": low, "90Percentile": high,
        "Maximum": float(values.max()), "Mode": float(frequent[np.argmin(np.abs(frequent - mean))]),
        "InterquartileRange": third - first, "Range": float(values.max() - values.min()),
        "MeanAbsoluteDeviation": float(np.abs(values - mean).mean()),
        "RobustMeanAbsoluteDeviation": float(np.abs(middle - middle.mean()).mean()),
        "Entropy": float(np.abs((shares * np.log2(shares)).sum())), "Uniformity": float((shares**2).sum()),
    }
    return measured | scatter(values) | _gradients(counts)


def _gradients(counts: NDArray[np.int64]) -> dict[str, float]:
    """Find the steepest rise and fall of the histogram, and the levels where they are."""
    if len(counts) < 2:
        return {}
    slope = np.gradient(counts.astype(np.float64))
    return {"MaximumGradient": float(slope.max()), "MaximumGradientLevel": 1.0 + float(slope.argmax()),
            "MinimumGradient": float(slope.min()), "MinimumGradientLevel": 1.0 + float(slope.argmin())}
