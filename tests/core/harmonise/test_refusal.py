"""The outcome is no covariate, under whatever name and in whatever company."""

import numpy as np
import pytest

from app.core.errors import RecipeError
from app.core.harmonise.combat import Combat, estimate_combat
from tests.core.harmonise.site_tables import FEATURES, make_table


def refuse(table, outcome, **settings):
    with pytest.raises(RecipeError, match=r"determines? the outcome of the training cases"):
        Combat(FEATURES, **settings).fit(table, outcome)


def test_the_outcome_itself_turned_scaled_or_jittered():
    table, outcome = make_table()
    rng = np.random.default_rng(1)
    for given in (outcome, 1 - outcome, 3.0 * outcome - 7, outcome + rng.normal(scale=0.05, size=len(outcome))):
        refuse(table.assign(label=given), outcome, covariates=("label",))
    refuse(table.assign(label=np.where(outcome == 1, "ALT", "lipoma")), outcome, categorical=("label",))
    refuse(table.assign(label=np.where(outcome == 1, "ALT", None)), outcome, categorical=("label",))
    refuse(table.assign(label=outcome), outcome, covariates=("age", "label"), categorical=("sex",))


def test_levels_that_each_hold_one_class():
    table, outcome = make_table()
    grade = [f"{'high' if label else 'low'}-{number % 3}" for number, label in enumerate(outcome)]
    refuse(table.assign(grade=grade), outcome, categorical=("grade",))
    refuse(table.assign(patient=np.arange(len(table)).astype(str)), outcome, categorical=("patient",))


def test_combinations():
    table, outcome = make_table()
    rng = np.random.default_rng(2)
    noise = rng.normal(size=len(outcome))
    refuse(table.assign(one=noise, two=noise + 0.1 * outcome), outcome, covariates=("one", "two"))
    mask = rng.integers(0, 2, len(outcome))
    refuse(table.assign(one=mask, two=mask ^ outcome), outcome, categorical=("one", "two"))
    # A separate offset in every site hides the outcome from a look at the whole table, not from ComBat.
    offset = table.site.map({"A": 0.0, "B": 0.5, "C": -0.7, "D": 3.0, "E": 9.0}).to_numpy()
    refuse(table.assign(coded=outcome + offset), outcome, covariates=("coded",))
    refuse(table.assign(coded=outcome * 0.001 + offset * 1000), outcome, covariates=("coded",))


def test_three_classes():
    table, _ = make_table()
    outcome = np.arange(len(table)) % 3
    refuse(table.assign(label=outcome.astype(str)), outcome, categorical=("label",))
    refuse(table.assign(label=outcome), outcome, covariates=("label",))
    Combat(FEATURES, covariates=("age",)).fit(table, outcome)


def test_honest_covariates_pass_though_they_inform():
    table, outcome = make_table()
    rng = np.random.default_rng(4)
    informing = outcome + rng.normal(scale=0.6, size=len(outcome))
    given = table.assign(volume=informing)
    combat = Combat(FEATURES, covariates=("age", "volume"), categorical=("sex",)).fit(given, outcome)
    assert combat.effects_.shape == (3, len(FEATURES))


def test_covariates_need_the_outcome_to_be_checked():
    table, _ = make_table()
    with pytest.raises(RecipeError, match="without the outcome"):
        Combat(FEATURES, covariates=("age",)).fit(table)


def test_pure_noise_with_the_label_as_covariate_separates_only_where_nothing_refuses():
    rng = np.random.default_rng(6)
    noise, outcome = rng.normal(size=(60, 8)), np.arange(60) % 2
    sites = np.repeat(np.arange(20), 3).astype(str)
    naive = estimate_combat(noise, sites, outcome[:, None].astype(float)).apply(noise, sites, outcome[:, None])
    gap = [np.abs(values[outcome == 1].mean(axis=0) - values[outcome == 0].mean(axis=0)).mean() / values.std()
           for values in (noise, naive)]
    assert gap[1] > gap[0]
    table, labels = make_table()
    table[list(FEATURES)] = rng.normal(size=(len(table), len(FEATURES)))
    refuse(table.assign(diagnosis=labels), labels, covariates=("diagnosis",))
