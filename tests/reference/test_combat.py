"""ComBat against the results of its R package for 200 features of ten scans from two scanners."""

import numpy as np
import pandas as pd
import pytest

from app.core.harmonise.combat import Combat, estimate_combat

SITES = ["1"] * 5 + ["2"] * 5
COVARIATE = np.array([1, 2] * 5)
# Not the covariate, nor determined by it: an outcome that the transformer has no reason to refuse.
OUTCOME = np.array([0, 0, 1, 1, 0, 1, 0, 0, 1, 1])
KINDS = {
    "unadjusted": {},
    "adjusted": {"categorical": ("sex",)},
    "unadjusted_noeb": {"eb": False},
    "adjusted_meanonly": {"categorical": ("sex",), "mean_only": True},
    "adjusted_batchref": {"categorical": ("sex",), "reference": "1"},
}


def read(folder, name):
    return pd.read_csv(folder / "combat" / f"{name}.csv").to_numpy().T


@pytest.fixture
def table(shared_data):
    values = read(shared_data, "testdata")
    table = pd.DataFrame(values, columns=[f"f{place}" for place in range(values.shape[1])])
    return table.assign(site=SITES, sex=COVARIATE)


def features(table):
    return tuple(name for name in table if name.startswith("f"))


@pytest.mark.parametrize("kind", KINDS)
def test_transformer_equals_r(shared_data, table, kind):
    harmonised = Combat(features(table), **KINDS[kind]).fit(table, OUTCOME).transform(table)
    expected = read(shared_data, f"testdata_combat_parametric_{kind}_r")
    np.testing.assert_allclose(harmonised, expected, rtol=0, atol=1e-6)
    assert np.abs(harmonised - table[list(features(table))].to_numpy()).max() > 1  # something was done


def test_new_cases_of_known_sites_with_an_unknown_covariate_equal_r(shared_data, table):
    fitted = Combat(features(table), categorical=("sex",)).fit(table, OUTCOME)
    expected = read(shared_data, "training_test_scenario2_r")
    new = table.iloc[[0, 1, 5, 6]]
    for unknown in (new.drop(columns="sex"), new.assign(sex=None), new.assign(sex=9)):
        np.testing.assert_allclose(fitted.transform(unknown), expected, rtol=0, atol=1e-6)
        assert all(row["unknown"] == ["sex"] for row in fitted.explain(unknown))
    one_by_one = np.vstack([fitted.transform(new.drop(columns="sex").iloc[[row]]) for row in range(4)])
    np.testing.assert_allclose(one_by_one, expected, rtol=0, atol=1e-6)
    assert np.abs(fitted.transform(new) - expected).max() > 0.01


def test_a_number_and_a_category_of_two_levels_say_the_same(table):
    number = Combat(features(table), covariates=("sex",)).fit(table, OUTCOME).transform(table)
    category = Combat(features(table), categorical=("sex",)).fit(table, OUTCOME).transform(table)
    np.testing.assert_allclose(number, category, atol=1e-10)


def test_nonparametric_equals_the_published_sum_over_the_other_features(shared_data):
    values = read(shared_data, "testdata")[:, :40]
    found = estimate_combat(values, SITES, parametric=False)
    plain = estimate_combat(values, SITES, eb=False)
    standard = (values - plain.mean) / plain.deviation
    for place, site in enumerate(("1", "2")):
        rows = standard[np.array(SITES) == site]
        for feature in range(40):
            others = np.arange(40) != feature
            g, d = plain.location[place, others], plain.scale[place, others]
            likelihood = np.prod(np.exp(-((rows[:, [feature]] - g) ** 2) / (2 * d)) / np.sqrt(2 * np.pi * d), axis=0)
            assert found.location[place, feature] == pytest.approx((g * likelihood).sum() / likelihood.sum(), abs=1e-9)
            assert found.scale[place, feature] == pytest.approx((d * likelihood).sum() / likelihood.sum(), abs=1e-9)
