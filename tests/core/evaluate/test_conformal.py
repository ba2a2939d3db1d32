"""Conformal sets: the quantile counted by hand, and the promised error rate kept in each class."""

import numpy as np
import pytest

from app.core.evaluate.conformal import class_quantiles, conformal_set


def test_quantiles_counted_by_hand():
    labels = np.array([0] * 9 + [1] * 9)
    probabilities = np.concatenate([np.arange(1, 10) / 20, 1 - np.arange(1, 10) / 10])
    assert class_quantiles(labels, probabilities, 0.1) == pytest.approx((9 / 20, 9 / 10))
    assert class_quantiles(labels, probabilities, 0.2) == pytest.approx((8 / 20, 8 / 10))


def test_too_few_cases_keep_the_class_possible():
    labels, probabilities = np.array([0, 0, 0, 1, 1, 1]), np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    assert class_quantiles(labels, probabilities, 0.05) == (1.0, 1.0)
    assert conformal_set(0.999999, (1.0, 1.0)) == (True, True)


def test_sets_at_the_edge():
    assert conformal_set(0.3, (0.5, 0.6)) == (True, False)
    assert conformal_set(0.9, (0.5, 0.6)) == (False, True)
    assert conformal_set(0.45, (0.5, 0.6)) == (True, True)
    assert conformal_set(0.5, (0.2, 0.2)) == (False, False)
    assert conformal_set(0.5, (0.5, 0.5)) == (True, True)


@pytest.mark.parametrize("error_rate", [0.05, 0.1, 0.2])
def test_each_class_is_left_out_as_rarely_as_promised(error_rate):
    rng = np.random.default_rng(11)

    def draw(cases, share):
        labels = (rng.random(cases) < share).astype(int)
        return labels, 1 / (1 + np.exp(-rng.normal(2.0 * labels - 1.0, 1.3)))

    kept = {0: [], 1: []}
    for _ in range(150):
        quantiles = class_quantiles(*draw(120, 0.3), error_rate)
        labels, probabilities = draw(200, 0.6)  # another prevalence: the promise is made class by class
        for label, probability in zip(labels, probabilities, strict=True):
            kept[int(label)].append(conformal_set(probability, quantiles)[label])
    for label in (0, 1):
        assert 1 - error_rate - 0.015 < np.mean(kept[label]) < 1 - error_rate + 0.04
