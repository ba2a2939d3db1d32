"""Combat: what it removes, what it leaves, whom it serves, and that held-out rows never reach it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from skops.io import dumps, get_untrusted_types, loads

from app.core.classify.saved import TRUSTED
from app.core.errors import InputError, RecipeError
from app.core.harmonise.combat import Combat
from app.core.harmonise.estimation import estimate_combat
from app.core.harmonise.features import FeatureColumns
from app.core.harmonise.step import build_harmonisation
from app.core.recipe import HarmoniseRecipe
from tests.core.harmonise.site_tables import FEATURES, make_table

LEARNED = ("mean_", "deviation_", "effects_", "centre_", "location_", "scale_")


def plain(table):
    return table[list(FEATURES)].to_numpy()


def policies(combat, table):
    return [row["policy"] for row in combat.explain(table)]


def test_large_sites_come_together_and_small_ones_are_left():
    table, _ = make_table()
    combat = Combat(FEATURES).fit(table)
    done = combat.transform(table)
    means = [done[(table.site == site).to_numpy()].mean(axis=0) for site in "ABC"]
    spreads = [done[(table.site == site).to_numpy()].std(axis=0).mean() for site in "ABC"]
    before = [plain(table)[(table.site == site).to_numpy()].mean(axis=0) for site in "ABC"]
    assert np.ptp(means, axis=0).max() < 0.25 * np.ptp(before, axis=0).max()
    assert max(spreads) / min(spreads) < 1.5
    small = table.site.isin(["D", "E"]).to_numpy()
    np.testing.assert_array_equal(done[small], plain(table)[small])
    assert policies(combat, table) == ["harmonised"] * 45 + ["left_small"] * 3
    assert combat.explain(table)[-1]["caution"].startswith("The site E had too few training cases (1)")


def test_without_shrinkage_every_site_has_the_same_mean_and_spread():
    table, _ = make_table()
    done = Combat(FEATURES, eb=False).fit_transform(table)
    for site in "BC":
        own, first = done[(table.site == site).to_numpy()], done[(table.site == "A").to_numpy()]
        np.testing.assert_allclose(own.mean(axis=0), first.mean(axis=0), atol=1e-9)
        np.testing.assert_allclose(own.std(axis=0, ddof=1), first.std(axis=0, ddof=1), atol=1e-9)


def test_held_out_rows_change_nothing_learned():
    table, outcome = make_table()
    train = np.arange(len(table)) % 5 != 0
    settings = {"covariates": ("age",), "categorical": ("sex",), "group_by": ("vendor", "field"), "unseen": "nearest"}
    before = Combat(FEATURES, **settings).fit(table[train], outcome[train])
    answers = before.transform(table[~train])
    spoilt = table.copy()
    spoilt.loc[~train, [*FEATURES, "age"]] *= 1e6
    spoilt.loc[~train, "site"] = "elsewhere"
    after = Combat(FEATURES, **settings).fit(spoilt[train], outcome[train])
    for name in LEARNED:
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    before.transform(spoilt[~train])
    np.testing.assert_array_equal(before.transform(table[~train]), answers)
    row = table[~train].iloc[[3]]
    np.testing.assert_array_equal(before.transform(row)[0], answers[3])
    changed = table.copy()
    changed.loc[train, FEATURES[0]] += np.arange(train.sum())
    assert not np.array_equal(Combat(FEATURES).fit(changed[train]).mean_, Combat(FEATURES).fit(table[train]).mean_)


def test_the_outcome_changes_nothing_learned():
    table, outcome = make_table()
    one = Combat(FEATURES, covariates=("age",)).fit(table, outcome)
    other = Combat(FEATURES, covariates=("age",)).fit(table, 1 - outcome[::-1])
    for name in LEARNED:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_transforming_does_not_touch_the_table():
    table, _ = make_table()
    kept = table.copy(deep=True)
    Combat(FEATURES, unseen="estimate").fit(table[table.site != "C"]).transform(table)
    pd.testing.assert_frame_equal(table, kept)


def test_missing_values_stay_missing_and_bias_nothing():
    table, _ = make_table()
    rng = np.random.default_rng(3)
    holes = table.copy()
    missing = rng.random((len(table), len(FEATURES))) < 0.1
    holes[list(FEATURES)] = np.where(missing, np.nan, plain(table))
    done = Combat(FEATURES).fit_transform(holes)
    np.testing.assert_array_equal(np.isnan(done), missing)
    full = Combat(FEATURES).fit_transform(table)
    assert np.abs(done - full)[~missing].max() < 2.0
    assert np.nanmean(np.abs(done - full)) < 0.25
    # A feature's estimates rest on its own known rows: with no shrinkage they equal those of the rows without the hole.
    one = table.copy()
    one.loc[[1, 22], "f0"] = np.nan
    known = table.drop(index=[1, 22])
    with_hole = Combat(FEATURES, eb=False, reference="C").fit(one)
    without = Combat(FEATURES, eb=False, reference="C").fit(known)
    assert with_hole.mean_[0] == pytest.approx(without.mean_[0])
    np.testing.assert_allclose(with_hole.location_[:, 0], without.location_[:, 0])
    np.testing.assert_allclose(with_hole.scale_[:, 0], without.scale_[:, 0])


@pytest.mark.parametrize("settings", [{}, {"parametric": False}, {"eb": False}, {"mean_only": True},
                                      {"parametric": False, "mean_only": True}, {"reference": "A"}])
def test_a_feature_that_a_whole_site_lacks_and_one_that_never_varies(settings):
    table, _ = make_table()
    table.loc[table.site == "B", "f1"] = np.nan
    table["f2"], table["f3"] = 7.0, np.nan
    table.loc[table.site == "C", "f4"] = 1.0
    table["f5"] = table.site.map({"A": 1.0, "B": 2.0}).fillna(3.0)
    combat = Combat(FEATURES, **settings).fit(table)
    done = combat.transform(table)
    np.testing.assert_array_equal(np.isnan(done), np.isnan(plain(table)))
    np.testing.assert_array_equal(done[:, 2], 7.0)
    known = table.assign(f1=table.f1.fillna(9.0))
    assert np.isfinite(combat.transform(known)[:, 1]).all()


def test_a_known_covariate_keeps_its_effect():
    table, outcome = make_table()
    older = table.site.map({"A": 0.0, "B": 20.0, "C": -20.0}).fillna(0.0)
    table["age"] += older
    for name in FEATURES:
        table[name] += 0.2 * table.age
    kept = Combat(FEATURES, eb=False, covariates=("age",)).fit(table, outcome).transform(table)
    lost = Combat(FEATURES, eb=False).fit(table).transform(table)
    large = table.site.isin(list("ABC")).to_numpy()

    def slopes(values):
        return np.array([np.polyfit(table.age[large], column, 1)[0] for column in values[large].T])

    assert abs(slopes(kept).mean() - 0.2) < 0.04
    assert slopes(lost).mean() < slopes(kept).mean() - 0.05


def test_one_site_only_or_none_large_enough_is_left():
    table, _ = make_table()
    one = table[table.site == "A"]
    combat = Combat(FEATURES, unseen="leave").fit(one)
    np.testing.assert_array_equal(combat.transform(one), plain(one))
    assert set(policies(combat, one)) == {"reference"}
    few = table.groupby("site").head(2)
    combat = Combat(FEATURES, unseen="leave").fit(few)
    np.testing.assert_array_equal(combat.transform(few), plain(few))
    assert combat.explain(few)[0]["caution"] == "No site has 5 training cases; nothing is harmonised."


def test_sites_of_one_class_each_are_left():
    table, _ = make_table()
    combat = Combat(FEATURES).fit(table, (table.site == "A").astype(int).to_numpy())
    np.testing.assert_array_equal(combat.transform(table), plain(table))
    assert "one class only" in combat.explain(table)[0]["caution"]


def test_a_reference_site_is_returned_as_it_came():
    table, _ = make_table()
    done = Combat(FEATURES, reference="B").fit_transform(table)
    own = (table.site == "B").to_numpy()
    np.testing.assert_array_equal(done[own], plain(table)[own])
    assert not np.allclose(done[~own][:20], plain(table)[~own][:20])
    with pytest.raises(RecipeError, match="The reference site 'D' has 2 training cases; at least 5 are needed"):
        Combat(FEATURES, reference="D").fit(table)


def test_estimator_protocol_and_round_trip():
    table, outcome = make_table()
    combat = Combat(FEATURES, categorical=("sex",), group_by=("vendor",), unseen="nearest", small="merge")
    assert clone(combat).get_params() == combat.get_params()
    combat.fit(table, outcome)
    assert combat.get_feature_names_out().tolist() == list(FEATURES)
    adapted = combat.adapt(table[table.site == "A"].assign(site="new"))
    for fitted in (combat, adapted, FeatureColumns(FEATURES).fit(table)):
        data = dumps(fitted)
        assert set(get_untrusted_types(data=data)) <= set(TRUSTED)
        again = loads(data, trusted=list(TRUSTED))
        np.testing.assert_array_equal(again.transform(table), fitted.transform(table))
        assert again.explain(table) == fitted.explain(table)


def test_recipe_builds_the_step():
    table, _ = make_table()
    none = build_harmonisation(HarmoniseRecipe(), FEATURES)
    assert isinstance(none, FeatureColumns)
    np.testing.assert_array_equal(none.fit(table).transform(table), plain(table))
    combat = build_harmonisation(HarmoniseRecipe(method="combat", small="merge"), FEATURES)
    assert isinstance(combat, Combat)
    assert (combat.small, combat.unseen, combat.at_least) == ("merge", "leave", 5)
    with pytest.raises(RecipeError, match="at_least"):
        HarmoniseRecipe.parse({"method": "combat", "at_least": 4})
    with pytest.raises(RecipeError, match="group_by"):
        HarmoniseRecipe.parse({"unseen": "nearest"})


@pytest.mark.parametrize(("change", "settings", "error", "words"), [
    (lambda table: table.drop(columns="f3"), {}, InputError, "no column 'f3'"),
    (lambda table: table.assign(f3="x"), {}, InputError, "'f3' holds text"),
    (lambda table: table.drop(columns="site"), {}, RecipeError, "needs the column 'site'"),
    (lambda table: table, {"covariates": ("weight",)}, RecipeError, "needs the column 'weight'"),
    (lambda table: table, {"covariates": ("sex",)}, InputError, "'sex' holds text"),
    (lambda table: table.assign(tesla=table.field), {"covariates": ("tesla",)}, RecipeError, "cannot be told apart"),
    (lambda table: table, {"unseen": "nearest"}, RecipeError, "no column names the protocol"),
])
def test_what_cannot_be_used_is_said(change, settings, error, words):
    table, outcome = make_table()
    with pytest.raises(error, match=words):
        Combat(FEATURES, **settings).fit(change(table), outcome)


def test_single_row_batches_get_a_location_only():
    table, _ = make_table()
    found = estimate_combat(plain(table), table.site)
    assert found.batches == ("A", "B", "C", "D", "E")
    np.testing.assert_array_equal(found.scale[4], 1.0)
    assert np.isfinite(found.apply(plain(table), table.site)).all()
