"""What is held out touches nothing that is fitted: not its values, not its labels, not its patients."""

import numpy as np
import pytest

from app.core.classify.pipelines import build_pipeline
from app.core.evaluate.crossvalidate import cross_validate
from app.core.evaluate.folds import make_folds
from app.core.recipe import ModelRecipe


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
