"""Filters of the Image Biomarker Standardisation Initiative by convolution: mean, Laplacian of Gaussian, wavelets.

Responses are those of the IBSI's reference manual on convolutional filters, in units of voxels: equal to its consensus
response maps on its digital phantoms.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BOUNDARIES = {"zero": "constant", "nearest": "nearest", "periodic": "wrap", "mirror": "reflect"}
"""What lies beyond the image: the IBSI's name and scipy's."""
WHOLE = 10.0
"""Standard deviations beyond which a Gaussian is nothing."""


def filter_mean(voxels: Array, support: int, boundary: str = "mirror", axes: Iterable[int] = (0, 1, 2)) -> Array:
    """Replace each voxel by the mean of its neighbourhood.

    Parameters
    ----------
    voxels : array of float64, shape (i, j, k)
        The image.
    support : int
        Length of the neighbourhood along each axis, voxels, odd.
    boundary : str
        A key of `BOUNDARIES`.
    axes : iterable of int
        Those the neighbourhood extends along: two of them filter slices one by one.

    Returns
    -------
    array of float64, shape (i, j, k)
        In the image's unit.

    References
    ----------
    Whybra et al. 2024, 10.1148/radiol.231319.
    """
    from scipy import ndimage

    found: Array = ndimage.uniform_filter(voxels, support, mode=BOUNDARIES[boundary], axes=tuple(axes))
    return found


def filter_log(voxels: Array, sigma: float, spacing: tuple[float, ...], truncate: float = 4.0,
               boundary: str = "mirror", axes: Iterable[int] = (0, 1, 2)) -> Array:
    """Laplacian of Gaussian: bright blobs of radius near sigma times the root of 3 answer with a minimum.

    Parameters
    ----------
    voxels : array of float64, shape (i, j, k)
        The image.
    sigma : float
        Standard deviation of the Gaussian, mm.
    spacing : tuple of float
        Voxel size along (i, j, k), mm.
    truncate : float
        Where the kernel is cut, in standard deviations.
    boundary : str
        A key of `BOUNDARIES`.
    axes : iterable of int
        As for `filter_mean`.

    Returns
    -------
    array of float64, shape (i, j, k)
        Intensity per squared length, the length being the finest voxel size among `axes`: for cubic voxels the IBSI's
        response.

    References
    ----------
    Whybra et al. 2024, 10.1148/radiol.231319.
    """
    from scipy import ndimage

    chosen = tuple(axes)
    finest = min(spacing[axis] for axis in chosen)
    widths = [sigma / spacing[axis] for axis in chosen]
    found, level = np.zeros(voxels.shape), 0.0
    for axis in chosen:
        orders, weight = [2 if each == axis else 0 for each in chosen], (finest / spacing[axis]) ** 2
        found += weight * ndimage.gaussian_filter(voxels, widths, orders, mode=BOUNDARIES[boundary], truncate=truncate,
                                                  axes=chosen)
        level += weight * float(ndimage.gaussian_filter1d(np.ones(1), sigma / spacing[axis], order=2, mode="nearest",
                                                          truncate=WHOLE)[0])
    # Sampled more coarsely than a voxel per sigma, across thick slices, the whole kernel would not sum to zero and an
    # even image would answer. For finer voxels there is nothing to take away.
    found -= level * ndimage.gaussian_filter(voxels, widths, mode=BOUNDARIES[boundary], truncate=truncate, axes=chosen)
    return found


def filter_wavelet(voxels: Array, bands: str, family: str, level: int = 1, boundary: str = "mirror",
                   axes: Iterable[int] = (0, 1, 2), *, pooled: bool = False) -> Array:
    """Separable wavelet sub-band, not decimated ("a trous").

    Parameters
    ----------
    voxels : array of float64, shape (i, j, k)
        The image.
    bands : str
        'L' (low-pass) or 'H' (high-pass) for each of `axes`, at the last level; the levels before it pass all low.
    family : str
        PyWavelets' name, e.g. 'coif1'.
    level : int
        1 or more; the filters of level n have 2 ** (n - 1) - 1 zeros after each coefficient.
    boundary : str
        A key of `BOUNDARIES`.
    axes : iterable of int
        As for `filter_mean`.
    pooled : bool
        Average over the right-angled rotations, so that the response does not depend on how the image lies.

    Returns
    -------
    array of float64, shape (i, j, k)
        In the image's unit, times the filters' gain: the root of 2 per axis and level for a low-pass.

    References
    ----------
    Whybra et al. 2024, 10.1148/radiol.231319.
    """
    chosen = tuple(axes)
    # The 24 rotations hold every order of the letters with every mirroring equally often, and mirrorings of a separable
    # filter average axis by axis.
    orders = sorted(set(permutations(bands))) if pooled else [tuple(bands)]
    total = np.zeros(voxels.shape)
    for letters in orders:
        response = voxels
        for axis, letter in zip(chosen, letters, strict=True):
            straight = _filter_axis(response, axis, letter, family, level, boundary)
            if pooled:
                mirrored = _filter_axis(np.flip(response, axis), axis, letter, family, level, boundary)
                straight = (straight + np.flip(mirrored, axis)) / 2
            response = straight
        total += response
    return total / len(orders)


def wavelet_reach(family: str, level: int) -> int:
    """How far a wavelet's filters of all levels together reach, voxels."""
    import pywt

    return int(pywt.Wavelet(family).dec_len * (2**level - 1))


def _filter_axis(voxels: Array, axis: int, letter: str, family: str, level: int, boundary: str) -> Array:
    import pywt
    from scipy import ndimage

    wavelet = pywt.Wavelet(family)
    for step in range(level):
        taps = wavelet.dec_hi if step == level - 1 and letter == "H" else wavelet.dec_lo
        spread = np.zeros(len(taps) * 2**step)
        spread[:: 2**step] = taps
        voxels = ndimage.convolve1d(voxels, spread, axis=axis, mode=BOUNDARIES[boundary])
    return voxels
