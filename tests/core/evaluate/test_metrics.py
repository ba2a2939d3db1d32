"""Metrics against scikit-learn, scipy and counting."""

import numpy as np
import pytest

from app.core.evaluate.metrics import auc, calibration, operating_points, sensitivity_specificity, summarise


@pytest.fixture
def held_out():
    rng = np.random.default_rng(4)
    labels = (rng.random(300) < 0.4).astype(int)
    return labels, 1 / (1 + np.exp(-rng.normal(1.6 * labels - 1.0, 1.2)))


def test_auc_is_the_share_of_pairs_in_order(held_out):
    labels, scores = held_out
    scores = np.round(scores, 2)
    pairs = scores[labels == 1][:, None] - scores[labels == 0][None, :]
    assert auc(labels, scores) == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean(), rel=1e-12)
    assert np.isnan(auc(np.ones(5, dtype=int), np.arange(5.0)))


def test_auc_of_a_published_data_set(shared_data):
    import pandas as pd

    table = pd.read_csv(shared_data / "statistics" / "aSAH.csv")
    outcome = (table["outcome"] == "Poor").to_numpy().astype(int)
    for column, expected in (("wfns", 0.823679), ("s100b", 0.731369), ("ndka", 0.611958)):
        assert auc(outcome, table[column].to_numpy(dtype=float)) == pytest.approx(expected, abs=1e-6)


def test_points_keep_their_promise(held_out):
    labels, scores = held_out
    points = {point.name: point for point in operating_points(labels, scores)}
    assert list(points) == ["youden", "sensitivity 90%", "sensitivity 95%", "sensitivity 98%"]
    for name, point in points.items():
        found = scores >= point.threshold
        assert point.sensitivity == pytest.approx(found[labels == 1].mean())
        assert point.specificity == pytest.approx(1 - found[labels == 0].mean())
        if name != "youden":
            wanted = float(name.split()[1].rstrip("%")) / 100
            assert point.sensitivity >= wanted
            higher = scores[scores > point.threshold].min()
            assert (scores[labels == 1] >= higher).mean() < wanted, "no higher threshold keeps the promise"


def test_youden_is_the_best_of_the_roc_curve(held_out):
    from sklearn.metrics import roc_curve

    labels, scores = held_out
    false, true, _ = roc_curve(labels, scores)
    best = operating_points(labels, scores)[0]
    assert best.sensitivity + best.specificity - 1 == pytest.approx((true - false).max(), rel=1e-12)


def test_calibration_against_maximum_likelihood(held_out):
    from scipy.optimize import minimize

    labels, probabilities = held_out
    logits = np.log(probabilities / (1 - probabilities))

    def loss(slope, intercept):
        eta = slope * logits + intercept
        return (np.logaddexp(0, eta) - labels * eta).sum()

    slope = minimize(lambda p: loss(*p), [1.0, 0.0], tol=1e-10).x[0]
    intercept = minimize(lambda p: loss(1.0, p[0]), [0.0], tol=1e-10).x[0]
    assert calibration(labels, probabilities) == pytest.approx((slope, intercept), abs=2e-3)


def test_calibration_finds_what_was_done_to_it():
    rng = np.random.default_rng(9)
    logits = rng.normal(0, 1.5, 60_000)
    labels = (rng.random(60_000) < 1 / (1 + np.exp(-logits))).astype(int)
    for factor, shift in ((1.0, 0.0), (2.0, 0.0), (1.0, 0.8)):
        slope, intercept = calibration(labels, 1 / (1 + np.exp(-(factor * logits + shift))))
        assert slope == pytest.approx(1 / factor, abs=0.03)
        if factor == 1.0:
            assert intercept == pytest.approx(-shift, abs=0.03)


def test_summary_counts(held_out):
    labels, probabilities = held_out
    found = summarise(labels, probabilities, 0.4)
    assert found["accuracy"] == pytest.approx(np.mean([(p >= 0.4) == y for p, y in zip(probabilities, labels,
                                                                                      strict=True)]))
    assert found["brier"] == pytest.approx(sum((p - y) ** 2 for p, y in zip(probabilities, labels, strict=True)) / 300)
    assert (found["sensitivity"], found["specificity"]) == sensitivity_specificity(labels, probabilities, 0.4)


def test_threshold_itself_counts_as_positive():
    assert sensitivity_specificity(np.array([0, 0, 1, 1]), np.array([0.1, 0.5, 0.5, 0.9]), 0.5) == (1.0, 0.5)
