import numpy as np
import pytest
from scipy import ndimage, stats

from app.core.data import Mask, Volume
from app.core.radiomics import histogram, local_intensity, statistics, volume_histogram
from tests.core.radiomics.families_cases import lumpy_case


def row_of(values) -> tuple[Volume, Mask, np.ndarray]:
    line = np.asarray(values, dtype=np.float32).reshape(-1, 1, 1)
    return Volume(line, np.eye(4)), Mask(np.ones(line.shape, bool), np.eye(4)), line.astype(np.int64)


def test_statistics_equal_scipys() -> None:
    volume, mask, _ = lumpy_case()
    values = volume.voxels[mask.voxels].astype(np.float64)
    first, third = np.percentile(values, (25, 75))
    assert statistics.measure(volume, mask) == pytest.approx({
        "ExcessKurtosis": stats.kurtosis(values), "MedianAbsoluteDeviation": np.abs(values - np.median(values)).mean(),
        "CoefficientOfVariation": stats.variation(values), "QuartileDispersion": (third - first) / (third + first)})


def test_statistics_leave_out_what_would_divide_by_nothing() -> None:
    assert set(statistics.measure(*row_of([-2, -1, 1, 2]))) == {"ExcessKurtosis", "MedianAbsoluteDeviation"}


def test_histogram_equals_scipys() -> None:
    volume, mask, levels = lumpy_case()
    values = levels[levels > 0]
    measured = histogram.measure(volume, mask, levels)
    counts = np.bincount(values)[1:]
    expected = {"Mean": values.mean(), "Variance": values.var(), "Skewness": stats.skew(values),
                "ExcessKurtosis": stats.kurtosis(values), "Entropy": stats.entropy(counts, base=2),
                "Uniformity": ((counts / counts.sum()) ** 2).sum(), "InterquartileRange": stats.iqr(values)}
    assert {name: measured[name] for name in expected} == pytest.approx(expected)
    assert len(measured) == 23


def test_mode_of_a_tie_is_nearest_to_the_mean() -> None:
    assert histogram.measure(*row_of([1, 1, 4, 4, 5, 6]))["Mode"] == 4.0


def test_histogram_starts_at_the_first_level_though_it_is_empty() -> None:
    measured = histogram.measure(*row_of([3, 3, 3, 3, 4]))
    # Counts 0, 0, 4, 1: slopes 0, 2, 0.5, -3.
    assert (measured["MaximumGradient"], measured["MaximumGradientLevel"]) == (2.0, 2.0)
    assert (measured["MinimumGradient"], measured["MinimumGradientLevel"]) == (-3.0, 4.0)


def test_volume_histogram_of_whole_intensities() -> None:
    measured = volume_histogram.measure(*row_of(range(-3, 8)))
    # Eleven intensities from -3 to 7: a tenth of the range is reached from -2 on, nine tenths from 6 on.
    assert measured == pytest.approx({"V10": 10 / 11, "V90": 2 / 11, "I10": 7.0, "I90": -1.0,
                                      "V10MinusV90": 8 / 11, "I10MinusI90": 8.0})


def test_volume_histogram_counts_gaps() -> None:
    measured = volume_histogram.measure(*row_of([0] * 19 + [50]))
    assert (measured["I10"], measured["I90"]) == (1.0, 1.0)
    assert measured["V10"] == measured["V90"] == pytest.approx(0.05)


def test_volume_histogram_stands_above_the_highest_where_that_is_common() -> None:
    assert volume_histogram.measure(*row_of([0, 0, 0, 9]))["I10"] == 10.0


def test_volume_histogram_of_arbitrary_intensities_has_a_thousand_bins() -> None:
    values = np.linspace(0.0, 0.37, 100_001)
    measured = volume_histogram.measure(*row_of(values))
    # The ends of float32 steps decide a few voxels.
    assert measured["V10"] == pytest.approx(0.9, abs=2e-3)
    assert measured["V90"] == pytest.approx(0.1, abs=2e-3)
    assert measured["I10"] == pytest.approx(901, abs=1)
    assert measured["I90"] == pytest.approx(101, abs=1)
    tenfold = volume_histogram.measure(*row_of(values * 10 - 5))
    assert tenfold == pytest.approx(measured, abs=1.0)


def test_volume_histogram_of_a_very_wide_range_stays_small() -> None:
    measured = volume_histogram.measure(*row_of([0.0, 1e9, 2e9, 4e9]))
    assert 1 <= measured["I90"] <= 1001


def brute_peaks(volume: Volume, mask: Mask) -> np.ndarray:
    """Average over the ball around each voxel of the tumour, one by one."""
    spacing = np.asarray(volume.geometry.spacing)
    known = np.isfinite(volume.voxels)
    grid = np.argwhere(known) * spacing
    values = volume.voxels[known].astype(np.float64)
    return np.array([values[((grid - place * spacing) ** 2).sum(axis=1) <= local_intensity.RADIUS_MM**2].mean()
                     for place in np.argwhere(mask.voxels)])


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 2.0), (1.5, 2.5, 5.0), (7.0, 7.0, 7.0)])
def test_peaks_equal_the_average_around_each_voxel(spacing) -> None:
    volume, mask, _ = lumpy_case(spacing, (15, 14, 10))
    peaks = brute_peaks(volume, mask)
    brightest = volume.voxels[mask.voxels].argmax()
    assert local_intensity.measure(volume, mask) == pytest.approx(
        {"LocalPeak": peaks[brightest], "GlobalPeak": peaks.max()}, rel=1e-9)


def test_peaks_see_beyond_the_tumour_and_over_what_has_no_value() -> None:
    volume, mask, _ = lumpy_case((2.0, 2.0, 2.0), (15, 14, 10))
    unknown = np.array(volume.voxels)
    unknown[~ndimage.binary_dilation(mask.voxels)] = np.nan
    measured = local_intensity.measure(volume.with_voxels(unknown), mask)
    assert measured["GlobalPeak"] == pytest.approx(brute_peaks(volume.with_voxels(unknown), mask).max(), rel=1e-9)
    alone = volume.with_voxels(np.where(mask.voxels, volume.voxels, np.nan))
    assert local_intensity.measure(alone, mask) != measured


def test_several_brightest_voxels_give_the_highest_average() -> None:
    values = np.zeros((30, 5, 5))
    values[4, 2, 2] = values[25, 2, 2] = 10.0
    values[23:28] += 1.0
    values[4, 2, 2] = values.max()
    volume, mask = Volume(values, np.eye(4)), Mask(np.ones(values.shape, bool), np.eye(4))
    assert local_intensity.measure(volume, mask)["LocalPeak"] == pytest.approx(
        brute_peaks(volume, mask)[np.flatnonzero(values == values.max())].max())
