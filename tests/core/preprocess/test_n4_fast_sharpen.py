"""Histogram sharpening and the figure of convergence against both written out plainly."""

import math

import numpy as np
import pytest

from app.core.preprocess.n4_convergence import Variation
from app.core.preprocess.n4_sharpen import Sharpening


def shared_histogram(values, bins):
    """Each value shared between its two bins, one by one."""
    low, high = np.float32(values.min()), np.float32(values.max())
    slope = np.float32((high - low) / np.float32(bins - 1))
    histogram = np.zeros(bins)
    for value in values:
        place = np.float32((value - low) / slope)
        index = int(place)
        rest = float(place) - index
        if rest == 0:
            histogram[index] += 1
        elif index < bins - 1:
            histogram[index] += 1 - rest
            histogram[index + 1] += rest
    return histogram, float(low), float(slope)


def circulant(kernel):
    size = len(kernel)
    return np.array([[kernel[(row - column) % size] for column in range(size)] for row in range(size)])


def sharpened(values, bins, fwhm, noise):
    """Deconvolve and map back with dense matrices instead of transforms: regularised inversion of the blur."""
    histogram, low, slope = shared_histogram(values, bins)
    padded = 2 ** (math.ceil(math.log2(bins)) + 1)
    first = (padded - bins) // 2
    away = np.minimum(np.arange(padded), padded - np.arange(padded))
    width = fwhm / slope
    blur = circulant(2 * math.sqrt(math.log(2) / math.pi) / width * np.exp(-4 * math.log(2) * away**2 / width**2))
    seen = np.zeros(padded)
    seen[first : first + bins] = histogram
    true = np.maximum(np.linalg.solve(blur @ blur + noise * np.eye(padded), blur @ seen), 0)
    x = low + (np.arange(padded) - first) * slope
    expected = ((blur @ (x * true)) / (blur @ true))[first : first + bins]
    return np.interp((values.astype(float) - low) / slope, np.arange(bins), expected)


def tissues(seed=0, count=3000):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(5.0, 0.08, count), rng.normal(5.6, 0.1, count)]).astype(np.float32)


@pytest.mark.parametrize(("bins", "fwhm", "noise"), [(200, 0.15, 0.01), (64, 0.15, 0.01), (200, 0.3, 0.1),
                                                     (50, 1.0, 0.01)])
def test_residuals_are_those_of_a_deconvolution_by_matrices(bins, fwhm, noise):
    values = tissues()
    found = Sharpening(values.size, bins, fwhm, noise).residual(values)
    np.testing.assert_allclose(found, values - sharpened(values, bins, fwhm, noise), atol=2e-5)


def test_the_histogram_shares_voxels_linearly_and_drops_a_brightest_voxel_that_rounding_pushes_out():
    dropped = kept = 0
    for seed in range(40):
        values = tissues(seed, 300)
        sharpening = Sharpening(values.size, 200, 0.15, 0.01)
        sharpening.residual(values)
        found, (expected, _, _) = sharpening._histogram(), shared_histogram(values, 200)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        dropped += found.sum() < values.size - 0.5
        kept += found.sum() > values.size - 0.5
    assert dropped
    assert kept


def test_sharpening_draws_values_towards_their_tissue():
    values = tissues()
    sharp = values - Sharpening(values.size, 200, 0.15, 0.01).residual(values)
    for tissue in (sharp[:3000], sharp[3000:]):
        assert tissue.std() < 0.075
    assert Sharpening(4, 200, 0.15, 0.01).residual(np.full(4, 2, np.float32)).tolist() == [0] * 4


def test_working_arrays_do_not_leak_from_one_call_to_the_next():
    one, other = tissues(1), tissues(2)
    sharpening = Sharpening(one.size, 200, 0.15, 0.01)
    first = sharpening.residual(one).copy()
    sharpening.residual(other)
    np.testing.assert_array_equal(sharpening.residual(one), first)


def accumulate(values):
    """ITK's recurrence in single precision, voxel by voxel."""
    single, mean, square = np.float32, np.float32(0), np.float32(0)
    for count, value in enumerate(values, start=1):
        if count > 1:
            off = single(value - mean)
            square = single(float(square) + float(single(off * off)) * (count - 1.0) / count)
        mean = single(float(mean) * (1 - 1.0 / count) + float(single(value / single(count))))
    return float(np.sqrt(square / single(len(values) - 1)) / mean)


def drifting(count, spread, centre, seed=0):
    """Smooth change over rows and slices, as from one field to the next."""
    t = np.linspace(0, 1, count)
    rows = np.sin(9 * t + seed) + 0.7 * np.sin(50 * np.pi * t) + 0.7 * np.sin(3000 * np.pi * t)
    return (centre + spread * rows).astype(np.float32)


@pytest.mark.parametrize("count", [300, 3000, 30000])
@pytest.mark.parametrize("spread", [3e-4, 1e-3, 4e-3])
@pytest.mark.parametrize("centre", [1.0, 1.002, 0.998])
def test_the_figure_of_convergence_follows_itks_rounding(count, spread, centre):
    values = drifting(count, spread, centre)
    assert Variation(count).accumulated(values) == pytest.approx(accumulate(values), rel=2e-3)


def test_rounding_raises_the_figure_where_voxels_are_many():
    values = drifting(60000, 1e-4, 1.001, seed=2)
    variation = Variation(values.size)
    exact, rounded = variation.exact(values), variation.accumulated(values)
    assert exact == pytest.approx(float(values.std(ddof=1, dtype=float) / values.mean(dtype=float)), rel=1e-4)
    assert rounded > 1.2 * exact  # else following the rounding would be idle
    assert rounded == pytest.approx(accumulate(values), rel=5e-3)
    assert variation.measure(values, 1e-5) == exact
    assert variation.measure(values, 1e-4) == rounded


def test_the_figure_of_few_voxels():
    assert Variation(1).exact(np.ones(1, np.float32)) == 0
    values = drifting(100, 1e-2, 1.0)
    assert Variation(100).accumulated(values) == pytest.approx(accumulate(values), rel=1e-4)
    assert Variation(100).measure(values, 1.0) == pytest.approx(accumulate(values), rel=1e-4)
