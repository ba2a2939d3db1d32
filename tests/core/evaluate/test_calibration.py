"""Calibration and decision curves, against maximum likelihood, a sandwich written out and published figures."""

import json

import numpy as np
import pytest
from scipy.optimize import minimize

from app.core.evaluate.calibration import calibrate, measure_calibration
from app.core.evaluate.metrics import calibration
from app.core.evaluate.utility import decision_curve, measure_utility
from tests.core.evaluate.answered_cases import answer, draw_cohort


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(4)
    labels = (rng.random(300) < 0.4).astype(int)
    return labels, 1 / (1 + np.exp(-rng.normal(1.6 * labels - 1.0, 1.2)))


def fit_by_likelihood(labels, logits):
    def loss(at):
        eta = at[0] + at[1] * logits
        return (np.logaddexp(0, eta) - labels * eta).sum()

    return minimize(loss, [0.0, 1.0], tol=1e-12).x


def test_slope_and_intercept_are_those_of_maximum_likelihood(answers):
    labels, probabilities = answers
    logits = np.log(probabilities / (1 - probabilities))
    told = calibrate(labels, probabilities)
    assert told.slope.value == pytest.approx(fit_by_likelihood(labels, logits)[1], abs=1e-4)
    assert (told.slope.value, told.intercept.value) == pytest.approx(calibration(labels, probabilities), abs=2e-3)


def test_interval_is_that_of_the_sandwich(answers):
    labels, probabilities = answers
    logits = np.log(probabilities / (1 - probabilities))
    design = np.column_stack([np.ones(300), logits])
    fitted = 1 / (1 + np.exp(-design @ fit_by_likelihood(labels, logits)))
    bread = np.linalg.inv((design * (fitted * (1 - fitted))[:, None]).T @ design)
    scores = design * (labels - fitted)[:, None]
    error = np.sqrt((bread @ scores.T @ scores @ bread)[1, 1] * 300 / 299)
    told = calibrate(labels, probabilities)
    assert told.slope.high - told.slope.value == pytest.approx(1.95996 * error, rel=1e-3)


def test_repeats_that_agree_say_no_more_than_one(answers):
    labels, probabilities = answers
    once, often = calibrate(labels, probabilities), calibrate(labels, np.tile(probabilities, (5, 1)))
    assert (often.slope.value, often.slope.high) == pytest.approx((once.slope.value, once.slope.high), rel=1e-6)
    np.testing.assert_allclose(often.low, once.low, rtol=1e-5)


def test_rows_given_twice_count_once_when_they_are_of_one_patient(answers):
    labels, probabilities = answers
    once = calibrate(labels, probabilities)
    twice = calibrate(np.tile(labels, 2), np.tile(probabilities, 2), patients=np.tile(np.arange(300), 2))
    assert twice.slope.high == pytest.approx(once.slope.high, rel=1e-6)


def test_the_slope_interval_covers():
    inside = 0
    for draw in range(150):
        rng = np.random.default_rng(draw)
        logits = rng.normal(0, 1.5, 150)
        labels = (rng.random(150) < 1 / (1 + np.exp(-logits))).astype(int)
        told = calibrate(labels, 1 / (1 + np.exp(-logits / 0.8)), points=2)
        inside += told.slope.low <= 0.8 <= told.slope.high
    assert 0.89 < inside / 150 < 0.99


def test_curve_finds_what_was_done_to_the_probabilities():
    rng = np.random.default_rng(9)
    logits = rng.normal(0, 1.5, 40_000)
    labels = (rng.random(40_000) < 1 / (1 + np.exp(-logits))).astype(int)
    told = calibrate(labels, 1 / (1 + np.exp(-2 * logits)))
    given = np.log(told.predicted / (1 - told.predicted))
    middle = (told.predicted > 0.05) & (told.predicted < 0.95)
    truth = 1 / (1 + np.exp(-given / 2))
    np.testing.assert_allclose(told.observed[middle], truth[middle], atol=0.03)
    assert ((told.low <= truth) & (truth <= told.high))[middle].mean() > 0.8


def test_separated_classes_have_no_slope_but_an_answer():
    told = calibrate(np.array([0] * 10 + [1] * 10), np.linspace(0.05, 0.95, 20))
    assert np.isnan(told.slope.value)
    assert told.predicted.size == 0
    assert np.isfinite(told.intercept.value)
    assert json.loads(json.dumps(told.json, allow_nan=False))["slope"] is None


def test_a_constant_probability_has_an_intercept_only():
    told = calibrate(np.array([0, 0, 0, 1] * 10), np.full(40, 0.5))
    assert np.isnan(told.slope.value)
    assert told.intercept.value == pytest.approx(np.log(0.25 / 0.75), abs=1e-6)


def test_folds_widen_the_interval():
    rows, labels, patients = draw_cohort(seed=6, patients=100)
    found, _ = answer(rows, labels, patients)
    folded = measure_calibration(found)
    plain = calibrate(labels, found.probabilities, patients)
    width = [(each.slope.high - each.slope.low) for each in (folded, plain)]
    assert width[0] / width[1] == pytest.approx(np.sqrt(1 / 2 + 5 / 4) * 2.7764 / 1.95996, rel=1e-3)


def test_published_net_benefit(shared_data):
    import pandas as pd

    table = pd.read_csv(shared_data / "statistics" / "dca.csv")
    told = decision_curve(table["cancer"].to_numpy(), table["cancerpredmarker"].to_numpy(), [0.25])
    assert told.treat_all[0] == pytest.approx(-0.146667, abs=1e-6)
    assert told.model[0] == pytest.approx(0.064, abs=1e-6)


def test_net_benefit_by_counting(answers):
    labels, probabilities = answers
    told = decision_curve(labels, probabilities, [0.1, 0.3, 0.6])
    for place, limit in enumerate((0.1, 0.3, 0.6)):
        called = probabilities >= limit
        caught, disturbed = (called & (labels == 1)).sum(), (called & (labels == 0)).sum()
        assert told.model[place] == pytest.approx(caught / 300 - disturbed / 300 * limit / (1 - limit))


def test_net_benefit_of_calling_everybody_is_that_of_treating_all(answers):
    labels, _ = answers
    told = decision_curve(labels, np.ones(300))
    np.testing.assert_allclose(told.model, told.treat_all, atol=1e-12)
    assert decision_curve(labels, np.zeros(300)).model == pytest.approx(np.zeros(99))


def test_another_prevalence_weighs_the_classes(answers):
    labels, probabilities = answers
    told = decision_curve(labels, probabilities, [0.2], prevalence=0.1)
    called = probabilities >= 0.2
    expected = 0.1 * called[labels == 1].mean() - 0.25 * 0.9 * called[labels == 0].mean()
    assert told.model[0] == pytest.approx(expected)
    assert told.treat_all[0] == pytest.approx(0.1 - 0.25 * 0.9)


def test_the_band_is_as_wide_as_new_patients_vary(answers):
    rng = np.random.default_rng(0)
    labels, probabilities = answers
    told = decision_curve(labels, probabilities, [0.3])
    drawn = []
    for _ in range(2000):
        rows = rng.integers(0, 300, 300)
        drawn.append(decision_curve(labels[rows], probabilities[rows], [0.3]).model[0])
    assert (told.high[0] - told.low[0]) / 2 / 1.96 == pytest.approx(np.std(drawn), rel=0.08)


def test_utility_of_out_of_fold_answers():
    rows, labels, patients = draw_cohort(seed=7)
    found, _ = answer(rows, labels, patients)
    told = measure_utility(found, [0.3])
    each = [decision_curve(labels, row, [0.3]).model[0] for row in found.probabilities]
    assert told.model[0] == pytest.approx(np.mean(each))
    assert set(told.json) == {"thresholds", "model", "low", "high", "treat_all"}
