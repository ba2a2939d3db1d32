"""What a model rests on: the planted feature first, shares that sum to one, silence where weights are of no feature."""

import numpy as np
import pytest

from app.core.classify.importance import MOST_NAMED
from app.core.classify.tuned import TunedClassifier
from app.core.evaluate.crossvalidate import cross_validate
from app.core.evaluate.folds import make_folds
from app.core.recipe import ModelRecipe
from tests.core.classify.small_tables import make_table

SEARCH = {"folds": 3}
KINDS = {
    "logistic": {"kind": "logistic", "search": {**SEARCH, "grid": [{"C": [0.1]}]}},
    "forest": {"kind": "rf", "scale": "none", "search": {**SEARCH, "grid": [{"n_estimators": [40]}]}},
    "boosted": {"kind": "xgb", "scale": "none", "search": {**SEARCH, "grid": [{"n_estimators": [30]}]}},
    "components": {"kind": "logistic", "select": {"method": "pca", "shares": [0.95]},
                   "search": {**SEARCH, "grid": [{"C": [0.1]}]}},
}


def fitted(recipe, columns=12, rows=120, signal=3.0):
    table, labels = make_table(rows, columns, seed=1, signal=signal)
    return TunedClassifier(ModelRecipe.parse(recipe), features=list(table.columns)).fit(table, labels), table, labels


@pytest.mark.parametrize("name", list(KINDS))
def test_the_planted_feature_weighs_most_and_shares_sum_to_one(name):
    weights = fitted(KINDS[name])[0].weigh_features()
    assert next(iter(weights)) == "f0" or name == "components"
    assert sum(weights.values()) == pytest.approx(1)
    assert list(weights.values()) == sorted(weights.values(), reverse=True)
    assert min(weights.values()) > 0


def test_coefficients_are_those_of_the_classifier():
    model, table, _ = fitted({**KINDS["logistic"], "select": {"method": "univariate", "numbers": [4]}})
    weights = model.weigh_features()
    coefficients = np.abs(model.fitted_.steps[-1][1].coef_[0])
    assert len(weights) == 4
    assert sorted(weights.values()) == pytest.approx(sorted(coefficients / coefficients.sum()))
    assert set(weights) <= set(table.columns)


def test_a_kernel_says_what_it_was_given_and_nothing_more():
    recipe = {"kind": "svm", "select": {"method": "univariate", "numbers": [5]},
              "search": {**SEARCH, "grid": [{"kernel": ["rbf"], "C": [1.0]}]}}
    weights = fitted(recipe)[0].weigh_features()
    assert len(weights) == 5
    assert set(weights.values()) == {None}


def test_an_average_weighs_its_members_by_their_voice():
    recipe = {"kind": "average", "members": [KINDS["logistic"], KINDS["forest"]], "search": SEARCH}
    model = fitted(recipe)[0]
    weights = model.weigh_features()
    parts = []
    for member, slope in zip(model.fitted_.members, np.abs(model.fitted_.slopes), strict=True):
        last = getattr(member.steps[-1][1], "fitted_", member.steps[-1][1])
        raw = np.abs(last.coef_[0]) if hasattr(last, "coef_") else last.feature_importances_
        parts.append(slope * raw / raw.sum())
    expected = sum(parts) / sum(part.sum() for part in parts)
    assert weights == pytest.approx({name: expected[int(name[1:])] for name in weights})


def test_many_features_are_cut_to_the_heaviest():
    weights = fitted(KINDS["forest"], columns=80)[0].weigh_features()
    assert len(weights) == MOST_NAMED
    assert sum(weights.values()) < 1


def test_every_fold_keeps_its_own():
    _, table, labels = fitted(KINDS["logistic"])
    recipe = ModelRecipe.parse(KINDS["logistic"])
    folds = make_folds(labels, np.arange(len(labels)), 3, 1, seed=0)
    found = cross_validate(lambda: TunedClassifier(recipe, features=list(table.columns)), table, labels, folds,
                           lambda _done: None)
    assert all(next(iter(fit.importance)) == "f0" for fit in found.fits)
    assert len({tuple(fit.importance.values()) for fit in found.fits}) == 3
