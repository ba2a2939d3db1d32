"""Cross-validation: what a model is shown, what is kept of it, and that neither tables, nor runners change it."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
import pytest

from app.core.classify.pipelines import build_pipeline
from app.core.evaluate.conformal import conformal_set
from app.core.evaluate.crossvalidate import cross_validate, fit_fold
from app.core.evaluate.folds import make_folds
from app.core.evaluate.metrics import auc
from app.core.recipe import ModelRecipe
from tests.core.evaluate.answered_cases import Spy, answer, draw_cohort


@pytest.fixture(scope="module")
def cohort():
    return draw_cohort()


def test_a_model_sees_its_training_rows_and_their_patients_and_nothing_else(cohort):
    rows, labels, patients = cohort
    found, seen = answer(rows, labels, patients)
    for (train, test), shown in zip(found.folds.splits, seen, strict=True):
        np.testing.assert_array_equal(shown["rows"], rows[train])
        np.testing.assert_array_equal(shown["labels"], labels[train])
        np.testing.assert_array_equal(shown["patients"], patients[train])
        assert set(shown["patients"]).isdisjoint(patients[test])


def test_held_out_rows_change_nothing_that_is_fitted_or_chosen(cohort):
    rows, labels, patients = cohort
    folds = make_folds(labels, patients, 5, 2, seed=1)
    before, _ = answer(rows, labels, patients, folds)
    for index, (_, test) in enumerate(folds.splits):
        spoilt, swapped = rows.copy(), labels.copy()
        spoilt[test] = np.random.default_rng(index).normal(size=spoilt[test].shape) * 1e3
        swapped[test] = 1 - swapped[test]
        after, _ = answer(spoilt, swapped, patients, folds)
        old, new = before.fits[index], after.fits[index]
        assert (old.settings, old.thresholds, old.conformal) == (new.settings, new.thresholds, new.conformal)
        others = [place for place in range(folds.k) if index < folds.k and place != index]
        assert all(before.fits[place].settings != after.fits[place].settings for place in others)


def test_every_decision_is_at_its_own_folds_threshold(cohort):
    rows, labels, patients = cohort
    found, _ = answer(rows, labels, patients)
    thresholds = {fit.thresholds["median"] for fit in found.fits}
    assert len(thresholds) > 5, "each fold has its own"
    for index, fit in enumerate(found.fits):
        repeat = index // found.folds.k
        answers = found.probabilities[repeat, fit.test]
        np.testing.assert_array_equal(found.decisions["median"][repeat, fit.test], answers >= fit.thresholds["median"])
        expected = np.array([conformal_set(value, fit.conformal[0.1]) for value in answers])
        np.testing.assert_array_equal(found.sets[0.1][repeat, fit.test], expected)


def test_a_table_and_an_array_give_the_same_answers_whatever_the_index(cohort):
    rows, labels, patients = cohort
    table = pd.DataFrame(rows, index=np.random.default_rng(3).permutation(len(rows)) + 100)
    np.testing.assert_allclose(answer(table, labels, patients)[0].probabilities,
                               answer(rows, labels, patients)[0].probabilities, rtol=1e-12)


def test_a_parallel_runner_gives_the_same_answers_in_order(cohort):
    rows, labels, patients = cohort
    folds, told = make_folds(labels, patients, 5, 2, seed=1), []
    make = partial(build_pipeline, ModelRecipe())
    alone = cross_validate(make, rows, labels, folds, lambda _done: None, patients)
    with ThreadPoolExecutor(3) as pool:
        together = cross_validate(make, rows, labels, folds, told.append, patients, runner=pool.map)
    np.testing.assert_array_equal(alone.probabilities, together.probabilities)
    np.testing.assert_array_equal(alone.aucs, together.aucs)
    assert told == list(range(1, 11))


def test_what_is_sent_to_another_process_survives_the_journey(cohort):
    rows, labels, patients = cohort
    split = make_folds(labels, patients, 5, 1, seed=1).splits[0]
    work = partial(fit_fold, partial(build_pipeline, ModelRecipe()), pd.DataFrame(rows), labels, patients)
    answers, fit = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(work))(split)))  # noqa: S301
    np.testing.assert_array_equal(answers, work(split)[0])
    np.testing.assert_array_equal(fit.test, split[1])


def test_a_plain_pipeline_needs_no_patients_and_has_no_thresholds(cohort):
    rows, labels, _ = cohort
    found = cross_validate(partial(build_pipeline, ModelRecipe()), rows, labels,
                           make_folds(labels, np.arange(len(labels)), 5, 1, seed=0), lambda _done: None)
    assert found.decisions == found.sets == {}
    assert found.fits[0].settings == {}


def test_rows_that_a_repeat_does_not_test_stay_unanswered(cohort):
    rows, labels, patients = cohort
    folds = make_folds(labels, patients, 5, 1, seed=1)
    part = type(folds)(folds.splits[:2], 1, 2, "fixed")
    found, _ = answer(rows, labels, patients, part)
    for repeat, (_, test) in enumerate(part.splits):
        np.testing.assert_array_equal(np.flatnonzero(found.tested[repeat]), test)
        assert found.aucs[repeat] == auc(labels[test], found.probabilities[repeat, test])
        assert not found.decisions["half"][repeat][~found.tested[repeat]].any()


def test_the_number_of_finished_folds_is_told_and_stopping_stops():
    rows, labels, patients = draw_cohort(2)
    done = []

    def stop(number):
        done.append(number)
        if number == 2:
            raise KeyboardInterrupt

    seen = []
    with pytest.raises(KeyboardInterrupt):
        cross_validate(partial(Spy, seen), rows, labels, make_folds(labels, patients, 5, 2, seed=1), stop, patients)
    assert done == [1, 2]
    assert len(seen) == 2
