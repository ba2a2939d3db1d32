"""Intervals where folds are few: by the held-out cases, so that one split has one as well; and they hold the truth."""

import json

import numpy as np
import pytest

from app.core.evaluate.comparators import compare, find_headline
from app.core.evaluate.crossvalidate import FoldFit
from app.core.evaluate.delong import compare_areas, measure_areas
from app.core.evaluate.fold_areas import BY_CASES, BY_FOLDS
from app.core.evaluate.folds import Folds, make_folds, read_splits
from app.core.evaluate.intervals import least_error
from app.core.evaluate.metrics import auc
from app.core.evaluate.performance import measure_performance
from app.core.evaluate.subgroups import measure_subgroups
from tests.core.evaluate.answered_cases import answer, draw_cohort, in_one_go


def split_off(patients, share, count, seed=0):
    """Folds of so many overlapping splits by patient."""
    names = np.unique(patients)
    splits = []
    for number in range(count):
        tested = np.random.default_rng([seed, number]).permutation(names)[: round(share * len(names))]
        inside = np.isin(patients, tested)
        splits.append((np.flatnonzero(~inside), np.flatnonzero(inside)))
    return Folds(tuple(splits), 1, count, "fixed")


def logit(value):
    return np.log(value / (1 - value))


def test_one_split_has_an_interval_and_no_deviation():
    rows, labels, _ = draw_cohort(1, signal=1.0)
    patients = np.arange(len(labels)).astype(str)
    found, _ = answer(rows, labels, patients, split_off(patients, 0.3, 1))
    told = found.auc_summary(found.folds)
    test = found.folds.splits[0][1]
    areas = measure_areas(labels[test], found.probabilities[0, test])
    assert told["sd"] is None
    assert told["interval_by"] == BY_CASES
    assert told["mean"] == told["folds"][0] == pytest.approx(areas.values[0])
    error = max(areas.errors[0], least_error(told["mean"], areas.counts))
    half = 1.3 * 1.959964 * error / (told["mean"] * (1 - told["mean"]))
    expected = logit(told["mean"]) + np.array([-half, half])
    np.testing.assert_allclose(logit(np.array(told["interval"])), expected, rtol=1e-5)
    json.dumps(measure_performance(found), allow_nan=False)
    assert all(line.auc is None or np.isfinite([line.auc.low, line.auc.high]).all()
               for line in measure_subgroups(found, {"site": np.where(rows[:, 1] > 0, "A", "B")}))
    shares = measure_performance(found)["points"]["half"]["sensitivity"]["interval"]
    assert 0.05 < shares[1] - shares[0] < 0.8


def test_a_perfect_split_is_not_certain():
    labels = np.arange(90) % 2
    split = (np.arange(60), np.arange(60, 90))
    answers = np.where(np.arange(90) < 60, np.nan, labels * 0.8 + 0.1)
    found = in_one_go(labels, answers, np.arange(90), Folds((split,), 1, 1, "fixed"), (FoldFit(*split, {}, {}, {}),))
    assert found.auc.high == pytest.approx(1.0)
    assert 0.5 < found.auc.low < 0.95


def test_one_split_compares_models_by_pairs():
    rows, labels, _ = draw_cohort(2, patients=80, signal=1.2)
    patients = np.arange(len(labels)).astype(str)
    folds = split_off(patients, 0.4, 1)
    model, _ = answer(rows, labels, patients, folds)
    other, _ = answer(rows[:, 1:], labels, patients, folds)
    found, test = compare(model, other, "volume"), folds.splits[0][1]
    plain = compare_areas(labels[test], model.probabilities[0, test], other.probabilities[0, test])
    assert found.auc.value == pytest.approx(plain.difference)
    assert found.auc.high - found.auc.low == pytest.approx(1.3 * (plain.high - plain.low), rel=1e-4)
    assert 0 <= found.p <= 1
    json.dumps(find_headline(model, {"volume": other}).json, allow_nan=False)
    assert compare(model, model, "itself").p == 1


def test_two_disjoint_folds_are_surer_than_one_and_rows_of_a_patient_count_once():
    rows, labels, patients = draw_cohort(3, patients=100)
    two, _ = answer(rows, labels, patients, make_folds(labels, patients, 2, 1, 0))
    one, _ = answer(rows, labels, patients, Folds(two.folds.splits[:1], 1, 1, "fixed"))
    widths = [found.auc.high - found.auc.low for found in (two, one)]
    assert 0.5 < widths[0] / widths[1] < 0.95
    twice = np.repeat(np.arange(len(labels)), 2)
    split = tuple(np.flatnonzero(np.isin(twice, part)) for part in one.folds.splits[0])
    doubled, _ = answer(rows[twice], labels[twice], patients[twice], Folds((split,), 1, 1, "fixed"))
    assert doubled.auc.high - doubled.auc.low == pytest.approx(widths[1], rel=0.05)


def test_many_folds_are_told_by_their_spread():
    rows, labels, patients = draw_cohort(4)
    for folds in (make_folds(labels, patients, 5, 2, 0), split_off(patients, 0.2, 30)):
        assert answer(rows, labels, patients, folds)[0].auc_summary(folds)["interval_by"] == BY_FOLDS
    for folds in (make_folds(labels, patients, 3, 5, 0), split_off(patients, 0.2, 4)):
        assert answer(rows, labels, patients, folds)[0].auc_summary(folds)["interval_by"] == BY_CASES


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_interval_of_few_splits_holds_the_truth(count):
    held = []
    for seed in range(80):
        rng = np.random.default_rng([7, seed])
        weights = np.full(12, 0.35)
        labels = rng.permutation(np.arange(90) % 5 < 2).astype(int)
        rows = rng.normal(size=(90, 12)) + labels[:, None] * weights
        patients = np.arange(90).astype(str)
        found, seen = answer(rows, labels, patients, split_off(patients, 0.25, count, seed))
        fresh = np.arange(3000) % 2
        scores = (rng.normal(size=(3000, 12)) + fresh[:, None] * weights)
        truth = np.mean([auc(fresh, scores @ shown["weights"]) for shown in seen])
        held.append(found.auc.low <= truth <= found.auc.high)
    assert np.mean(held) >= 0.9


def test_a_hundred_published_lists_of_patients(tmp_path):
    import pandas as pd

    rows, labels, patients = draw_cohort(5, patients=50)
    columns = {}
    for number in range(100):
        order = np.random.default_rng(number).permutation(np.unique(patients))
        drawn = np.random.default_rng(number).choice(order[:40], 40)  # a bootstrap: some patients twice, some never
        columns[f"{number}_train"], columns[f"{number}_test"] = pd.Series(drawn), pd.Series(order[40:])
    pd.DataFrame(columns).to_csv(tmp_path / "splits.csv", index=False)
    folds = read_splits(tmp_path / "splits.csv", labels, patients)
    assert (folds.k, folds.repeats, folds.scheme) == (1, 100, "fixed")
    assert all(set(patients[train]).isdisjoint(patients[test]) for train, test in folds.splits)
    assert len(folds.splits[0][1]) == np.isin(patients, columns["0_test"]).sum() > 10, "all rows of ten patients"
    found, _ = answer(rows, labels, patients, folds)
    told = found.auc_summary(folds)
    assert told["interval_by"] == BY_FOLDS
    assert 0.1 < told["interval"][1] - told["interval"][0] < 0.5
