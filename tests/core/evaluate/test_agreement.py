"""Intraclass correlations: published figures, coverage of the interval, and features that cannot be judged."""

import numpy as np
import pytest

from app.core.evaluate.agreement import intraclass_correlation

# Shrout and Fleiss 1979, table 2: six targets rated by four judges.
RATINGS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)
# Estimates of their table 4; intervals as R's psych 2.x prints them for the same ratings.
PUBLISHED = {"one-way": (0.17, -0.133, 0.72), "absolute": (0.29, 0.019, 0.76), "consistency": (0.71, 0.342, 0.95)}


@pytest.mark.parametrize("form", PUBLISHED)
def test_published_ratings(form):
    found = intraclass_correlation(RATINGS, form)
    icc, lower, upper = PUBLISHED[form]
    assert found.icc[0] == pytest.approx(icc, abs=0.005)
    assert found.lower[0] == pytest.approx(lower, abs=0.0006)
    assert found.upper[0] == pytest.approx(upper, abs=0.006)
    assert found.cases.tolist() == [6]


def test_many_features_are_those_features_one_by_one():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(20, 1, 7)) * np.arange(7) + rng.normal(size=(20, 4, 7))
    table[3, 2, 5] = np.nan
    for form in PUBLISHED:
        together = intraclass_correlation(table, form)
        for feature in range(7):
            kept = np.delete(table, 3, axis=0) if feature == 5 else table
            alone = intraclass_correlation(kept[:, :, feature], form)
            for name in ("icc", "lower", "upper", "cases"):
                assert getattr(together, name)[feature] == pytest.approx(getattr(alone, name)[0])


def test_a_constant_difference_between_readers_counts_only_against_absolute_agreement():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(30, 1))
    table = np.hstack([truth, truth + 1.0]) + rng.normal(0, 0.1, (30, 2))
    assert intraclass_correlation(table, "consistency").icc[0] > 0.97
    assert intraclass_correlation(table, "absolute").icc[0] < 0.8


@pytest.mark.parametrize("form", PUBLISHED)
def test_perfect_agreement_is_one_and_scale_does_not_matter(form):
    table = np.repeat(np.arange(5.0)[:, None], 3, axis=1)
    found = intraclass_correlation(table, form)
    assert (found.icc[0], found.lower[0], found.upper[0]) == pytest.approx((1, 1, 1), abs=1e-6)
    noisy = table + np.random.default_rng(2).normal(size=table.shape)
    huge, plain = intraclass_correlation(noisy * 1e12, form), intraclass_correlation(noisy, form)
    assert huge.icc[0] == pytest.approx(plain.icc[0])


def test_what_cannot_be_judged_is_not_a_number():
    constant = intraclass_correlation(np.full((6, 3), 4.2), "one-way")
    few = intraclass_correlation([[1, 2], [2, 3], [np.nan, 4]], "one-way")
    assert np.isnan([constant.icc[0], constant.lower[0], few.icc[0], few.lower[0]]).all()
    assert few.cases.tolist() == [2]


@pytest.mark.parametrize(("form", "bias"), [("one-way", 0.0), ("absolute", 0.4), ("consistency", 0.4)])
def test_interval_covers_the_true_value(form, bias):
    """4000 simulated studies of 20 cases and 5 raters at once; rater variance counts in the absolute form only."""
    rng, error = np.random.default_rng(4), 0.7
    truth, readers = rng.normal(size=(20, 1, 4000)), bias * rng.normal(size=(1, 5, 4000))
    table = truth + readers + rng.normal(0, error, (20, 5, 4000))
    true = 1 / (1 + error**2 + (bias**2 if form == "absolute" else 0))
    found = intraclass_correlation(table, form)
    assert np.mean((found.lower <= true) & (true <= found.upper)) == pytest.approx(0.95, abs=0.012)
