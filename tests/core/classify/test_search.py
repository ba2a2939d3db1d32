"""The shared search gives the answers of GridSearchCV, written plainly, on the same folds."""

import numpy as np
import pytest
from sklearn.feature_selection import RFE
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from app.core.classify.candidates import build_candidates
from app.core.classify.tuned import TunedClassifier
from app.core.errors import RecipeError
from app.core.evaluate.folds import make_folds
from app.core.recipe import ModelRecipe
from tests.core.classify.small_tables import make_table

SVM = [{"kernel": ["linear"], "C": [0.01, 1]}, {"kernel": ["rbf"], "C": [1], "gamma": ["scale", 0.01]}]
RECIPES = {
    "svm-rfe": {"kind": "svm", "select": {"method": "rfe", "correlation": 0.85, "numbers": [3, 10, 30],
                                          "strengths": [0.01, 1.0]}, "search": {"grid": SVM}},
    "svm-pca": {"kind": "svm", "select": {"method": "pca"}, "search": {"grid": SVM}},
    "univariate": {"kind": "svm", "scale": "normal", "select": {"method": "univariate", "numbers": [1, 5]},
                   "search": {"grid": SVM}},
    "rf": {"kind": "rf", "scale": "none", "search": {"grid": [{"criterion": ["gini", "entropy"],
                                                               "n_estimators": [5, 12, 30]}]}},
    "extra": {"kind": "extra", "scale": "none", "search": {"grid": [{"n_estimators": [10, 20]}]}},
    "xgb": {"kind": "xgb", "scale": "none", "search": {"grid": [{"max_depth": [1, 3], "n_estimators": [5, 20]}]}},
    "logistic": {"kind": "logistic", "search": {"grid": [{"l1_ratio": [0.0, 1.0], "C": [0.1, 1.0]}]}},
    "l1": {"kind": "logistic", "select": {"method": "l1", "strengths": [0.1, 1.0]}},
    "over": {"kind": "rf", "balance": "smote", "search": {"grid": [{"n_estimators": [10, 20]}]}},
}  # fmt: skip


def plain_search(recipe: ModelRecipe, rows, labels, splits) -> GridSearchCV:
    candidates = build_candidates(recipe)
    steps, grid = list(candidates.steps), candidates.grid
    if recipe.select.method == "rfe":
        place = [name for name, _ in steps].index("select")
        steps[place] = ("select", RFE(SVC(kernel="linear"), step=recipe.select.step))
        told = {"select__number": "select__n_features_to_select", "select__strength": "select__estimator__C"}
        grid = [{told.get(name, name): value for name, value in each.items()} for each in grid]
    return GridSearchCV(Pipeline(steps), grid, scoring="roc_auc", cv=splits, refit=False).fit(rows, labels)


@pytest.mark.parametrize("name", RECIPES)
def test_every_candidate_scores_as_in_the_plain_search(name):
    recipe = ModelRecipe.parse(RECIPES[name])
    table, labels = make_table(70, 60, 5, missing=0.02)
    tuned = TunedClassifier(recipe).fit(table.to_numpy(), labels)
    splits = make_folds(labels, np.arange(70), 5, 1, 0).splits
    plain = plain_search(recipe, table.to_numpy(), labels, splits)
    assert tuned.aucs_[0] == pytest.approx(plain.cv_results_["mean_test_score"], abs=1e-9)
    assert plain.cv_results_["mean_test_score"].std() > 0


def test_fewer_candidates_are_drawn_the_same_way_each_time():
    recipe = ModelRecipe.parse({**RECIPES["svm-rfe"], "search": {"grid": SVM, "candidates": 4}})
    drawn = build_candidates(recipe, random_state=3).settings
    assert len(drawn) == 4
    assert drawn == build_candidates(recipe, random_state=3).settings
    assert drawn != build_candidates(recipe, random_state=4).settings


def test_a_setting_that_the_classifier_has_not_is_refused():
    with pytest.raises(RecipeError, match="names 'depth'"):
        build_candidates(ModelRecipe.parse({"kind": "svm", "search": {"grid": [{"depth": [1]}]}}))


def test_a_fixed_list_that_is_not_in_the_table_is_refused():
    recipe = ModelRecipe.parse({"select": {"only": ["f3", "nowhere"]}})
    assert dict(build_candidates(recipe, ["f1", "f3"]).steps)["vary"].positions == (1,)
    with pytest.raises(RecipeError, match="None of the 2 features"):
        build_candidates(recipe, ["f1", "f2"])


@pytest.mark.parametrize("recipe", [{"kind": "average"}, {"kind": "rf", "members": [{"kind": "svm"}]},
                                    {"kind": "average", "members": [{"kind": "average", "members": [{}]}]}])
def test_only_an_average_has_members_and_they_are_single(recipe):
    with pytest.raises(RecipeError, match="average"):
        ModelRecipe.parse(recipe)
