"""The saved model: every shipped kind predicts bit by bit once read again, with rules from all held-out predictions."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.core.bundle import Bundle
from app.core.classify.final import pooled_quantile, settle_rules
from app.core.classify.tuned import TunedClassifier
from app.core.errors import InputError
from app.core.evaluate.conformal import class_quantiles
from app.core.evaluate.crossvalidate import OutOfFold, cross_validate
from app.core.evaluate.folds import make_folds
from app.core.harmonise.step import build_harmonisation
from app.core.recipe import HarmoniseRecipe, Recipe
from app.core.requests import TrainRequest
from app.core.workflows.cohort import Cohort
from app.core.workflows.learning_columns import Size
from app.core.workflows.saving import fit_size, save_model

RECIPES = Path(__file__).resolve().parents[3] / "resources" / "recipes"
NAMES = ("default", "svm-rfe", "svm-pca", "rf", "mlp", "xgb", "logistic")
FEATURES = tuple(f"f{place}" for place in range(30))
CASES = 60


def shipped(name: str, **harmonise) -> Recipe:
    """A shipped recipe that tries two of its candidates."""
    recipe = Recipe.parse(RECIPES / f"{name}.json")
    search = recipe.model.search.model_copy(update={"candidates": 2, "folds": 3})
    model = recipe.model.model_copy(update={"search": search, "resamples": 5})
    return recipe.model_copy(update={"model": model, "harmonise": HarmoniseRecipe(**harmonise)})


def make_cohort(cases: int = CASES, seed: int = 0) -> Cohort:
    """Five of the features tell the classes apart; four sites, each shifted."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(cases) % 2)
    values = rng.normal(size=(cases, len(FEATURES))) @ (np.eye(len(FEATURES)) + 0.1 * rng.normal(size=(30, 30)))
    site = np.arange(cases) % 4
    values[:, :5] += 1.2 * labels[:, np.newaxis]
    values[:, 3:9] += site[:, np.newaxis]
    values[rng.random(values.shape) < 0.02] = np.nan
    sites = np.array([f"Site {number}" for number in site])
    table = pd.DataFrame(values, columns=list(FEATURES)).assign(site=sites, vendor=np.where(site < 2, "A", "B"))
    patients = np.array([f"PATIENT-{number:03d}" for number in range(cases)])
    return Cohort(table, FEATURES, (), labels, patients, sites, ("lipoma", "ALT"), ())


def save(cohort: Cohort, recipe: Recipe, out: Path) -> tuple[Bundle, OutOfFold]:
    ask = TrainRequest(table="t.csv", label="label", patient="patient", site="site", recipes=[recipe], out=str(out))
    folds = make_folds(cohort.labels, cohort.patients, 3, 2, 0)

    def make() -> TunedClassifier:
        return TunedClassifier(recipe.model, FEATURES, build_harmonisation(recipe.harmonise, FEATURES))

    found = cross_validate(make, cohort.table, cohort.labels, folds, lambda _done: None, cohort.patients)
    figures = {"auc": found.auc_summary(folds), "brier": 0.2, "calibration": {"slope": 1.0}, "target": "new patients"}
    return save_model(ask, recipe, cohort, found, {"models": {recipe.name: figures}, "comparators": {}}), found


def test_volume_known_of_one_class_alone_stands_beside_no_score():
    cohort = make_cohort()
    volumes = np.where(cohort.labels == 1, 10.0 + np.arange(CASES), np.nan)
    assert fit_size(replace(cohort, sizes=(Size("volume", "volume_ml", volumes),))) is None
    known = replace(cohort, sizes=(Size("volume", "volume_ml", 10.0 + np.arange(CASES)),))
    assert fit_size(known) is not None


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return make_cohort()


@pytest.fixture(scope="module", params=NAMES)
def saved(request, cohort, tmp_path_factory):
    recipe = shipped(request.param)
    bundle, found = save(cohort, recipe, tmp_path_factory.mktemp("saved") / "model")
    return bundle, found, recipe


def test_reloaded_it_predicts_bit_identically(saved, cohort):
    """Against the same recipe fitted again beside it, with the final calibrator applied by hand."""
    bundle, found, recipe = saved
    beside = TunedClassifier(recipe.model, FEATURES, build_harmonisation(recipe.harmonise, FEATURES), 0)
    beside.fit(cohort.table, cohort.labels, cohort.patients)
    curve = settle_rules(found).curve
    new = make_cohort(20, 9).table
    expected = curve.log_odds(beside.decision_function(new))
    first, again = Bundle.load(bundle.folder), Bundle.load(bundle.folder)
    values = new[list(FEATURES)].to_numpy()
    assert first.score_table(values, [{}] * 20) == pytest.approx(expected, abs=1e-9)
    assert np.array_equal(first.score_table(values, [{}] * 20), again.score_table(values, [{}] * 20))
    features = dict(zip(FEATURES, values[4].tolist(), strict=True))
    assert first.predict(features) == again.predict(features) == bundle.predict(features)
    assert first.predict(features).log_odds == first.log_odds(features)
    assert first.predict(features).log_odds == pytest.approx(expected[4], abs=1e-9)


def test_refits_spread_around_the_model_and_the_bundle_stays_small(saved):
    bundle = saved[0]
    assert 4 <= len(bundle.resamples) <= 5
    new = make_cohort(30, 9).table[list(FEATURES)].to_numpy()
    found = [bundle.predict(dict(zip(FEATURES, row, strict=True))) for row in new]
    assert all(0 < each.variance < 50 for each in found)
    assert sum(path.stat().st_size for path in bundle.folder.iterdir()) < 20 * 2**20


def test_contributions_add_up(saved):
    bundle = saved[0]
    rows = make_cohort(6, 9).table[list(FEATURES)].fillna(0.0).to_numpy()
    found = [bundle.predict(dict(zip(FEATURES, row, strict=True))) for row in rows]
    rest = [each.log_odds - sum(part.effect for part in each.contributions) for each in found]
    assert rest == pytest.approx([rest[0]] * 6, abs=1e-4)


def test_no_name_of_a_case_is_in_it(saved):
    for path in saved[0].folder.iterdir():
        assert b"PATIENT-" not in path.read_bytes(), path.name
    import zipfile

    for name in ("pipeline.skops", "resamples.skops"):
        with zipfile.ZipFile(saved[0].folder / name) as archive:
            assert not any(b"PATIENT-" in archive.read(entry) for entry in archive.namelist())


def test_rules_come_from_all_repeats_of_held_out_predictions(saved):
    bundle, found, _ = saved
    rules, specification = settle_rules(found), bundle.specification
    assert [point.threshold for point in specification.thresholds] == [point.threshold for point in rules.points]
    assert {point.name for point in rules.points} >= {"youden", "sensitivity 95%", "prior"}
    log_odds = np.log(found.probabilities / (1 - found.probabilities))
    final = 1 / (1 + np.exp(-rules.curve.log_odds(log_odds)))
    assert final.mean() == pytest.approx(found.labels.mean(), abs=0.02), "calibrated in the large over all repeats"
    point = specification.default_threshold
    assert (final[:, found.labels == 1] >= point.threshold - 1e-12).mean() == pytest.approx(point.sensitivity)
    assert point.sensitivity >= 0.95
    for each in specification.conformal:
        kept = (1 - final[:, found.labels == 1] <= each.positive + 1e-12).mean()
        assert kept >= 1 - each.error_rate


def test_pooled_quantile_is_the_plain_one_where_each_case_has_one_score():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 80), rng.random(80)
    for rate in (0.01, 0.05, 0.2):
        plain = class_quantiles(labels, scores, rate)
        mine = (pooled_quantile(scores[labels == 0], int((labels == 0).sum()), rate),
                pooled_quantile(1 - scores[labels == 1], int((labels == 1).sum()), rate))
        assert mine == plain
    few = rng.random(10)
    assert pooled_quantile(np.repeat(few, 20), 10, 0.05) == 1.0, "repeats do not make ten cases two hundred"
    assert pooled_quantile(np.repeat(few, 20), 10, 0.2) == pooled_quantile(few, 10, 0.2)


def test_noise_is_flattened_by_the_final_calibrator():
    """Held-out predictions that know nothing but are sure of themselves end near the prevalence."""
    rng = np.random.default_rng(1)
    labels, patients = rng.permutation(np.arange(100) % 2), np.arange(100)
    folds = make_folds(labels, patients, 5, 3, 0)
    found = OutOfFold(np.full(15, 0.5), 1 / (1 + np.exp(-3 * rng.normal(size=(3, 100)))), (50, 50), labels, patients,
                      folds, ())
    curve = settle_rules(found).curve
    assert 0 < curve.slope < 0.2
    assert settle_rules(found, calibrate=False).curve.slope == 1.0


def harmonised(tmp_path, cohort, **settings) -> Bundle:
    recipe = shipped("logistic", method="combat", **settings)
    return save(cohort, recipe, tmp_path / "harmonised")[0]


def test_harmonised_model_scores_a_known_site_as_its_transformer_does_and_says_so(tmp_path, cohort):
    bundle = Bundle.load(harmonised(tmp_path, cohort).folder)
    values = cohort.table[list(FEATURES)].to_numpy()
    case = dict(zip(FEATURES, values[5], strict=True))
    prediction = bundle.predict(case, {"site": "Site 1", "vendor": "ignored"})
    assert (prediction.harmonisation.site, prediction.harmonisation.policy) == ("Site 1", "harmonised")
    assert prediction.harmonisation.caution == ""
    table = cohort.table.iloc[[5]].assign(site="Site 1")
    assert prediction.log_odds == bundle.pipeline.decision_function(table)[0]
    assert prediction.log_odds != bundle.predict(case, {"site": "Site 3"}).log_odds
    assert prediction.variance > 0
    assert bundle.context == ("site",)


@pytest.mark.parametrize(("context", "said"), [({}, "site is not stated"), ({"site": None}, "site is not stated"),
                                               ({"site": "Elsewhere"}, "Elsewhere was not in training")])
def test_case_without_a_known_site_is_left_with_a_caution(tmp_path, cohort, context, said):
    bundle = harmonised(tmp_path, cohort)
    case = dict(zip(FEATURES, cohort.table.iloc[0][list(FEATURES)].tolist(), strict=True))
    found = bundle.predict(case, context).harmonisation
    assert found.policy == "left_unseen"
    assert said in found.caution


def test_refusal_is_one_sentence(tmp_path, cohort):
    bundle = harmonised(tmp_path, cohort, unseen="refuse")
    case = dict(zip(FEATURES, cohort.table.iloc[0][list(FEATURES)].tolist(), strict=True))
    assert bundle.predict(case, {"site": "Site 0"}).harmonisation.policy == "harmonised"
    with pytest.raises(InputError, match=r"The site Elsewhere was not among the 4 sites of training"):
        bundle.predict(case, {"site": "Elsewhere"})


def test_new_site_is_estimated_from_its_own_cases_in_one_call(tmp_path, cohort):
    bundle = harmonised(tmp_path, cohort, unseen="estimate")
    values = make_cohort(40, 3).table[list(FEATURES)].to_numpy()
    context = [{"site": "Elsewhere" if place < 30 else "Small"} for place in range(34)]
    policies = [each.policy for each in bundle.explain_sites(values[:34], context)]
    assert policies == ["estimated"] * 30 + ["left_unseen"] * 4
    own = bundle.score_table(values[:34], context)
    adapted = bundle.pipeline.fitted_.steps[0][1].adapt(pd.DataFrame(values[:30], columns=list(FEATURES)).assign(
        site="Elsewhere"))
    steps = bundle.pipeline.fitted_.steps
    assert adapted.adapted_ == {"Elsewhere": 30}
    bundle.pipeline.fitted_.steps = [("harmonise", adapted), *steps[1:]]
    assert own[:30] == pytest.approx(bundle.score_table(values[:30], context[:30]))
    assert {each.policy for each in bundle.explain_sites(values[:1], context[:1])} == {"adapted"}


def test_protocol_group_stands_in_for_a_new_site(tmp_path, cohort):
    bundle = harmonised(tmp_path, cohort, unseen="nearest", group_by=("vendor",))
    assert bundle.context == ("site", "vendor")
    case = dict(zip(FEATURES, cohort.table.iloc[0][list(FEATURES)].tolist(), strict=True))
    near = bundle.predict(case, {"site": "Elsewhere", "vendor": "B"}).harmonisation
    assert near.policy == "nearest"
    assert "B" in near.caution
    assert bundle.predict(case, {"site": "Elsewhere"}).harmonisation.policy == "left_unseen"


def test_covariate_that_is_not_known_is_told(tmp_path, cohort):
    aged = replace(cohort, table=cohort.table.assign(age=np.random.default_rng(0).normal(60, 9, CASES)))
    bundle = harmonised(tmp_path, aged, covariates=("age",))
    case = dict(zip(FEATURES, cohort.table.iloc[0][list(FEATURES)].tolist(), strict=True))
    assert bundle.predict(case, {"site": "Site 0", "age": "61"}).harmonisation.caution == ""
    told = bundle.predict(case, {"site": "Site 0"}).harmonisation.caution
    assert told == "The training cases' mean stands in for what is not known of the case: 'age'."
    assert json.loads((bundle.folder / "bundle.json").read_text())["recipe"]["harmonise"]["covariates"] == ["age"]
