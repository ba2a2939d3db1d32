"""Figures of out-of-fold answers, each against counting, a published formula or scikit-learn."""

import json
import math

import numpy as np
import pytest
from scipy.stats import binom, t
from sklearn.metrics import average_precision_score, brier_score_loss

from app.core.evaluate.folds import make_folds
from app.core.evaluate.intervals import (
    resampled_area,
    resampled_mean,
    resampled_p,
    resampled_share,
)
from app.core.evaluate.metrics import auc, precision_recall_area, predictive_values
from app.core.evaluate.performance import measure_performance
from tests.core.evaluate.answered_cases import answer, draw_cohort


@pytest.fixture(scope="module")
def found():
    return answer(*draw_cohort(seed=3))[0]


def test_shares_count_rows_at_their_own_folds_threshold(found):
    told = measure_performance(found)["points"]["median"]
    caught, spared, right = [], [], []
    for repeat in range(2):
        own = np.empty(len(found.labels))
        for fit in found.fits[repeat * 5:repeat * 5 + 5]:
            own[fit.test] = fit.thresholds["median"]
        called = found.probabilities[repeat] >= own
        caught.append(called[found.labels == 1].mean())
        spared.append(1 - called[found.labels == 0].mean())
        right.append((called == found.labels).mean())
    assert told["sensitivity"]["value"] == pytest.approx(np.mean(caught))
    assert told["specificity"]["value"] == pytest.approx(np.mean(spared))
    assert told["accuracy"]["value"] == pytest.approx(np.mean(right))
    for name in ("accuracy", "sensitivity", "specificity", "ppv", "npv"):
        low, high = told[name]["interval"]
        assert 0 <= low <= told[name]["value"] <= high <= 1


def test_areas_and_loss_against_scikit_learn(found):
    told = measure_performance(found)
    assert told["auprc"] == pytest.approx(np.mean([average_precision_score(found.labels, p)
                                                   for p in found.probabilities]))
    assert told["auc_pooled"] == pytest.approx(np.mean([auc(found.labels, p) for p in found.probabilities]))
    folds = [brier_score_loss(found.labels[fit.test], found.probabilities[place // 5, fit.test])
             for place, fit in enumerate(found.fits)]
    assert told["brier"]["value"] == pytest.approx(np.mean(folds))
    assert told["auc"]["mean"] == pytest.approx(found.aucs.mean())
    json.dumps(told, allow_nan=False)


def test_sets_cover_what_they_hold(found):
    told = measure_performance(found)["conformal"]["0.1"]
    sets = found.sets[0.1]
    for label, name in ((0, "negative"), (1, "positive")):
        own = [sets[repeat][found.labels == label, label].mean() for repeat in range(2)]
        assert told["coverage"][name]["value"] == pytest.approx(np.mean(own))
    assert told["uncertain"] == pytest.approx((sets.sum(axis=2) == 2).mean())


def test_predictive_values_by_bayes_rule():
    positive, negative = predictive_values(0.9, 0.7, (50, 60), 0.2)
    assert positive.value == pytest.approx(0.9 * 0.2 / (0.9 * 0.2 + 0.3 * 0.8))
    assert negative.value == pytest.approx(0.7 * 0.8 / (0.7 * 0.8 + 0.1 * 0.2))


def test_predictive_values_interval_as_published():
    z, n1, n0, prevalence = 1.959963984540054, 50, 60, 0.2
    se, sp = (45 + z**2 / 2) / (n1 + z**2), (42 + z**2 / 2) / (n0 + z**2)
    centre = math.log(se * prevalence / ((1 - sp) * (1 - prevalence)))
    half = z * math.sqrt((1 - se) / se / (n1 + z**2) + sp / (1 - sp) / (n0 + z**2))
    positive, _ = predictive_values(0.9, 0.7, (n1, n0), prevalence)
    assert (positive.low, positive.high) == pytest.approx(
        [1 / (1 + math.exp(-(centre - half))), 1 / (1 + math.exp(-(centre + half)))], rel=1e-6)


def test_predictive_value_of_nobody_called_is_not_known():
    positive, negative = predictive_values(0.0, 1.0, (20, 20), 0.3)
    assert math.isnan(positive.value)
    assert positive.low is None
    assert negative.value == pytest.approx(0.7)


def test_a_higher_prevalence_raises_the_positive_value():
    values = [predictive_values(0.8, 0.8, (40, 40), share)[0].value for share in (0.05, 0.2, 0.5)]
    assert values == sorted(values)
    assert values[2] == pytest.approx(0.8)


def test_wilsons_interval_where_nothing_inflates_it():
    from scipy.stats import binomtest

    for hits, cases in ((0, 12), (7, 20), (40, 41), (15, 15)):
        expected = binomtest(hits, cases).proportion_ci(method="wilson")
        told = resampled_share(hits / cases, cases, 1.0, 1e9)
        assert (told.low, told.high) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_shares_of_folds_are_given_less_cases_and_a_longer_tail():
    plain, folded = resampled_share(0.8, 40, 1.0, 1e9), resampled_share(0.8, 40, 1 / 5 + 10 / 9, 9)
    assert 1.25 < (folded.high - folded.low) / (plain.high - plain.low) < 1.4


def test_wilsons_interval_covers():
    hits = np.arange(41)
    told = [resampled_share(hit / 40, 40, 1.0, 1e9) for hit in hits]
    for truth in (0.5, 0.8, 0.95):
        inside = [(each.low <= truth <= each.high) for each in told]
        assert binom.pmf(hits, 40, truth)[inside].sum() > 0.92


def test_mean_and_p_value_against_the_formula():
    values = np.random.default_rng(2).normal(0.03, 0.08, 50)
    error = values.std(ddof=1) * math.sqrt(1 / 50 + 1 / 9)
    told = resampled_mean(values, 1 / 9, 9)
    assert told.high - told.value == pytest.approx(t.ppf(0.975, 9) * error)
    assert resampled_p(values, 1 / 9, 9) == pytest.approx(2 * t.sf(abs(values.mean()) / error, 9))
    assert resampled_p(np.zeros(50), 1 / 9, 9) == 1.0


def test_equal_weights_change_nothing_and_one_weight_decides():
    values = np.random.default_rng(4).uniform(0.6, 0.9, 10)
    plain = resampled_area(values, 1 / 9, 9, (400, 500))
    assert resampled_area(values, 1 / 9, 9, (400, 500), np.full(10, 7.0)) == plain
    heavy = resampled_area(values, 1 / 9, 9, (400, 500), [1e6, *[1.0] * 9])
    assert heavy.value == pytest.approx(values[0], abs=1e-4)


def test_precision_recall_of_one_class_is_not_known():
    assert math.isnan(precision_recall_area(np.ones(4, dtype=int), np.arange(4.0)))


def test_folds_of_one_class_leave_the_others_figures():
    rows, labels, patients = draw_cohort(seed=5)
    folds = make_folds(labels, patients, 5, 1, seed=0)
    negative = np.flatnonzero(labels == 0)[:3]
    others = np.flatnonzero(~np.isin(patients, patients[negative]))
    found, _ = answer(rows, labels, patients, type(folds)((*folds.splits, (others, negative)), 1, 6, "fixed"))
    assert np.isnan(found.aucs[5])
    assert found.auc.value == pytest.approx(found.aucs[:5].mean())
    told = json.loads(json.dumps(measure_performance(found), allow_nan=False))
    assert told["auc"]["folds"][5] is None
