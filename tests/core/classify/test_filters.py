"""Columns kept and dropped, against the plain definitions."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, rankdata, spearmanr

from app.core.classify.filters import FiniteValues, NormalScores, SpearmanFilter, VaryingFeatures, spearman
from tests.core.classify.small_tables import make_table


def test_infinite_values_count_as_missing():
    table = pd.DataFrame({"x": [1.0, np.inf], "y": [3, 4]})
    values = FiniteValues().fit(table).transform(table)
    assert values[:, 1].tolist() == [3, 4]
    assert np.isnan(values[1, 0])
    assert table["x"][1] == np.inf


def test_spearman_equals_scipy_with_ties():
    values = np.random.default_rng(0).integers(0, 6, (30, 8)).astype(float)
    assert spearman(values) == pytest.approx(spearmanr(values).statistic)


def test_spearman_filter_equals_the_loop_over_pairs():
    values = make_table(50, 60, 1)[0].to_numpy(copy=True)
    values[:, 40] = values[:, 3] ** 3
    correlation = np.abs(spearmanr(values).statistic)
    kept = []
    for column in range(60):
        if all(correlation[column, earlier] <= 0.6 for earlier in kept):
            kept.append(column)
    found = SpearmanFilter(0.6).fit(values).kept_
    assert found.tolist() == kept
    assert 3 in kept
    assert 40 not in kept


def test_constant_columns_go_and_a_fixed_list_stays():
    values = np.random.default_rng(0).normal(size=(20, 5))
    values[:, 1] = 7.1
    assert VaryingFeatures().fit(values).kept_.tolist() == [0, 2, 3, 4]
    assert VaryingFeatures((1, 4)).fit(values).kept_.tolist() == [4]
    assert VaryingFeatures().fit(np.ones((4, 3))).kept_.tolist() == [0], "never no column at all"


def test_normal_scores_rank_the_training_rows_and_bear_what_lies_outside():
    values = np.random.default_rng(0).lognormal(size=(25, 3))
    scores = NormalScores().fit(values)
    ranks = rankdata(values[:, 1])
    assert scores.transform(values)[:, 1] == pytest.approx(norm.ppf(ranks / 26))
    far = scores.transform(np.array([[1e9, -1e9, 1.0]]))
    assert far[0, 0] == pytest.approx(-far[0, 1])
    assert 1.5 < far[0, 0] < 3
