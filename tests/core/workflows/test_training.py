"""Several recipes in one run: the same folds, processes that change nothing, harmonisation, the audit, a stop."""

import json

import numpy as np
import pandas as pd
import pytest

from app.core.bundle import Bundle
from app.core.errors import Cancelled, InputError, RecipeError
from app.core.evaluate.folds import leave_sites_out
from app.core.recipe import ModelRecipe
from app.core.requests import TrainRequest
from app.core.workflows import train
from app.core.workflows.auditing import classifier_alone, harmonise_with_labels, select_with_labels
from tests.core.small_cohorts import quiet

SMALL = {"folds": 4, "repeats": 2, "resamples": 2}
LINEAR = {"name": "linear", "features": None, "model": {**SMALL, "search": {"folds": 3}}}
MACHINE = {"name": "machine", "features": None, "model": {
    **SMALL, "kind": "svm", "select": {"method": "rfe", "numbers": [2, 4]}, "search": {"folds": 3}}}
FOREST = {"name": "forest", "features": None, "model": {
    **SMALL, "kind": "rf", "scale": "none", "search": {"folds": 3, "grid": [{"n_estimators": [4, 8]}]}}}


def write_sites(path, signal=1.2, sites=6, cases=72, features=6, seed=0):
    """A table of cases from sites that shift every feature, with age and sex beside the features."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(cases) % 2)
    names = rng.permutation(np.arange(cases) % sites)
    values = rng.normal(size=(cases, features)) + rng.normal(size=(sites, features))[names]
    values[:, 0] += signal * labels
    table = pd.DataFrame(values, columns=[f"f{place}" for place in range(features)])
    table.insert(0, "patient", [f"Q{place:03d}" for place in range(cases)])
    table["label"], table["site"] = np.where(labels, "ALT", "lipoma"), [f"S{name}" for name in names]
    table["volume_ml"] = 10 ** rng.normal(2, 0.4, cases)
    table["age"], table["sex"] = rng.normal(60, 10, cases).round(1), rng.choice(["f", "m"], cases)
    table.to_csv(path, index=False)
    return path


def ask(folder, *recipes, **changes):
    table = write_sites(folder / "features.csv", changes.pop("signal", 1.2))
    return {"table": str(table), "label": "label", "positive": "ALT", "patient": "patient", "site": "site",
            "clinical": ["age", "sex"], "recipes": list(recipes), "out": str(folder / "model"), **changes}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Three recipes, one of them primary though not the first, the audit; and the progress told."""
    folder, told = tmp_path_factory.mktemp("several"), []
    request = ask(folder, FOREST, LINEAR, MACHINE, primary="linear", audit=True, permutations=3)
    result = train(request, lambda fraction, message: told.append((fraction, message)))
    return result, request, told, folder


def test_every_model_is_measured_on_the_same_folds(run):
    result, _, _, folder = run
    assert list(result["models"]) == ["linear", "forest", "machine"], "the saved one first"
    for model in result["models"].values():
        low, high = model["auc"]["interval"]
        assert low < model["auc"]["mean"] < high
        assert model["auc"]["mean"] == pytest.approx(np.mean(model["auc"]["folds"]))
        assert len(model["auc"]["folds"]) == 8
        for name in ("accuracy", "sensitivity", "specificity", "brier", "auc_pooled", "auprc"):
            assert 0 <= model[name] <= 1
        assert np.isfinite([model["calibration"]["slope"], model["calibration"]["intercept"]]).all()
        assert np.shape(model["out_of_fold"]) == (72, 2)
        assert [fit["tested_rows"] for fit in model["fits"]] == [
            fit["tested_rows"] for fit in result["models"]["linear"]["fits"]]
        assert {fit["patients_on_both_sides"] for fit in model["fits"]} == {0}
        assert [each["level"] for each in model["by_site"]] == [f"S{site}" for site in range(6)]
        assert {each["variable"] for each in model["subgroups"]} == {"age", "sex"}
    assert result["folds"]["digest"] == Bundle.load(folder / "model").specification.training.fold_digest
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_comparators_stand_beside_without_being_asked_for(run):
    result, *_ = run
    assert list(result["comparators"]) == ["volume", "clinical", "prevalence"]
    model = result["models"]["linear"]
    for name, other in result["comparators"].items():
        assert other["difference"]["mean"] == pytest.approx(model["auc"]["mean"] - other["auc"]["mean"])
        assert model["differences"][name] == other["difference"]
    assert result["comparators"]["prevalence"]["auc"]["mean"] == 0.5
    best = max(result["comparators"], key=lambda name: result["comparators"][name]["auc"]["mean"])
    for each in result["models"].values():
        assert each["headline"]["comparator"] == best
        assert f"AUC {each['headline']['mean']:+.3f}" in each["headline"]["sentence"]
    assert result["comparators"]["volume"]["auc_new_site"]["groups"] > 0


def test_sites_can_be_held_out_one_by_one(tmp_path):
    result = train(ask(tmp_path, LINEAR, one_site_out=True, folds=3, repeats=1), lambda _fraction, _message: None)
    found = result["models"]["linear"]["auc_new_site"]
    assert len(found["folds"]) == 6, "one for each site"
    assert found["pairs"] == found["within_pairs"], "cases are compared within their site"


def test_new_sites_are_held_out_whole(run):
    result, *_ = run
    labels, sites = (np.array(result["cases"][name]) for name in ("label", "site"))
    folds = leave_sites_out(labels, np.arange(72), sites, 4, 2, seed=0)
    assert len(result["models"]["linear"]["auc_new_site"]["folds"]) == len(folds.splits)
    assert result["models"]["linear"]["auc_new_site"]["target"] == "new patients of new sites"
    assert sum(result["sites"]["advice"]["sizes"].values()) == 72
    assert result["sites"]["imbalance"]["spread"] >= 0


def test_the_primary_is_saved_and_costs_nothing(run):
    result, _, _, folder = run
    assert (result["primary"], result["saved"]) == ("linear", "linear")
    assert Bundle.load(folder / "model").specification.recipe.name == "linear"
    assert result["selection"]["corrected"] == result["selection"]["apparent"]
    assert result["selection"]["candidates"] == 3


def test_another_that_is_saved_is_corrected_for_the_choice(tmp_path):
    request = ask(tmp_path, LINEAR, MACHINE, save="best", signal=0.0)
    result = train(request, quiet)
    best = max(result["models"], key=lambda name: result["models"][name]["auc"]["mean"])
    assert result["saved"] == best == Bundle.load(tmp_path / "model").specification.recipe.name
    if best != "linear":
        assert result["selection"]["corrected"]["value"] <= result["selection"]["apparent"]["value"]
    with pytest.raises(RecipeError, match="no recipe of this run is named so"):
        TrainRequest.parse({**request, "save": "another"})


def test_the_audit_names_the_optimism(run):
    result, *_ = run
    audit = result["audit"]
    assert audit["naive"]["auc"]["interval"] is None
    assert audit["naive"]["optimism"] == pytest.approx(
        audit["naive"]["auc"]["mean"] - result["models"]["linear"]["auc"]["mean"])
    assert len(audit["permuted"]["auc"]["each"]) == 3
    assert audit["permuted"]["observed"] == pytest.approx(
        np.mean(result["models"]["linear"]["auc"]["folds"][:4])), "of one repeat, as the permuted ones"
    rank = 1 + sum(each >= audit["permuted"]["observed"] for each in audit["permuted"]["auc"]["each"])
    assert audit["permuted"]["p_value"] == pytest.approx(rank / 4)
    assert {fit["model"] for fit in audit["fits"]} == {
        name + where for name in result["models"] for where in ("", " at new sites")}


def test_progress_is_steady_and_says_which_fold(run):
    _, _, told, _ = run
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert max(np.diff([fraction for fraction in fractions if fraction <= 0.9])) < 0.1
    assert "machine: fold 3 of 8" in [message for _, message in told]
    assert "audit, permuted labels: fold 12 of 12" in [message for _, message in told]


def test_two_processes_find_what_one_finds_and_the_audit_changes_no_model(run, tmp_path):
    result, request, _, folder = run
    other = train({**request, "audit": False, "jobs": 2, "out": str(tmp_path / "model")}, quiet)
    apart = {name for name in result if result[name] != other.get(name)}
    assert apart == {"audit", "bundle"}
    one, two = Bundle.load(folder / "model"), Bundle.load(tmp_path / "model")
    assert one.specification.model_copy(update={"files": {}, "digest": ""}) == two.specification.model_copy(
        update={"files": {}, "digest": ""})
    case = {f"f{place}": 0.5 * place for place in range(6)} | {"volume_ml": 200.0}
    assert one.predict(case) == two.predict(case)
    assert "audit" in one.evaluation()
    assert "audit" not in two.evaluation()


def test_harmonisation_is_always_shown_beside_none(tmp_path):
    request = ask(tmp_path, {**LINEAR, "harmonise": {"method": "combat"}}, repeats=1)
    harmonised = train(request, quiet)["models"]["linear"]
    plain = train({**request, "harmonise": {"method": "none"}}, quiet)["models"]["linear"]
    assert (harmonised["harmonised"], plain["harmonised"]) == (True, False)
    assert "unharmonised" not in plain
    assert harmonised["unharmonised"]["auc"] == plain["auc"]
    assert harmonised["unharmonised"]["difference"]["mean"] == pytest.approx(
        harmonised["auc"]["mean"] - plain["auc"]["mean"])
    assert harmonised["auc"]["folds"] != plain["auc"]["folds"]
    table = pd.read_csv(tmp_path / "features.csv").drop(columns="site")
    table.to_csv(tmp_path / "features.csv", index=False)
    with pytest.raises(InputError, match="needs 'site'"):
        train({**request, "site": None}, quiet)


def test_sites_that_a_model_refuses_are_not_spoken_of(tmp_path):
    refusing = {"method": "combat", "unseen": "refuse"}
    result = train(ask(tmp_path, LINEAR, harmonise=refusing, repeats=1), quiet)
    assert "auc_new_site" not in result["models"]["linear"]
    assert "new_sites_refused" in {each["code"] for each in result["cautions"]}


def test_kept_folds_are_not_fitted_again(tmp_path, monkeypatch):
    request = ask(tmp_path, LINEAR, keep=str(tmp_path / "kept"), repeats=1)

    def stop(_fraction, message):
        if message == "linear: fold 3 of 4":
            raise Cancelled

    with pytest.raises(Cancelled):
        train(request, stop)
    assert not (tmp_path / "model").exists()
    kept = sorted(path.name for path in (tmp_path / "kept" / "linear").iterdir())
    assert kept in (["01-01.json", "01-02.json"], ["01-01.json", "01-02.json", "01-03.json"])
    before = (tmp_path / "kept" / "linear" / "01-01.json").stat().st_mtime_ns
    resumed = train(request, quiet)
    assert (tmp_path / "kept" / "linear" / "01-01.json").stat().st_mtime_ns == before
    whole = train({**request, "keep": None}, quiet)
    assert resumed["models"] == whole["models"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_stop_leaves_nothing_behind(tmp_path, jobs):
    def stop(_fraction, message):
        if "fold 3 of" in message:
            raise Cancelled

    with pytest.raises(Cancelled):
        train(ask(tmp_path, LINEAR, jobs=jobs), stop)
    assert [path.name for path in tmp_path.iterdir()] == ["features.csv"]


def test_looking_at_every_label_finds_signal_in_noise():
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(60, 300)), np.arange(60) % 2
    sites = np.array([f"S{place % 5}" for place in range(60)])
    machine = ModelRecipe(kind="svm")
    chosen = select_with_labels(harmonise_with_labels(rows, labels, sites), labels, machine)
    assert chosen.shape == (60, 20)
    from sklearn.model_selection import cross_val_score
    from sklearn.svm import SVC

    assert cross_val_score(SVC(kernel="linear", C=0.1), chosen, labels, cv=5, scoring="roc_auc").mean() > 0.85
    assert harmonise_with_labels(rows, labels, None) is rows
    assert np.isfinite(harmonise_with_labels(rows, labels, np.where(labels, "A", "B"))).all(), "label told by site"


def test_the_naive_classifier_selects_nothing_more():
    average = ModelRecipe.parse({"kind": "average", "members": [MACHINE["model"], FOREST["model"]]})
    assert all(member.select.method == "none" for member in classifier_alone(average).members)
