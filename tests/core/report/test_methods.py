"""The methods paragraph says every setting that a run used, and nothing that it did not do."""

import pytest

from app.core.recipe import Recipe
from app.core.report.methods import describe_harmonisation, describe_images, describe_methods, describe_model
from app.core.workflows.recipes import find_recipe
from tests.core.trained_run import make_run


@pytest.fixture(scope="module")
def run():
    return make_run()


def tell(run, **changes):
    specification = run[0].model_dump(mode="json")
    return describe_methods(specification, {**run[1], **changes})


def test_paragraph_holds_the_settings(run):
    text = tell(run)
    for words in ("60 cases, 60 patients, 4 sites (30 lipoma, 30 ALT; 50 % ALT)", "2 further cases",
                  "N4 (fast; mask otsu, 4 levels of at most 50 iterations", "tolerance 0.001", "FWHM 0.15", "200 bins",
                  "standard deviation 1 of the body", "32 bins", "not harmonised", "'wide' is logistic regression",
                  "'narrow' is logistic regression", "5 inner folds", "same 5 folds", "drawn 2 times with the seed 0",
                  run[1]["folds"]["digest"][:16], "tumour volume alone", "'wide' was declared before the run",
                  "permuted labels", "corrected resampled t", "L2 penalty C = 0.1"):
        assert words in text, words
    assert "  " not in text


def test_what_was_not_done_is_not_told(run):
    text = tell(run, audit=None, comparators={}, measured=False, primary="narrow", saved="wide")
    assert "N4" not in text
    assert "how they were measured is not known here" in text
    assert "permuted" not in text
    assert "volume" not in text
    assert "'wide' was chosen after seeing the results" in text
    assert "Where the program measured them itself" in tell(run, measured=None)


@pytest.mark.parametrize("name", ["default", "svm-rfe", "svm-pca", "rf", "mlp", "xgb", "logistic", "lipoma-2019",
                                  "creatis-2019", "ibsi", "pyradiomics"])
def test_every_shipped_recipe_can_be_told(name):
    recipe = find_recipe(name).model_dump(mode="json")
    text = " ".join([*describe_images(recipe, True, 92), *describe_model(name, recipe["model"])])
    assert "None" not in text
    assert "{" not in text
    assert f"'{name}' is " in text
    for member in (recipe["model"], *recipe["model"]["members"]):
        for grid in member["search"]["grid"]:
            assert all(setting in text for setting in grid)


def test_images_and_their_filters():
    recipe = Recipe.parse({"name": "x", "prep": {"resample": {"spacing": [1, 1, 0]}, "crop_margin_mm": 5,
                                                 "normalise": {"method": "percentile", "region": "around_tumour"}},
                           "features": {"filters": {"Original": {}, "LoG": {"sigma": [2, 3]}}, "force_2d": True,
                                        "bin_width": 25, "stable_only": True}}).model_dump(mode="json")
    text = " ".join(describe_images(recipe, True, 12))
    for words in ("percentiles 1 and 99 of a ring around the tumour (20 mm)", "1 x 1 x as it was mm", "plus 5 mm",
                  "LoG (sigma [2, 3])", "within slices", "slices merged", "bins of width 25", "second outline"):
        assert words in text, words


def test_harmonisation_is_told_with_its_policies():
    settings = Recipe.parse({"name": "x", "harmonise": {
        "method": "combat", "covariates": ["age"], "categorical": ["sex"], "unseen": "nearest", "group_by": ["field"],
        "small": "merge", "reference": "A"}}).model_dump(mode="json")["harmonise"]
    (text,) = describe_harmonisation(settings)
    for words in ("ComBat by 'site'", "training rows alone and never with the outcome", "parametric empirical Bayes",
                  "reference 'A'", "keeping age, sex", "fewer than 5 training cases were merged",
                  "are treated as sites of the same protocol (by field)"):
        assert words in text, words
