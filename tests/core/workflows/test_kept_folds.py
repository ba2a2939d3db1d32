"""Finished folds outlive the run that fitted them, count only for the same work, and keep every bit."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest

from app.core.classify.tuned import TunedClassifier
from app.core.errors import Cancelled
from app.core.evaluate.crossvalidate import cross_validate
from app.core.evaluate.folds import make_folds
from app.core.recipe import ModelRecipe
from app.core.workflows.kept_folds import KeptFolds, describe_work

MODEL = ModelRecipe.parse({"kind": "logistic", "search": {"folds": 2, "grid": [{"C": [0.01, 0.1]}]}})
NAMES = ("a", "b", "c")


@pytest.fixture
def cohort():
    rng = np.random.default_rng(3)
    labels = np.arange(40) % 2
    table = pd.DataFrame(rng.normal(size=(40, 3)) + 0.5 * labels[:, None], columns=list(NAMES))
    return table, labels, np.arange(40).astype(str)


def run(folder, cohort, fitted, stop_after=99):
    table, labels, patients = cohort
    folds = make_folds(labels, patients, 4, 2, 0)
    work = describe_work({"model": MODEL.model_dump(mode="json"), "seed": 0}, table, labels, patients)

    def counting(fit, splits):
        for split in splits:
            fitted.append(split)
            yield fit(split)

    def watch(done):
        if done >= stop_after:
            raise Cancelled

    runner = KeptFolds(folder, work, labels, folds.k, counting)
    return cross_validate(partial(TunedClassifier, MODEL, NAMES), table, labels, folds, watch, patients, runner)


def test_a_stopped_run_goes_on_and_ends_the_same(tmp_path, cohort):
    whole = run(tmp_path / "whole", cohort, [])
    first, second = [], []
    with pytest.raises(Cancelled):
        run(tmp_path / "svm", cohort, first, stop_after=3)
    again = run(tmp_path / "svm", cohort, second)
    assert (len(first), len(second)) == (3, 5)
    np.testing.assert_array_equal(again.probabilities, whole.probabilities)
    np.testing.assert_array_equal(again.aucs, whole.aucs)
    for mine, theirs in zip(again.fits, whole.fits, strict=True):
        assert mine.settings == theirs.settings
        assert mine.thresholds == theirs.thresholds
        assert mine.conformal == theirs.conformal
        np.testing.assert_array_equal(mine.train, theirs.train)


def test_what_is_kept_can_be_watched(tmp_path, cohort):
    found = run(tmp_path / "svm", cohort, [])
    record = json.loads((tmp_path / "svm" / "02-03.json").read_text())
    assert (record["recipe"], record["repeat"], record["fold"]) == ("svm", 2, 3)
    assert record["auc"] == found.aucs[6]
    assert record["labels"] == cohort[1][found.fits[6].test].tolist()


@pytest.mark.parametrize("change", ["value", "label", "patient"])
def test_other_work_is_fitted_afresh(tmp_path, cohort, change):
    run(tmp_path / "svm", cohort, [])
    table, labels, patients = cohort[0].copy(), cohort[1].copy(), cohort[2].copy()
    if change == "value":
        table.loc[0, "a"] += 1e-12
    elif change == "label":
        labels[:2] = labels[1::-1]
    else:
        patients[0] = "somebody else"
    fitted = []
    run(tmp_path / "svm", (table, labels, patients), fitted)
    assert len(fitted) == 8


def test_a_damaged_file_is_fitted_afresh(tmp_path, cohort):
    run(tmp_path / "svm", cohort, [])
    (tmp_path / "svm" / "01-02.json").write_text("{}")
    fitted = []
    run(tmp_path / "svm", cohort, fitted)
    assert len(fitted) == 1


@pytest.mark.parametrize("changed", [lambda kept: kept[:-1], lambda kept: ["x"] * len(kept)])
def test_answers_that_do_not_fit_the_fold_are_fitted_afresh(tmp_path, cohort, changed):
    whole = run(tmp_path, cohort, [])
    path = sorted(tmp_path.glob("*.json"))[2]
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"probabilities": changed(record["probabilities"])}))
    fitted = []
    again = run(tmp_path, cohort, fitted)
    assert len(fitted) == 1
    np.testing.assert_array_equal(again.probabilities, whole.probabilities)
