"""Folds: grouped, stratified, reproducible, and refused when they cannot be both."""

import hashlib
import json

import numpy as np
import pytest

from app.core.errors import CohortError
from app.core.evaluate.folds import make_folds


def test_grouped_by_patient_and_stratified():
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(60), rng.integers(1, 4, 60)).astype(str)
    labels = (patients.astype(int) % 3 == 0).astype(int)
    folds = make_folds(labels, patients, k=10, repeats=3, seed=4)
    assert (folds.k, folds.repeats, len(folds.splits)) == (10, 3, 30)
    share = labels.mean()
    for repeat in range(3):
        tested = [test for _, test in folds.splits[10 * repeat: 10 * repeat + 10]]
        np.testing.assert_array_equal(np.sort(np.concatenate(tested)), np.arange(len(labels)))
    for train, test in folds.splits:
        assert set(patients[train]).isdisjoint(patients[test])
        assert abs(labels[test].mean() - share) < 0.2
        assert len(train) + len(test) == len(labels)


def test_digest_is_of_the_test_rows_and_stable():
    labels, patients = np.array([0, 1] * 10), np.arange(20)
    folds = make_folds(labels, patients, 5, 2, seed=7)
    expected = hashlib.sha256(json.dumps([[int(row) for row in test] for _, test in folds.splits]).encode())
    assert folds.digest == expected.hexdigest()
    assert make_folds(labels, patients, 5, 2, seed=7).digest == folds.digest
    assert make_folds(labels, patients, 5, 2, seed=8).digest != folds.digest
    assert folds.splits[0][1].tolist() != folds.splits[5][1].tolist(), "each repeat draws its own folds"


def test_fewer_folds_when_a_class_is_rare():
    labels = np.array([1] * 4 + [0] * 26)
    assert make_folds(labels, np.arange(30), 10, 1, seed=0).k == 4


def test_one_patient_in_a_class_is_refused():
    with pytest.raises(CohortError, match=r"One class has 1 patient\(s\)"):
        make_folds(np.array([1, 1, 0, 0, 0]), np.array(["a", "a", "b", "c", "d"]), 5, 1, seed=0)


def test_every_fold_holds_both_classes_whatever_the_groups():
    for draw in range(60):
        rng = np.random.default_rng(draw)
        patients = np.repeat(np.arange(12), rng.integers(1, 12, 12))
        labels = rng.permutation(np.arange(12) % 3 == 0).astype(int)[patients]
        folds = make_folds(labels, patients, 4, 2, seed=draw)
        for train, test in folds.splits:
            assert set(labels[train]) == {0, 1} == set(labels[test])
