"""Fat and what is not fat inside an outline, on images of arbitrary units, whether fat is bright or dark.

Two things are assumed: most of the outline is fat, so that the commonest intensity is fat's; and everything else lies
to one side of it, brighter where fat is suppressed, darker where it is not. Which side is read from the image: the one
with the longer tail. Septa are told from nodules by their thickness alone. In a tumour that is not mostly fat the
commonest intensity is another tissue's, and these features say nothing about fat.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, MaskArray, Volume

HISTOGRAM_BINS, SMOOTHING = 256, 4.0
"""Bins from the 0.5th to the 99.5th percentile, and the Gaussian, in bins, that finds their peak."""
WIDTHS = 3.0
"""How many widths of the fat peak a voxel lies from it at least, to be something else."""
HALF_WAY = 0.5
"""How far on the way from fat to solid tissue; a voxel half filled with each lies half way."""
SOLID_PERCENTILE = 75.0
"""Of the voxels beyond the fat peak's width: solid tissue, where most others are filled in part."""
NODULE_MM = 10.0
"""Thinnest nodule; septa are thinner."""
FEWEST_VOXELS = 50


def measure(volume: Volume, mask: Mask, _levels: NDArray[Any] | None) -> dict[str, float]:
    """Measure how much of a tumour is not fat, in septa and in nodules.

    Fat's intensity is the peak of the smoothed histogram, its width 1.4826 times the median distance of the voxels on
    the clean side, the one with the shorter tail. A voxel is not fat that lies three widths or more from the peak on
    the other side, and at least half way to solid tissue: the upper quartile of all that lie three widths away. Nodules
    are what survives an opening of the non-fat voxels by a ball of 10 mm; septa are the rest.

    Parameters
    ----------
    volume, mask : Volume, Mask
        On one grid, shape (i, j, k), RAS+ mm; any unit of intensity.

    Returns
    -------
    dict of str to float
        `NonFatFraction`, `SeptalFraction` and `NodularFraction` of the outline's voxels, 0 to 1, the last two adding up
        to the first; and `Contrast`, the distance of the solid tissue from fat in widths of the fat peak, negative
        where it is darker than fat. All are left out below 50 voxels, or where fat has no width.
    """
    inside = volume.voxels[mask.voxels].astype(np.float64)
    if inside.size < FEWEST_VOXELS:
        return {}
    peak = fat_peak(inside)
    low, high = np.percentile(inside, [2.0, 98.0])
    brighter = bool(high - peak >= peak - low)
    away = inside - peak if brighter else peak - inside
    width = 1.4826 * float(np.median(-away[away <= 0]))
    if width <= 0:
        return {}
    beyond = away[away > WIDTHS * width]
    solid = float(np.percentile(beyond, SOLID_PERCENTILE)) if beyond.size else 0.0
    other = np.zeros(mask.voxels.shape, dtype=bool)
    other[mask.voxels] = away > max(WIDTHS * width, HALF_WAY * solid)
    box = mask.box()
    nodular = int(keep_thick(other[box], mask.geometry.spacing, NODULE_MM).sum()) / inside.size
    fraction = int(other.sum()) / inside.size
    return {"NonFatFraction": fraction, "SeptalFraction": fraction - nodular, "NodularFraction": nodular,
            "Contrast": (solid if brighter else -solid) / width}


def fat_peak(intensities: NDArray[np.float64]) -> float:
    """Find the commonest intensity.

    Parameters
    ----------
    intensities : array, shape (n,)
        Of the voxels inside the outline.

    Returns
    -------
    float
        In the image's unit: where the histogram of 256 bins between the 0.5th and the 99.5th percentile, smoothed over
        4 bins, is highest.
    """
    from scipy.ndimage import gaussian_filter1d

    low, high = np.percentile(intensities, [0.5, 99.5])
    if low == high:
        return float(low)
    counts, edges = np.histogram(intensities, HISTOGRAM_BINS, (low, high))
    highest = int(gaussian_filter1d(counts.astype(np.float64), SMOOTHING, mode="constant").argmax())
    return float(edges[highest] + edges[highest + 1]) / 2


def keep_thick(inside: MaskArray, spacing: tuple[float, float, float], thickness_mm: float) -> MaskArray:
    """Open a mask with a ball: keep what is at least so thick in every direction.

    Parameters
    ----------
    inside : array of bool, shape (i, j, k)
        What lies beyond the array counts as outside.
    spacing : tuple of float
        Along (i, j, k), mm.
    thickness_mm : float
        The ball's diameter. Between slices further apart than this a ball sees one slice alone, and thickness is that
        within the slice.

    References
    ----------
    Serra 1982, Image Analysis and Mathematical Morphology.
    """
    from scipy.ndimage import distance_transform_edt

    padded = np.pad(inside, 1)
    # Distances run between centres of voxels; the border lies half a voxel before the first one outside.
    border, radius = min(spacing) / 2, thickness_mm / 2
    core = distance_transform_edt(padded, sampling=spacing) - border >= radius
    if not core.any():
        return np.zeros_like(inside)
    kept = padded & (distance_transform_edt(~core, sampling=spacing) <= radius + border)
    return np.asarray(kept[1:-1, 1:-1, 1:-1])
