"""Grey levels from intensities: bins of a size or a number as the IBSI or pyradiomics lays them, and quantiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, Volume
from app.core.radiomics.texture import Levels, load_pyradiomics

DEFAULT_WIDTH = 25.0


def bin_by_size(intensities: NDArray[Any], width: float, origin: float | None = None) -> Levels:
    """Bin with a fixed size: level 1 begins at the origin.

    Parameters
    ----------
    intensities : array, shape (n,)
        Of the voxels inside the outline.
    width : float
        Of a bin, in the image's unit; above 0.
    origin : float, optional
        At or below every intensity, the same for all cases that are to be compared; by default the lowest intensity.

    Returns
    -------
    array of int32, shape (n,)

    References
    ----------
    IBSI reference manual, 'Fixed bin size' (Q3RU); 10.1148/radiol.2020191145.
    """
    values = np.asarray(intensities, dtype=np.float64)
    start = values.min() if origin is None else origin
    return np.asarray(np.floor((values - start) / width) + 1, dtype=np.int32)


def bin_by_number(intensities: NDArray[Any], count: int) -> Levels:
    """Bin to a fixed number of levels between the lowest and the highest intensity.

    Parameters
    ----------
    intensities : array, shape (n,)
        Of the voxels inside the outline.
    count : int
        Number of levels.

    Returns
    -------
    array of int32, shape (n,)
        1 to `count`; one intensity throughout is level 1.

    References
    ----------
    IBSI reference manual, 'Fixed bin number' (K15C); 10.1148/radiol.2020191145.
    """
    values = np.asarray(intensities, dtype=np.float64)
    low, high = values.min(), values.max()
    if low == high:
        return np.ones(values.shape, dtype=np.int32)
    return np.asarray(np.minimum(np.floor(count * (values - low) / (high - low)) + 1, count), dtype=np.int32)


def bin_like_pyradiomics(intensities: NDArray[Any], settings: dict[str, Any]) -> Levels:
    """Bin as pyradiomics does: edges at multiples of the width, and the lowest level that occurs is 1.

    Parameters
    ----------
    intensities : array, shape (n,)
        Of the voxels inside the outline.
    settings : dict
        pyradiomics' own: 'binWidth', or 'binCount' in its place.

    Returns
    -------
    array of int32, shape (n,)
    """
    levels, _ = load_pyradiomics().imageoperations.binImage(intensities, np.ones(intensities.shape, bool), **settings)
    return np.asarray(levels, dtype=np.int32)


def equal_levels(volume: Volume, mask: Mask, levels: int) -> Levels:
    """Quantise with equal probability: every grey level holds the same number of voxels, as far as ties allow.

    Parameters
    ----------
    volume, mask : Volume, Mask
        On one grid, shape (i, j, k).
    levels : int
        Number of grey levels, 1 or more.

    Returns
    -------
    array of int32, shape (i, j, k)
        1 to `levels` inside the outline, 0 outside. Without ties the counts differ by one at most. Equal intensities
        always share a level, the one their first belongs to: some levels may then stay empty, and one intensity
        throughout is level 1.
    """
    found = np.zeros(mask.voxels.shape, dtype=np.int32)
    inside = volume.voxels[mask.voxels]
    ordered = np.sort(inside)
    # Level q ends with the intensity below or at which q of `levels` parts of the voxels lie.
    last = -(-np.arange(1, levels) * inside.size // levels) - 1
    found[mask.voxels] = np.searchsorted(ordered[np.maximum(last, 0)], inside, side="left") + 1
    return found
