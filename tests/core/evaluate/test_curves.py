"""Curves of held-out answers: areas agree with the AUC, bands hold what they should, thresholds do what they say."""

import numpy as np
import pytest
from sklearn.metrics import auc as area_under
from sklearn.metrics import roc_auc_score, roc_curve

from app.core.evaluate.curves import (
    GRID,
    average_roc,
    bin_calibration,
    fixed_roc,
    follow_roc,
    follow_threshold,
    pool_roc,
    trace_roc,
)
from app.core.evaluate.folds import Folds, make_folds
from app.core.evaluate.utility import THRESHOLDS
from tests.core.evaluate.answered_cases import answer, draw_cohort, in_one_go


@pytest.fixture(scope="module")
def found():
    return answer(*draw_cohort())[0]


def test_curve_is_that_of_scikit_learn_and_its_thresholds_do_what_they_say():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 80), np.round(rng.normal(size=80), 1)
    curve = trace_roc(labels, scores)
    assert area_under(curve.fpr, curve.tpr) == pytest.approx(roc_auc_score(labels, scores))
    for fpr, tpr, threshold in zip(curve.fpr, curve.tpr, curve.threshold, strict=True):
        called = scores >= threshold
        assert (called[labels == 1].mean(), called[labels == 0].mean()) == (pytest.approx(tpr), pytest.approx(fpr))
    assert np.isfinite(curve.threshold).all()
    assert set(curve.json) == {"fpr", "tpr", "threshold"}


def test_a_step_is_followed_at_its_upper_end_and_a_slope_in_between():
    steps = trace_roc(np.array([1, 1, 0, 0]), np.array([0.9, 0.4, 0.6, 0.1]))
    assert follow_roc(steps, np.array([0.0, 0.25, 0.5, 0.75, 1.0])).tolist() == [0.5, 0.5, 1.0, 1.0, 1.0]
    tied = trace_roc(np.array([1, 0, 1, 0]), np.full(4, 0.5))
    assert follow_roc(tied, np.array([0.0, 0.3, 1.0])).tolist() == pytest.approx([0.0, 0.3, 1.0])


def test_area_under_the_mean_curve_is_the_mean_area(found):
    drawn = average_roc(found)
    assert area_under(drawn.grid, drawn.mean) == pytest.approx(float(np.nanmean(found.aucs)), abs=0.006)
    assert (drawn.mean[0], drawn.mean[-1], drawn.low[0], drawn.high[-1]) == (0, 1, 0, 1)
    assert (np.diff(drawn.mean) >= -1e-12).all()
    assert ((drawn.low <= drawn.mean) & (drawn.mean <= drawn.high)).all()
    assert [area_under(each.fpr, each.tpr) for each in drawn.folds] == pytest.approx(found.aucs.tolist())


def test_mean_is_the_mean_of_the_folds_by_scikit_learn(found):
    heights = []
    for place, fit in enumerate(found.fits):
        fpr, tpr, _ = roc_curve(found.labels[fit.test], found.probabilities[place // found.folds.k, fit.test],
                                drop_intermediate=False)
        heights.append([tpr[fpr <= point + 1e-12].max() for point in (0.1, 0.2, 0.5)])
    mean = average_roc(found).mean[[10, 20, 50]]
    assert mean == pytest.approx(np.mean(heights, axis=0), abs=1e-12)


def test_band_of_perfect_folds_does_not_vanish():
    labels = np.arange(40) % 2
    folds = make_folds(labels, np.arange(40), 5, 2, seed=0)
    drawn = average_roc(in_one_go(labels, np.tile(labels * 0.8 + 0.1, (2, 1)), np.arange(40), folds))
    assert (drawn.mean[1:] == 1).all()
    assert 0.4 < drawn.low[50] < 0.9
    assert (drawn.high[1:] == 1).all()


def test_fold_of_one_class_has_no_curve_and_few_folds_still_have_a_band():
    labels = np.array([0, 0, 0, 1, 1, 1, 0, 1, 0, 1])
    tests = [np.array([0, 1, 2]), np.array([3, 6, 7]), np.array([4, 5, 8, 9])]
    folds = Folds(tuple((np.setdiff1d(np.arange(10), test), test) for test in tests), 3, 1, "fixed")
    given = np.array([0.1, 0.2, 0.3, 0.9, 0.4, 0.8, 0.2, 0.7, 0.5, 0.6])
    drawn = average_roc(in_one_go(labels, given, np.arange(10), folds))
    assert [each is None for each in drawn.folds] == [True, False, False]
    assert (drawn.high - drawn.low)[20:80].min() > 0.3
    assert (drawn.high - drawn.low).max() <= 1


def test_pooled_curve_takes_every_answer_as_it_is(found):
    curve = pool_roc(found)
    labels, answers = np.tile(found.labels, found.folds.repeats), found.probabilities.ravel()
    assert area_under(curve.fpr, curve.tpr) == pytest.approx(roc_auc_score(labels, answers))


def test_fixed_model_has_no_folds_and_a_band_of_the_bootstrap():
    rng = np.random.default_rng(2)
    labels = np.arange(200) % 2
    scores = rng.normal(size=200) + 1.2 * labels
    drawn = fixed_roc(labels, scores, np.random.default_rng(0), resamples=300)
    assert drawn.folds == ()
    assert area_under(drawn.grid, drawn.mean) == pytest.approx(roc_auc_score(labels, scores), abs=0.006)
    width = drawn.high - drawn.low
    assert 0.1 < width[20] < 0.35
    perfect = fixed_roc(labels, labels.astype(float), np.random.default_rng(0), resamples=50)
    assert 0.9 < perfect.low[50] < 0.98


def test_a_threshold_of_all_answers(found):
    told = follow_threshold(found.labels, found.probabilities)
    assert told["threshold"].tolist() == THRESHOLDS.tolist()
    place = int(np.flatnonzero(told["threshold"] == 0.5)[0])
    called = found.probabilities >= 0.5
    assert told["sensitivity"][place] == pytest.approx(called[:, found.labels == 1].mean())
    assert told["specificity"][place] == pytest.approx((~called[:, found.labels == 0]).mean())


def test_bins_hold_every_case_once_and_their_intervals_hold_the_share():
    rng = np.random.default_rng(3)
    given = rng.uniform(size=(3, 90))
    labels = (rng.uniform(size=90) < given.mean(axis=0)).astype(int)
    given[0, :30] = np.nan
    bins = bin_calibration(labels, given, inflation=1.3, freedom=9)
    assert len(bins) == 9
    assert sum(each["cases"] for each in bins) == pytest.approx(90)
    assert all(each["low"] <= each["observed"] <= each["high"] for each in bins)
    assert np.average([each["observed"] for each in bins],
                      weights=[each["cases"] for each in bins]) == pytest.approx(labels.mean())
    middles = [each["predicted"] for each in bins]
    assert middles == sorted(middles)


def test_few_cases_still_make_two_bins():
    bins = bin_calibration(np.array([0, 1, 0, 1]), np.array([[0.2, 0.6, 0.3, 0.9]]))
    assert [(each["cases"], each["observed"]) for each in bins] == [(2, 0), (2, 1)]


def test_grid_is_a_grid():
    assert GRID[0] == 0
    assert GRID[-1] == 1
    assert len(GRID) == 101
