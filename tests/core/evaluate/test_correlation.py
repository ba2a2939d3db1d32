"""Correlations against scipy and pandas, pair by pair where values are missing; the order of alike features."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, rankdata, spearmanr
from sklearn.linear_model import LinearRegression

from app.core.evaluate.correlation import cluster, correlate, correlate_beyond, correlate_with


def make_rows(missing=0.0, cases=40, features=9, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(cases, 3)) @ rng.normal(size=(3, features)) + rng.normal(size=(cases, features))
    rows = np.exp(rows) * 10.0 ** np.arange(-4, features - 4)  # skewed, of very different sizes
    rows[rng.random(rows.shape) < missing] = np.nan
    return rows


@pytest.mark.parametrize("missing", [0.0, 0.15])
@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_matrix_is_that_of_pandas(method, missing):
    rows = make_rows(missing)
    expected = pd.DataFrame(rows).corr(method=method, min_periods=3).to_numpy()
    assert correlate(rows, method) == pytest.approx(expected, abs=1e-10)


def test_a_large_offset_does_not_matter():
    rows = make_rows()
    expected = correlate(rows, "pearson")
    shifted = rows / rows.std(axis=0) + 1e5
    assert correlate(shifted, "pearson") == pytest.approx(expected, abs=1e-8)


def test_constant_features_and_too_few_cases_have_no_correlation():
    rows = make_rows(cases=6, features=4)
    rows[:, 1] = 0.1 + 1e-16 * np.arange(6)
    rows[:4, 2] = np.nan
    for method in ("pearson", "spearman"):
        matrix = correlate(rows, method)
        assert np.isnan(matrix[1]).all()
        assert np.isnan(matrix[2]).all()
        assert matrix[0, 0] == pytest.approx(1)
        assert np.isfinite(matrix[0, 3])
        assert np.isfinite(correlate_with(rows, np.arange(6), method)).tolist() == [True, False, False, True]


@pytest.mark.parametrize(("method", "reference"), [("pearson", pearsonr), ("spearman", spearmanr)])
def test_with_one_variable(method, reference):
    rows, label = make_rows(0.1), np.arange(40) % 2
    for column, found in zip(rows.T, correlate_with(rows, label, method), strict=True):
        known = np.isfinite(column)
        assert found == pytest.approx(reference(column[known], label[known]).statistic)


def test_partial_correlation_is_that_of_residuals_of_ranks():
    rng = np.random.default_rng(3)
    volume = rng.lognormal(size=60)
    label = (volume + rng.lognormal(size=60) > 3).astype(float)
    rows = np.column_stack([volume**2 * rng.lognormal(0, 0.3, 60), rng.normal(size=60) + label, np.sqrt(volume)])
    rho, p = correlate_beyond(rows, label, volume)
    size = rankdata(volume)[:, None]
    for feature in (0, 1):
        left, right = (ranks - LinearRegression().fit(size, ranks).predict(size)
                       for ranks in (rankdata(rows[:, feature]), rankdata(label)))
        assert rho[feature] == pytest.approx(pearsonr(left, right).statistic)
    assert np.isnan([rho[2], p[2]]).all()  # nothing is left of what is volume itself
    assert p[1] < 0.01 < p[0]


def test_a_proxy_of_volume_adds_nothing():
    rng = np.random.default_rng(4)
    wrong = []
    for _ in range(200):
        volume = rng.normal(size=80)
        label = (volume + rng.normal(size=80) > 0).astype(float)
        wrong.append(correlate_beyond((volume + 0.5 * rng.normal(size=80))[:, None], label, volume)[1][0] < 0.05)
    assert np.mean(wrong) < 0.1


def test_alike_features_are_neighbours():
    rng = np.random.default_rng(6)
    base = rng.normal(size=(100, 3))
    rows = np.hstack([base[:, [index % 3]] * (-1) ** index + 0.1 * rng.normal(size=(100, 1)) for index in range(12)])
    rows = np.hstack([rows[:, :5], np.ones((100, 1)), rows[:, 5:]])
    families = np.array([0, 1, 2, 0, 1, -1, 2, 0, 1, 2, 0, 1, 2])
    found = cluster(correlate(rows, "spearman"))
    assert sorted(found.order) == list(range(13))
    assert found.order[-1] == 5
    assert found.groups.tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [-1]
    assert all(len(set(families[found.order[found.groups == group]])) == 1 for group in range(3))


def test_a_matrix_without_correlation_keeps_its_features():
    found = cluster(np.full((3, 3), np.nan))
    assert sorted(found.order) == [0, 1, 2]
    assert set(found.groups) == {-1}
