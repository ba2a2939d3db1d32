"""Selection paths, against scikit-learn's plain selectors."""

import numpy as np
import pytest
from sklearn.feature_selection import RFE
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from app.core.classify.selection import Elimination, SparseWeights, Univariate, univariate_auc
from tests.core.classify.small_tables import make_table


@pytest.fixture
def table():
    rows, labels = make_table(60, 90, 3)
    return StandardScaler().fit_transform(rows), labels


@pytest.mark.parametrize("step", [0.1, 1, 7])
@pytest.mark.parametrize("strength", [0.01, 1.0])
def test_one_elimination_path_gives_what_rfe_gives_for_every_number(table, step, strength):
    selector = Elimination(strength=strength, step=step)
    path = selector.path(*table)
    for number in (1, 4, 9, 10, 33, 90):
        plain = RFE(SVC(kernel="linear", C=strength), n_features_to_select=number, step=step).fit(*table)
        selector.number = number
        assert selector.choose(path).kept_.tolist() == np.flatnonzero(plain.support_).tolist()


def test_more_features_than_there_are_keeps_all(table):
    for selector in (Elimination(500), Univariate(500)):
        assert selector.fit(*table).transform(table[0]).shape == (60, 90)


def test_univariate_auc_equals_scikit_learn_and_chooses_the_extremes(table):
    rows, labels = table
    aucs = univariate_auc(rows, labels)
    assert aucs == pytest.approx([roc_auc_score(labels, column) for column in rows.T])
    kept = Univariate(6).fit(rows, labels).kept_
    dropped = np.setdiff1d(np.arange(90), kept)
    assert np.abs(aucs[kept] - 0.5).min() >= np.abs(aucs[dropped] - 0.5).max()


def test_sparse_weights_fall_back_on_the_best_single_feature(table):
    assert SparseWeights(1e-6).fit(*table).kept_.tolist() == Univariate(1).fit(*table).kept_.tolist()
    assert 1 < len(SparseWeights(0.1).fit(*table).kept_) < 60
