"""Histogram sharpening: what the log intensities would be without the blur that a bias field puts on them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from app.core.data import FloatArray


class Sharpening:
    """Residuals of log intensities against their sharpened values, for one set of voxels.

    The histogram is deconvolved with a Gaussian (Wiener), which estimates the true distribution; each intensity is
    then mapped to the true one expected there. Intensities are counted in bins above the lowest, so that value and
    map share one index and one fraction. Working arrays are kept between calls.

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
        self._position = np.arange(self._padded, dtype=np.float64) - self._first
        self._signals = np.zeros((2, self._padded))
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
        width = float(slope)
        at_bin, per_fraction = self._tabulate(self._expected(self._histogram(), float(low), width), width)
        residual = self._residual
        per_fraction.take(self._bin, out=residual, mode="clip")
        np.multiply(residual, fraction, out=residual)
        at_bin.take(self._bin, out=place, mode="clip")
        np.add(residual, place, out=residual)
        return residual

    def _histogram(self) -> NDArray[np.float64]:
        """Share each voxel linearly between its two bins.

        One weighted count gives both the voxels of a bin and the sum of their fractions, for a voxel weighs more than
        all fractions together. A brightest voxel that rounding has put beyond the last bin is dropped, as in ITK.
        """
        np.add(self._fraction, self._one, out=self._count_and_fraction)
        both = np.bincount(self._bin, self._count_and_fraction, self._bins)
        count = np.floor(both / self._one)
        beyond = both - count * self._one
        histogram = count - beyond
        if beyond[-1] > 0:
            histogram[-1] = 0
        histogram[1:] += beyond[:-1]
        return histogram

    def _expected(self, histogram: NDArray[np.float64], low: float, width: float) -> NDArray[np.float64]:
        """Map each bin to the true intensity expected there, in bins above the lowest value; 0 in log if unknown."""
        signals, window = self._signals, self._window
        blur = self._fwhm / width
        gaussian = np.exp(self._decay * (1 / blur**2), out=signals[0])
        gaussian *= 2 * math.sqrt(math.log(2) / math.pi) / blur
        signals[1] = 0
        signals[1, window] = histogram
        spectra = np.fft.rfft(signals)
        gain = spectra[0].real
        true = np.fft.irfft(spectra[1] * (gain / (gain * gain + self._noise)), self._padded)
        np.maximum(true, 0, out=signals[0])
        np.multiply(signals[0], self._position, out=signals[1])
        spectra = np.fft.rfft(signals)
        spectra *= gain
        smooth = np.fft.irfft(spectra, self._padded)
        weight, moment = smooth[0, window], smooth[1, window]
        if weight.all():
            return np.asarray(moment / weight)
        unknown: NDArray[np.float64] = np.full(self._bins, -low / width)
        return np.divide(moment, weight, out=unknown, where=weight != 0)

    def _tabulate(self, expected: NDArray[np.float64], width: float) -> tuple[FloatArray, FloatArray]:
        """Residual at each bin and its change over one bin, log intensity."""
        at_bin = (self._position[self._window] - expected) * width
        per_fraction = np.empty_like(at_bin)
        np.subtract(at_bin[1:], at_bin[:-1], out=per_fraction[:-1])
        per_fraction[-1] = width
        return at_bin.astype(np.float32), per_fraction.astype(np.float32)
