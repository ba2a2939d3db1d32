"""Histogram sharpening: what the log intensities would be without the blur that a bias field puts on them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from app.core.data import FloatArray


class Sharpening:
    """Residuals of log intensities against their sharpened values, for one set of voxels.

    The histogram is deconvolved with a Gaussian (Wiener), which estimates the true distribution; each intensity is
    then mapped to the true one expected there. Histogram and map share one index and one fraction of each voxel.
    Bins and map are rounded where ITK rounds them, for among few voxels a last digit soon makes a difference. Working
    arrays are kept between calls.

    Parameters
    ----------
    voxels : int
        How many.
    bins : int
        Of the histogram.
    fwhm : float
        Full width at half maximum of the Gaussian, in log intensity.
    noise : float
        Of the Wiener filter.

    References
    ----------
    Sled, Zijdenbos and Evans 1998, 10.1109/42.668698.
    """

    def __init__(self, voxels: int, bins: int, fwhm: float, noise: float) -> None:
        self._bins, self._fwhm, self._noise = bins, fwhm, noise
        self._padded = 2 ** ((bins - 1).bit_length() + 1)
        self._first = (self._padded - bins) // 2
        self._window = slice(self._first, self._first + bins)
        away = np.arange(self._padded, dtype=np.float64)
        away = np.minimum(away, self._padded - away)
        self._decay = -4 * math.log(2) * away**2
        self._position = np.arange(-self._first, self._padded - self._first, dtype=np.float64)
        self._blur_and_seen = np.zeros((2, self._padded))
        self._true_and_moment = np.zeros((2, self._padded))
        self._place: FloatArray = np.empty(voxels, dtype=np.float32)
        self._fraction: FloatArray = np.empty(voxels, dtype=np.float32)
        self._residual: FloatArray = np.empty(voxels, dtype=np.float32)
        self._bin = np.empty(voxels, dtype=np.intp)
        self._count_and_fraction = np.empty(voxels)
        self._one = float(2 ** voxels.bit_length())

    def residual(self, values: FloatArray) -> FloatArray:
        """Log intensities less their sharpened values.

        Parameters
        ----------
        values : array of float32, shape (voxels,)
            Log intensities.

        Returns
        -------
        array of float32, shape (voxels,)
            Overwritten by the next call; zeros where all values are the same.
        """
        low, high = np.minimum.reduce(values), np.maximum.reduce(values)
        slope = (high - low) / np.float32(self._bins - 1)
        if not slope > 0:
            self._residual[:] = 0
            return self._residual
        place, fraction = self._place, self._fraction
        np.subtract(values, low, out=place)
        np.divide(place, slope, out=place)
        np.copyto(self._bin, place, casting="unsafe")
        np.floor(place, out=fraction)
        np.subtract(place, fraction, out=fraction)
        expected = self._expected(self._histogram(), float(low), float(slope))
        per_bin = np.zeros_like(expected)
        np.subtract(expected[1:], expected[:-1], out=per_bin[:-1])
        sharp, residual = place, self._residual
        per_bin.take(self._bin, out=sharp, mode="clip")
        np.multiply(sharp, fraction, out=sharp)
        expected.take(self._bin, out=residual, mode="clip")
        np.add(residual, sharp, out=sharp)
        return np.subtract(values, sharp, out=residual)

    def _histogram(self) -> NDArray[np.float64]:
        """Share each voxel linearly between its two bins.

        One weighted count gives both the voxels of a bin and the sum of their fractions, for a voxel weighs more than
        all fractions together. A brightest voxel that rounding has put beyond the last bin is dropped, as in ITK.
        """
        np.add(self._fraction, self._one, out=self._count_and_fraction, dtype=np.float64)
        both = np.bincount(self._bin, self._count_and_fraction, self._bins)
        count = np.floor(both / self._one)
        beyond = both - count * self._one
        histogram = count - beyond
        if beyond[-1] > 0:
            histogram[-1] = 0
        histogram[1:] += beyond[:-1]
        return histogram

    def _expected(self, histogram: NDArray[np.float64], low: float, slope: float) -> FloatArray:
        """Map each bin to the true log intensity expected there; 0 where none can be."""
        signals, window, blur = self._blur_and_seen, self._window, self._fwhm / slope
        gaussian = np.exp(self._decay * (1 / blur**2), out=signals[0])
        gaussian *= 2 * math.sqrt(math.log(2) / math.pi) / blur
        signals[1, window] = histogram
        spectra = np.fft.rfft(signals)
        gain = spectra[0].real
        true = np.fft.irfft(spectra[1] * (gain / (gain * gain + self._noise)), self._padded)
        signals = self._true_and_moment
        np.maximum(true, 0, out=signals[0])
        np.multiply(signals[0], low + self._position * slope, out=signals[1])
        spectra = np.fft.rfft(signals)
        spectra *= gain
        weight, moment = np.fft.irfft(spectra, self._padded)[:, window]
        if np.count_nonzero(weight) < self._bins:
            moment, weight = np.where(weight, moment, 0), np.where(weight, weight, 1)
        return np.asarray(moment / weight, dtype=np.float32)
