"""Local intensity: the brightest spot of the tumour, averaged over a ball of one cubic centimetre."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, Volume

RADIUS_MM = 10.0 * (3.0 / (4.0 * np.pi)) ** (1.0 / 3.0)
"""Of a ball of 1 cm3: 6.2 mm."""


def measure(volume: Volume, mask: Mask, _levels: NDArray[Any] | None = None) -> dict[str, float]:
    """Measure the local and the global intensity peak.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k), RAS+ mm. It should reach 6.2 mm beyond the tumour: the ball counts every voxel of the image
        whose centre it holds, outside the tumour too; voxels without a value are left out of the average.
    mask : Mask
        On the same grid.

    Returns
    -------
    dict of str to float
        In the image's unit: `LocalPeak`, the average over the ball around the tumour's brightest voxel (the highest
        such average if several voxels are brightest), and `GlobalPeak`, the highest average around any of its voxels.

    References
    ----------
    IBSI VJGA, 0F91; 10.1148/radiol.2020191145.
    """
    from scipy.signal import oaconvolve

    spacing = np.asarray(volume.geometry.spacing)
    reach = np.floor(RADIUS_MM / spacing).astype(int)
    box = mask.box()
    around = tuple(slice(max(span.start - margin, 0), span.stop + margin)
                   for span, margin in zip(box, reach, strict=True))
    inner = tuple(slice(span.start - outer.start, span.stop - outer.start)
                  for span, outer in zip(box, around, strict=True))
    values = volume.voxels[around].astype(np.float64)
    inside = mask.voxels[around]
    known = np.isfinite(values)
    # Centred on the tumour's mean, so that the transform's rounding stays far below the intensities' scatter.
    centre = float(values[inside].mean())
    ball = _ball(reach, spacing)
    total = oaconvolve(np.where(known, values - centre, 0.0), ball, mode="same")[inner]
    voxels = np.rint(oaconvolve(known.astype(np.float64), ball, mode="same")[inner])
    peaks = centre + total[inside[inner]] / voxels[inside[inner]]
    intensities = values[inner][inside[inner]]
    return {"LocalPeak": float(peaks[intensities == intensities.max()].max()), "GlobalPeak": float(peaks.max())}


def _ball(reach: NDArray[np.int64], spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """One at every offset of at most the radius, shape (2 reach + 1)."""
    steps = np.ogrid[tuple(slice(-margin, margin + 1) for margin in reach)]
    squared = sum((step * size) ** 2 for step, size in zip(steps, spacing, strict=True))
    return np.asarray(squared <= RADIUS_MM**2, dtype=np.float64)
