"""What is held out touches nothing that is fitted: not its values, not its labels, not its patients."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from app.core import workflows
from app.core.classify.pipelines import build_pipeline
from app.core.evaluate.crossvalidate import cross_validate, fit_fold
from app.core.evaluate.folds import make_folds
from app.core.recipe import ModelRecipe, Recipe
from app.core.workflows.making import make_model
from tests.core.small_cohorts import quiet

COMBAT = {"method": "combat", "covariates": ["age"], "unseen": "leave"}
MODELS = {
    "logistic": {"kind": "logistic", "scale": "normal", "select": {"correlation": 0.85, "method": "univariate",
                                                                   "numbers": [2, 4]}},
    "svm-rfe": {"kind": "svm", "select": {"method": "rfe", "numbers": [2, 4]},
                "search": {"grid": [{"kernel": ["linear", "rbf"]}]}, "balance": "weights"},
    "svm-pca": {"kind": "svm", "select": {"method": "pca", "shares": [0.85, 0.99]}, "impute": "neighbours"},
    "l1": {"kind": "logistic", "select": {"method": "l1", "strengths": [0.5]}, "balance": "over"},
    "rf": {"kind": "rf", "scale": "none", "search": {"grid": [{"n_estimators": [5, 10]}]}, "balance": "under"},
    "extra": {"kind": "extra", "search": {"grid": [{"n_estimators": [10]}]}},
    "xgb": {"kind": "xgb", "search": {"grid": [{"n_estimators": [5, 10]}]}},
    "mlp": {"kind": "mlp", "search": {"grid": [{"layers": [[8]], "epochs": [4]}]}},
    "average": {"kind": "average", "members": [{"kind": "logistic"}, {"kind": "rf", "search": {"grid": [
        {"n_estimators": [10]}]}}]},
}


class Recorder:
    """Makes pipelines and keeps what each was fitted on and became."""

    def __init__(self):
        self.fitted = []

    def __call__(self):
        pipeline, fitted = build_pipeline(ModelRecipe()), self.fitted

        class Recorded:
            def fit(self, rows, labels):
                pipeline.fit(rows, labels)
                impute, scale, classify = pipeline.named_steps.values()
                fitted.append({"rows": rows.copy(), "labels": labels.copy(), "medians": impute.statistics_,
                               "means": scale.mean_, "deviations": scale.scale_, "weights": classify.coef_[0],
                               "intercept": classify.intercept_})
                return self

            def predict_proba(self, rows):
                return pipeline.predict_proba(rows)

        return Recorded()


@pytest.fixture
def cohort():
    rng = np.random.default_rng(1)
    patients = np.repeat(np.arange(40), rng.integers(1, 4, 40))
    labels = (np.arange(40) % 2)[patients]
    rows = rng.normal(size=(len(patients), 6)) + labels[:, None] * 0.7
    rows[rng.random(rows.shape) < 0.05] = np.nan
    return rows, labels, patients.astype(str)


def fit_all(rows, labels, folds):
    recorder = Recorder()
    answers = cross_validate(recorder, rows, labels, folds, lambda _done: None)
    return recorder.fitted, answers


def test_held_out_values_and_labels_change_nothing_fitted(cohort):
    rows, labels, patients = cohort
    folds = make_folds(labels, patients, 5, 2, seed=0)
    before, _ = fit_all(rows, labels, folds)
    for index, (_, test) in enumerate(folds.splits):
        spoilt, swapped = rows.copy(), labels.copy()
        spoilt[test] = 1e6 * np.random.default_rng(index).normal(size=spoilt[test].shape)
        swapped[test] = 1 - swapped[test]
        after, _ = fit_all(spoilt, swapped, folds)
        for name, value in before[index].items():
            np.testing.assert_array_equal(after[index][name], value, err_msg=f"{name} of fold {index}")
        others = [number for number in range(folds.k) if number != index]
        if index < folds.k:
            assert all(not np.array_equal(after[n]["means"], before[n]["means"]) for n in others)


def test_a_patients_values_reach_only_the_folds_that_train_on_him(cohort):
    rows, labels, patients = cohort
    folds = make_folds(labels, patients, 5, 1, seed=3)
    before, answers = fit_all(rows, labels, folds)
    own = patients == "7"
    spoilt = rows.copy()
    spoilt[own] += 50.0
    after, changed = fit_all(spoilt, labels, folds)
    for (_, test), old, new in zip(folds.splits, before, after, strict=True):
        held_out = own[test].any()
        assert np.array_equal(old["weights"], new["weights"]) == held_out
        if held_out:
            neighbours = test[~own[test]]
            np.testing.assert_array_equal(answers.probabilities[0, neighbours], changed.probabilities[0, neighbours])


def test_every_row_is_answered_once_per_repeat_by_a_model_that_never_saw_its_patient(cohort):
    rows, labels, patients = cohort
    folds = make_folds(labels, patients, 5, 3, seed=2)
    fitted, answers = fit_all(rows, labels, folds)
    assert np.isfinite(answers.probabilities).all()
    for (train, test), model in zip(folds.splits, fitted, strict=True):
        assert set(patients[train]).isdisjoint(patients[test])
        np.testing.assert_array_equal(model["rows"], rows[train])
        np.testing.assert_allclose(model["means"], np.where(np.isnan(rows[train]), np.nanmedian(rows[train], axis=0),
                                                            rows[train]).mean(axis=0))


def test_noise_earns_nothing():
    rng = np.random.default_rng(5)
    labels = np.arange(100) % 2
    aucs = [cross_validate(lambda: build_pipeline(ModelRecipe()), rng.normal(size=(100, 60)), labels,
                           make_folds(labels, np.arange(100), 5, 1, seed=draw), lambda _done: None).aucs.mean()
            for draw in range(12)]
    assert abs(np.mean(aucs) - 0.5) < 0.05


def describe(model, probe):
    """Give everything that a fitted model is: what it chose, its rules, and its answers for cases of no fold."""
    return {"settings": model.best_, "calibrator": model.calibrator_, "thresholds": model.thresholds_,
            "conformal": model.conformal_, "inner": model.inner_.tolist(), "aucs": [a.tolist() for a in model.aucs_],
            "answers": model.predict_proba(probe).tolist()}


@pytest.fixture(scope="module")
def sites():
    """A table of 60 cases of 50 patients at four sites, the last of them small; labels, patients, other cases."""
    rng = np.random.default_rng(4)
    patients = np.concatenate([np.arange(50), rng.integers(0, 50, 10)])
    labels = (np.arange(50) % 2)[patients]
    names = rng.permutation(np.repeat(["A", "B", "C", "D"], [20, 15, 12, 3]))[patients]
    values = rng.normal(size=(60, 6)) + labels[:, None] * [1.5, 0.5, 0, 0, 0, 0] + (names == "A")[:, None]
    values[rng.random(values.shape) < 0.03] = np.nan
    table = pd.DataFrame(values, columns=[f"f{place}" for place in range(6)])
    table["site"], table["age"] = names, rng.normal(60, 10, 60)
    return table, labels, patients.astype(str), table.sample(20, random_state=1).assign(f1=0.3)


@pytest.mark.parametrize("harmonise", [{}, COMBAT], ids=["as measured", "combat"])
@pytest.mark.parametrize("name", MODELS)
def test_no_recipe_learns_from_what_is_held_out(sites, name, harmonise):
    table, labels, patients, probe = sites
    model = {**MODELS[name], "search": {"folds": 3, **MODELS[name].get("search", {})}}
    recipe = Recipe.parse({"name": name, "model": model, "harmonise": harmonise})
    cohort = SimpleNamespace(features=tuple(f"f{place}" for place in range(6)))
    make = make_model(recipe, cohort, SimpleNamespace(seed=0))
    split = make_folds(labels, patients, 4, 1, seed=2).splits[1]

    def learn(rows, truth, groups):
        made = []
        fit_fold(lambda: made.append(make()) or made[-1], rows, truth, groups, split)
        return describe(made[0], probe)

    before = learn(table, labels, patients)
    rng, (_, test) = np.random.default_rng(0), split
    spoilt, swapped, renamed = table.copy(), labels.copy(), patients.copy()
    spoilt.loc[test, [f"f{place}" for place in range(6)]] = 1e3 * rng.normal(size=(len(test), 6))
    spoilt.loc[test, "site"], spoilt.loc[test, "age"] = rng.permutation(table["site"].to_numpy()[test]), 0.0
    spoilt.loc[test[:2], "site"] = "Z"
    swapped[test], renamed[test] = 1 - labels[test], "someone else"
    assert learn(spoilt, swapped, renamed) == before
    moved = table.copy()
    moved.loc[split[0][:5], "f0"] += 2.0
    assert learn(moved, labels, patients) != before, "what is trained on does count"


def test_a_whole_run_learns_nothing_from_the_patients_that_it_tests(tmp_path):
    rng = np.random.default_rng(3)
    labels = np.arange(60) % 2
    table = pd.DataFrame(rng.normal(size=(60, 5)) + labels[:, None] * [1.0, 0.5, 0, 0, 0],
                         columns=[f"f{place}" for place in range(5)])
    table.insert(0, "patient", [f"P{place:02d}" for place in range(60)])
    table["label"], table["site"] = np.where(labels, "ALT", "lipoma"), rng.permutation(np.repeat(["A", "B"], 30))
    tested, order = table["patient"].to_numpy()[:16], rng.permutation(np.arange(16, 60))
    lists = {}
    for split in range(2):
        lists |= {f"{split}_train": pd.Series(table["patient"].to_numpy()[np.sort(order[split * 8:split * 8 + 36])]),
                  f"{split}_test": pd.Series(tested)}
    pd.DataFrame(lists).to_csv(tmp_path / "splits.csv", index=False)

    def run(frame, place):
        frame.to_csv(tmp_path / f"{place}.csv", index=False)
        recipe = {"name": "small", "features": None, "model": {"resamples": 0, "select": {
            "correlation": 0.85, "method": "univariate", "numbers": [1, 3]}, "search": {"folds": 3}}}
        request = {"table": str(tmp_path / f"{place}.csv"), "label": "label", "positive": "ALT", "site": "site",
                   "patient": "patient", "recipe": recipe, "splits": str(tmp_path / "splits.csv"),
                   "harmonise": {"method": "combat"}, "out": str(tmp_path / f"m{place}")}
        return workflows.train(request, quiet)["models"]["small"]

    changed = table.copy()
    changed.loc[:15, [f"f{place}" for place in range(5)]] = rng.normal(size=(16, 5)) * 3
    changed.loc[:15, "label"], changed.loc[:15, "site"] = table["label"].to_numpy()[15::-1], "B"
    before, after = run(table, 0), run(changed, 1)
    assert json.dumps(before["fits"]) == json.dumps(after["fits"]), "settings and thresholds of every split"
    assert before["auc"] != after["auc"]
