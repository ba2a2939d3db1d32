"""Moran's I and Geary's C over every pair of voxels, in the time of a few Fourier transforms."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def spatial_autocorrelation(values: FloatArray, inside: NDArray[np.bool_],
                            spacing: tuple[float, float, float]) -> tuple[float, float] | None:
    """Measure whether near voxels are more alike than far ones.

    Every pair of voxels counts, weighted by 1 / distance. The sums over pairs are sums over the product of two
    spectra (Parseval), which makes them exact to rounding without listing the pairs.

    Parameters
    ----------
    values : array of float64, shape (i, j, k)
        Intensities; only those inside count.
    inside : array of bool, shape (i, j, k)
        The tumour; the tighter the box, the faster.
    spacing : tuple of float
        Voxel size along (i, j, k), mm.

    Returns
    -------
    tuple of float, or None
        Moran's I (1 where intensities gather in patches, about 0 where they are scattered at random) and Geary's C
        (below 1 in patches). None for fewer than two voxels, or all of one intensity.

    References
    ----------
    IBSI N365, NPT7; 10.1148/radiol.2020191145.
    """
    voxels = int(inside.sum())
    shifted = np.where(inside, values - values[inside].mean(), 0.0)
    scatter = float((shifted**2).sum())
    if voxels < 2 or np.ptp(values[inside]) == 0:
        return None
    weights = products = squares = 0.0
    for spectrum, (fields, images, both) in _spectra(inside, shifted, spacing):
        weights += float((spectrum * fields).sum())
        products += float((spectrum * images).sum())
        squares += float((spectrum * both).sum())
    moran = voxels * products / (weights * scatter)
    geary = (voxels - 1) * (squares - products) / (weights * scatter)
    return moran, geary


def _spectra(inside: NDArray[np.bool_], shifted: FloatArray, spacing: tuple[float, float, float],
             ) -> Iterator[tuple[FloatArray, tuple[FloatArray, FloatArray, FloatArray]]]:
    """Give, frequency by frequency along k, the kernel's spectrum and those of the tumour, its values and squares.

    Padding to twice the box keeps the circular sums apart. One frequency at a time keeps the memory at that of the
    box transformed along k alone.
    """
    from scipy.fft import fft2, next_fast_len, rfft

    half = tuple(next_fast_len(size) for size in shifted.shape)
    kernel = _kernel_spectrum(half, spacing)
    along = [rfft(field, 2 * half[2], axis=2) for field in (inside.astype(np.float64), shifted, shifted**2)]
    folded = np.ix_(*(np.r_[: size + 1, size - 1 : 0 : -1] for size in half[:2]))
    for frequency in range(half[2] + 1):
        # A real field's frequencies come in pairs of equal size, but for the first and the last.
        weight = 1.0 if frequency in (0, half[2]) else 2.0
        mask, image, square = (fft2(field[:, :, frequency], (2 * half[0], 2 * half[1])) for field in along)
        yield weight * kernel[:, :, frequency][folded], (
            np.abs(mask) ** 2, np.abs(image) ** 2, (mask.conj() * square).real)


def _kernel_spectrum(half: tuple[int, ...], spacing: tuple[float, float, float]) -> FloatArray:
    """Transform 1 / distance; it is even, so that its cosine transform over one octant is its whole spectrum."""
    from scipy.fft import dctn

    steps = np.ogrid[tuple(slice(0, size + 1) for size in half)]
    distance = np.sqrt(sum((step * size) ** 2 for step, size in zip(steps, spacing, strict=True)))
    distance[0, 0, 0] = np.inf
    return np.asarray(dctn(1.0 / distance, type=1))
