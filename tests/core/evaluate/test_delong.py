"""AUCs of given scores: against scikit-learn and a bootstrap, what is degenerate, and coverage of the interval."""

import math

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from app.core.evaluate.delong import area_interval, compare_areas, measure_areas


def draw(rng, positives, negatives, area, spread=1.0):
    shift = norm.ppf(area) * math.sqrt(1 + spread**2)
    scores = np.concatenate([rng.normal(shift, spread, positives), rng.normal(size=negatives)])
    return np.repeat([1, 0], [positives, negatives]), scores


def test_areas_are_scikit_learns_with_ties():
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat([0, 1], [30, 21]))
    scores = np.round(rng.normal(size=(51, 4)) + labels[:, None] * np.arange(4) / 2, 1)
    expected = [roc_auc_score(labels, column) for column in scores.T]
    assert measure_areas(labels, scores).values == pytest.approx(expected, abs=1e-12)


def test_covariance_is_what_resampling_gives():
    rng = np.random.default_rng(1)
    labels = np.repeat([1, 0], [60, 90])
    shared = rng.normal(size=150)
    scores = np.column_stack([shared + labels, shared + rng.normal(size=150) + labels])
    resampled = []
    for _ in range(1500):
        rows = np.concatenate([rng.integers(0, 60, 60), rng.integers(60, 150, 90)])
        resampled.append(measure_areas(labels[rows], scores[rows]).values)
    covariance = measure_areas(labels, scores).covariance
    assert covariance == pytest.approx(np.cov(np.array(resampled), rowvar=False), rel=0.15)


@pytest.mark.parametrize(("counts", "area", "spread"), [((12, 20), 0.7, 1), ((12, 20), 0.9, 2), ((25, 7), 0.95, 0.5)])
def test_the_interval_covers(counts, area, spread):
    rng = np.random.default_rng(2)
    drawn = [draw(rng, *counts, area, spread) for _ in range(1000)]
    labels, scores = drawn[0][0], np.column_stack([scores for _, scores in drawn])
    low, high = area_interval(measure_areas(labels, scores))
    assert 0.925 < ((low <= area) & (area <= high)).mean() < 0.995


def test_exchanging_the_classes_mirrors_the_interval():
    labels, scores = draw(np.random.default_rng(3), 9, 24, 0.85)
    low, high = area_interval(measure_areas(labels, scores))
    mirrored_low, mirrored_high = area_interval(measure_areas(1 - labels, scores))
    assert (low[0], high[0]) == pytest.approx((1 - mirrored_high[0], 1 - mirrored_low[0]))


def test_perfect_separation_is_not_certain():
    areas = measure_areas([0] * 20 + [1] * 12, np.arange(32))
    low, high = area_interval(areas)
    assert (areas.values[0], areas.errors[0], high[0]) == (1, 0, 1)
    assert 0.6 < low[0] < 0.95


def test_a_score_is_no_better_than_itself():
    labels, scores = draw(np.random.default_rng(4), 20, 20, 0.7)
    same = compare_areas(labels, scores, np.exp(scores))
    assert (same.difference, same.z, same.p) == (0, 0, 1)
    opposite = compare_areas([0, 0, 1, 1], [1, 2, 3, 4], [4, 3, 2, 1])
    assert opposite.difference == 1
    assert math.isnan(opposite.p)


@pytest.mark.parametrize(("labels", "scores"), [([0, 0, 0, 1], [1, 2, 3, 4]), ([0, 0, 1, 1], [1, 2, 3, np.nan])])
def test_what_cannot_be_measured_is_refused(labels, scores):
    with pytest.raises(ValueError, match="cases"):
        measure_areas(labels, scores)
