"""The intensity-volume histogram: which share of the tumour is at least so bright, and how bright a share is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, Volume

BINS = 1000
"""The manual's number of bins for images in arbitrary units."""
WIDEST_RANGE = 65_535
"""Whole intensities over a wider range than 16 bits hold are binned like any others."""


def measure(volume: Volume, mask: Mask, _levels: NDArray[Any] | None = None, origin: float | None = None,
            width: float = 1.0) -> dict[str, float]:
    """Measure the intensity-volume histogram of the tumour.

    The histogram has its own binning, finer than the texture's. Whole intensities, as in the digital phantom or an
    image that was not interpolated, are taken as they are, one bin each. All others are arbitrary: the manual then
    recommends 1000 bins between the tumour's lowest and highest intensity, and the intensities at a volume are bin
    numbers from 1 to 1000. Where the range of intensities is stated they are definite: bins of a size from its lower
    end, and the intensities at a volume are the middles of bins.

    Parameters
    ----------
    volume, mask : Volume, Mask
        On one grid, shape (i, j, k), RAS+ mm.
    origin : float, optional
        The lower end of the stated range, in the image's unit; no intensity lies below.
    width : float
        Of a bin of definite intensities, in the image's unit.

    Returns
    -------
    dict of str to float
        `V10`, `V90` (share of the voxels that reach 10 and 90 % of the intensity range), `I10`, `I90` (the lowest
        intensity that at most 10 and 90 % of the voxels reach; one above the highest where even that is too common),
        and their differences. Nothing where all intensities are equal: there is no range to take 10 % of.

    References
    ----------
    IBSI P88C, 'Intensity-volume histogram features'; 10.1148/radiol.2020191145.
    """
    values = volume.voxels[mask.voxels].astype(np.float64)
    lowest, highest = float(values.min()), float(values.max())
    if highest == lowest:
        return {}
    size = 1.0
    if origin is not None:
        steps = np.floor((values - origin) / width)
        lowest, size = origin + width / 2, width
    elif highest - lowest <= WIDEST_RANGE and not np.mod(values, 1.0).any():
        steps = values - lowest
    else:
        steps = np.minimum(np.floor(BINS * ((values - lowest) / (highest - lowest))), BINS - 1)
        lowest = 1.0
    counts = np.bincount(steps.astype(np.int64))
    if len(counts) == 1:
        return {}
    reached = counts[::-1].cumsum()[::-1] / len(values)
    share = np.arange(len(counts)) / (len(counts) - 1)
    bright = {percent: float(reached[share >= percent / 100][0]) for percent in (10, 90)}
    # The shares fall with the intensity: the first that is small enough stands after all that are too large.
    level = {percent: lowest + size * int((reached > percent / 100).sum()) for percent in (10, 90)}
    return {"V10": bright[10], "V90": bright[90], "I10": level[10], "I90": level[90],
            "V10MinusV90": bright[10] - bright[90], "I10MinusI90": level[10] - level[90]}
