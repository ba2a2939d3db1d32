"""The corrected resampled t, against its formula written out, and its coverage."""

import math

import numpy as np
import pytest

from app.core.evaluate.intervals import corrected_t_interval, resampled_mean

T_9 = 2.2621571628540993
"""97.5 % quantile of Student's t with nine degrees of freedom."""


def test_five_by_ten_folds_as_the_rule_has_it():
    aucs = np.clip(np.random.default_rng(0).normal(0.8, 0.1, 50), 0, 1)
    mean = sum(aucs) / 50
    sd = math.sqrt(sum((value - mean) ** 2 for value in aucs) / 49)
    half = T_9 * sd * math.sqrt(1 / 50 + 1 / 9) / (mean * (1 - mean))
    centre = math.log(mean / (1 - mean))
    expected = [1 / (1 + math.exp(-(centre - half))), 1 / (1 + math.exp(-(centre + half)))]
    assert corrected_t_interval(aucs, k=10, repeats=5, counts=(4000, 4500)) == pytest.approx(expected, rel=1e-10)


def test_more_repeats_hardly_narrow_it():
    aucs = np.random.default_rng(1).uniform(0.6, 0.9, 10)
    once, often = (corrected_t_interval(np.tile(aucs, n), 10, n, (4000, 4500)) for n in (1, 20))
    naive = math.sqrt(20)
    assert 1.0 < (once[1] - once[0]) / (often[1] - often[0]) < 1.6 < naive


def test_perfect_and_worthless_folds_stay_within_bounds():
    for value in (0.0, 1.0):
        low, high = corrected_t_interval(np.full(50, value), 10, 5, (40, 45))
        assert 0 <= low <= value <= high <= 1
    low, high = corrected_t_interval([1.0] * 49 + [0.5], 10, 5, (40, 45))
    assert 0 < low < 0.99 <= high <= 1.0


def test_few_cases_that_separate_perfectly_do_not_flatter():
    few, many = (corrected_t_interval(np.ones(50), 10, 5, counts) for counts in ((15, 15), (400, 400)))
    assert 0.6 < few[0] < 0.85, "fifteen of fifteen leave room for one in seven"
    assert few[0] < many[0] < 1.0
    assert few[1] == many[1] == 1.0


def test_difference_is_symmetric_about_its_mean():
    differences = np.random.default_rng(2).normal(0.03, 0.1, 50)
    found = resampled_mean(differences, 1 / 9, 9)
    low, high = found.low, found.high
    half = T_9 * differences.std(ddof=1) * math.sqrt(0.02 + 1 / 9)
    assert (low, high) == pytest.approx((differences.mean() - half, differences.mean() + half), rel=1e-10)
    assert low < 0 < high, "a difference this small is unresolved"


def test_interval_covers_the_auc_on_new_patients():
    from scipy.stats import norm
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    rng, covered, cohorts = np.random.default_rng(3), 0, 120
    for _ in range(cohorts):
        labels = np.arange(80) % 2
        rows = rng.normal(size=(80, 5)) + 0.45 * labels[:, None]
        aucs = []
        for repeat in range(2):
            for train, test in StratifiedKFold(5, shuffle=True, random_state=repeat).split(rows, labels):
                weights = rows[train][labels[train] == 1].mean(axis=0) - rows[train][labels[train] == 0].mean(axis=0)
                aucs.append(roc_auc_score(labels[test], rows[test] @ weights))
        low, high = corrected_t_interval(aucs, 5, 2, (40, 40))
        weights = rows[labels == 1].mean(axis=0) - rows[labels == 0].mean(axis=0)
        true = norm.cdf(0.45 * weights.sum() / (math.sqrt(2) * np.linalg.norm(weights)))
        covered += low <= true <= high
    assert covered / cohorts >= 0.9
