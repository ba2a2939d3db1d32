"""Features one by one: against scipy and scikit-learn, gaps, and p values that are many."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, mannwhitneyu
from sklearn.metrics import roc_auc_score

from app.core.evaluate.univariate import adjust, judge_features


def test_each_feature_is_judged_on_the_cases_that_have_it():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    rows = rng.normal(size=(60, 8)) + labels[:, None] * np.linspace(-1, 1, 8)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    found = judge_features(rows, labels)
    for feature, column in enumerate(rows.T):
        known = np.isfinite(column)
        assert found.auc[feature] == pytest.approx(roc_auc_score(labels[known], column[known]))
        one, other = column[known & (labels == 1)], column[known & (labels == 0)]
        assert found.p[feature] == pytest.approx(mannwhitneyu(one, other).pvalue)
        assert found.cases[feature].tolist() == [len(other), len(one)]
    assert (found.low < found.auc).all()
    assert (found.auc < found.high).all()
    assert found.bonferroni == pytest.approx(np.minimum(8 * found.p, 1))
    assert found.q == pytest.approx(false_discovery_control(found.p))


def test_what_cannot_be_judged_is_no_test():
    labels = np.array([0, 0, 0, 1, 1, 1])
    rows = np.column_stack([[1, 2, 3, 4, 5, 6], np.ones(6), [1, np.nan, np.nan, 1, 2, 3], np.full(6, np.nan)])
    found = judge_features(rows, labels)
    assert np.isfinite(found.p).tolist() == [True, False, False, False]
    assert found.bonferroni[0] == found.q[0] == found.p[0] == pytest.approx(0.1)  # 2 of 20 arrangements
    assert np.isnan(np.stack([found.auc, found.low, found.high])[:, 1:]).all()


def test_adjusting_by_hand():
    bonferroni, q = adjust([0.01, 0.04, np.nan, 0.03, 0.5])
    assert bonferroni == pytest.approx([0.04, 0.16, np.nan, 0.12, 1], nan_ok=True)
    assert q == pytest.approx([0.04, 0.16 / 3, np.nan, 0.16 / 3, 0.5], nan_ok=True)


def test_among_unrelated_features_few_are_found():
    rng = np.random.default_rng(5)
    found = judge_features(rng.normal(size=(40, 500)), np.arange(40) % 2)
    assert 10 < (found.p < 0.05).sum() < 45
    assert (found.q < 0.05).sum() == 0
