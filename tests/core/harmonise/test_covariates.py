"""A covariate that some fold cannot carry is left out there and said; the whole table is judged strictly."""

import numpy as np
import pytest

from app.core.classify.tuned import TunedClassifier
from app.core.errors import RecipeError
from app.core.harmonise.combat import Combat
from app.core.harmonise.step import build_harmonisation, check_harmonisation
from app.core.recipe import HarmoniseRecipe, ModelRecipe
from tests.core.harmonise.site_tables import FEATURES, make_table


def asking(**settings):
    return HarmoniseRecipe(method="combat", **settings)


def fit(recipe, table, outcome):
    return build_harmonisation(recipe, FEATURES).fit(table, outcome)


@pytest.mark.parametrize(("change", "why"), [
    (lambda table, _: table.field, "cannot tell it from the site"),
    (lambda table, _: np.ones(len(table)), "cannot tell it from the site"),
    (lambda table, _: np.full(len(table), np.nan), "cannot tell it from the site"),
    (lambda table, _: 2 * table.age + 1, "from another covariate"),
    (lambda _, outcome: outcome, "determines the outcome"),
    (lambda _, outcome: outcome + np.random.default_rng(0).normal(scale=0.05, size=len(outcome)), "determines"),
])
def test_left_out_in_a_fold_as_if_it_had_never_been_named(change, why):
    table, outcome = make_table()
    table["tesla"] = change(table, outcome)
    given = fit(asking(covariates=("age", "tesla"), categorical=("sex",)), table, outcome)
    without = fit(asking(covariates=("age",), categorical=("sex",)), table, outcome)
    assert why in given.left_out_["tesla"]
    assert list(given.left_out_) == ["tesla"]
    np.testing.assert_array_equal(given.transform(table), without.transform(table))
    told = given.explain(table)
    assert told[0]["policy"] == "harmonised"
    assert told[0]["left_out"] == ["tesla"]
    assert told[0]["unknown"] == []
    assert "'tesla' was left out" in told[0]["caution"]
    assert all(row["caution"] == "" for row in without.explain(table) if row["policy"] == "harmonised")


def test_categories_that_are_the_site_are_left_out_and_others_stay():
    table, outcome = make_table(sites=("A",) * 15 + ("B",) * 15)
    table["scanner"] = table.site.map({"A": "x", "B": "y"})
    found = fit(asking(categorical=("scanner", "sex")), table, outcome)
    assert list(found.left_out_) == ["scanner"]
    assert list(found.levels_) == ["sex"]
    sound = fit(asking(covariates=("age",), categorical=("sex",)), table, outcome)
    assert (sound.left_out_, sound.continuous_, list(sound.levels_)) == ({}, ["age"], ["sex"])


def test_the_whole_table_is_judged_strictly():
    table, outcome = make_table()
    table = table.assign(label=outcome, tesla=table.field)
    check_harmonisation(asking(covariates=("age",), categorical=("sex",)), table, outcome)
    check_harmonisation(HarmoniseRecipe(covariates=("label",)), table, outcome)
    check_harmonisation(asking(unseen="refuse"), table[table.site.isin(["A", "B", "C"])], outcome[:45])
    for settings, words in (
        ({"covariates": ("label",)}, "determines the outcome"), ({"covariates": ("tesla",)}, "cannot be told apart"),
        ({"reference": "D"}, "at least 5"), ({"covariates": ("weight",)}, "lacks"),
        ({"unseen": "refuse"}, "2 of the 5 sites have fewer than 5 cases, D first"),
    ):
        with pytest.raises(RecipeError, match=words):
            check_harmonisation(asking(**settings), table, outcome)
    with pytest.raises(RecipeError, match="determines the outcome"):
        Combat(FEATURES, covariates=("label",)).fit(table, outcome)


def test_a_reference_site_too_small_in_a_fold_leaves_everything_with_a_caution():
    table, outcome = make_table()
    found = fit(asking(reference="D"), table, outcome)
    np.testing.assert_array_equal(found.transform(table), table[list(FEATURES)])
    assert "reference site 'D' has 2 training cases" in found.explain(table)[0]["caution"]


def test_a_run_survives_an_inner_fold_in_which_the_covariate_is_the_site():
    table, outcome = make_table(sites=("A",) * 30 + ("B",) * 30)
    table["protocol"] = table.site.map({"A": "x", "B": "y"})
    table.loc[7, "protocol"] = "y"  # one case alone tells protocol and site apart
    recipe = asking(categorical=("protocol",))
    check_harmonisation(recipe, table, outcome)
    model = TunedClassifier(ModelRecipe(), FEATURES, build_harmonisation(recipe, FEATURES)).fit(table, outcome)
    assert np.isfinite(model.predict_proba(table)).all()
    inside = model.fitted_.steps[0][1]
    assert inside.left_out_ == {}
    alone = build_harmonisation(recipe, FEATURES).fit(table.drop(index=7), np.delete(outcome, 7))
    assert list(alone.left_out_) == ["protocol"]
