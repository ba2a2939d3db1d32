"""The next hospital and the subgroups: pairs counted one by one, imbalance of sites found where there is one."""

import json

import numpy as np
import pytest

from app.core.evaluate.delong import area_interval, measure_areas
from app.core.evaluate.folds import leave_sites_out, make_folds
from app.core.evaluate.sites import measure_imbalance, measure_new_sites
from app.core.evaluate.subgroups import measure_subgroups
from tests.core.evaluate.answered_cases import answer, draw_cohort, in_one_go


@pytest.fixture(scope="module")
def cohort():
    rows, labels, patients = draw_cohort(seed=8, patients=100)
    sites = np.array([f"site {int(patient) % 12}" for patient in patients])
    return rows, labels, patients, sites


def test_pairs_of_a_group_are_pooled(cohort):
    rows, labels, patients, sites = cohort
    folds = leave_sites_out(labels, patients, sites, k=4, repeats=2, seed=0)
    found, _ = answer(rows, labels, patients, folds)
    told = measure_new_sites(found, sites)
    right = total = alike = alike_total = 0.0
    for place, (_, test) in enumerate(folds.splits):
        scores = found.probabilities[place // folds.k]
        for one in test[labels[test] == 1]:
            for other in test[labels[test] == 0]:
                ahead = (scores[one] > scores[other]) + 0.5 * (scores[one] == scores[other])
                right, total = right + ahead, total + 1
                if sites[one] == sites[other]:
                    alike, alike_total = alike + ahead, alike_total + 1
    assert told.auc.value == pytest.approx(right / total)
    assert told.pairs == round(total / 2)
    assert told.within_site == pytest.approx(alike / alike_total)
    assert told.auc.low < told.auc.value < told.auc.high
    json.dumps(told.json, allow_nan=False)


def test_levels_of_the_sites_do_not_count():
    rng = np.random.default_rng(0)
    sites = np.repeat([f"{site}" for site in range(5)], 24)
    labels = np.tile([0, 1], 60)
    patients = np.arange(120)
    folds = leave_sites_out(labels, patients, sites, 10, 1, seed=0)
    scores = rng.uniform(0.2, 0.4, 120) + 0.05 * labels
    level = 0.1 * sites.astype(int)
    plain, shifted = (measure_new_sites(in_one_go(labels, values, patients, folds), sites)
                      for values in (scores, scores + level))
    assert shifted.auc == plain.auc


def test_a_group_of_one_class_says_nothing():
    sites = np.repeat(["a", "b", "c", "d", "e", "f"], 10)
    labels = np.tile([0, 1], 30)
    labels[:10] = 0
    folds = leave_sites_out(labels, np.arange(60), sites, 10, 1, seed=0)
    told = measure_new_sites(in_one_go(labels, np.linspace(0, 1, 60), np.arange(60), folds), sites)
    assert told.groups == 5
    assert told.json["folds"][0] is None
    assert np.isfinite([told.auc.value, told.auc.low, told.auc.high]).all()


def test_imbalance_is_found_and_measured():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(40):
        level = rng.normal(-0.4, 1.0, 30)
        sites = np.repeat(np.arange(30), 15)
        labels = (rng.random(450) < 1 / (1 + np.exp(-level[sites]))).astype(int)
        found.append(measure_imbalance(labels, sites.astype(str)))
    assert np.median([each.spread for each in found]) == pytest.approx(1.0, abs=0.15)
    assert all(each.p < 0.05 and each.caution is not None for each in found)


def test_sites_alike_raise_no_caution_as_a_rule():
    rng = np.random.default_rng(2)
    sites = np.repeat(["a", "b", "c", "d", "e"], 24)
    found = [measure_imbalance((rng.random(120) < 0.4).astype(int), sites) for _ in range(100)]
    assert np.mean([each.caution is not None for each in found]) < 0.12
    assert min(each.p for each in found) < 0.5


def test_imbalance_by_quadrature_against_integration():
    from scipy.integrate import quad
    from scipy.stats import norm

    from app.core.evaluate import sites as module

    labels, sites = np.array([1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0]), np.repeat(["a", "b", "c"], 4)
    told = module.measure_imbalance(labels, sites)

    def likelihood(level, spread):
        total = 0.0
        for site in "abc":
            hits = labels[sites == site].sum()
            value, _ = quad(lambda u, hits=hits: norm.pdf(u) * np.exp(
                hits * (level + spread * u) - 4 * np.logaddexp(0, level + spread * u)), -8, 8)
            total += np.log(value)
        return total

    steps = [likelihood(level, told.spread + shift) for level in np.linspace(-1, 1, 41) for shift in (-0.3, 0.0, 0.3)]
    assert int(np.argmax(steps)) % 3 == 1, "no spread beside it is likelier"


def test_lines_of_a_forest_plot_by_pooling(cohort):
    rows, labels, patients, sites = cohort
    found, _ = answer(rows, labels, patients, make_folds(labels, patients, 5, 2, seed=0))
    lines = measure_subgroups(found, {"site": sites})
    assert [line.level for line in lines] == ["", *sorted(set(sites))]
    for line in lines[1:]:
        own = sites == line.level
        assert line.positives == len(set(patients[own & (labels == 1)]))
        if line.auc is not None:
            each = [measure_areas(labels[own], row[own]).values[0] for row in found.probabilities]
            assert line.auc.value == pytest.approx(np.mean(each))
            assert line.auc.low <= line.auc.value <= line.auc.high
        assert line.note, "twelve sites of eight patients are small"
    json.dumps([line.json for line in lines], allow_nan=False)


def test_a_subgroups_interval_is_delongs_widened():
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1], 60)
    patients = np.arange(120)
    folds = make_folds(labels, patients, 10, 5, seed=0)
    scores = rng.normal(labels * 1.0, 1.0)
    found = in_one_go(labels, np.tile(scores, (5, 1)), patients, folds)
    low, high = area_interval(measure_areas(labels, scores))
    line = measure_subgroups(found, {})[0]
    assert line.note == ""
    assert 1.25 < (line.auc.high - line.auc.low) / (high[0] - low[0]) < 1.35


def test_rows_of_one_patient_do_not_narrow_it():
    labels, patients = np.repeat([0, 1], 30), np.arange(60)
    scores = np.random.default_rng(4).normal(labels * 1.0, 1.0)
    folds = make_folds(labels, patients, 5, 1, seed=0)
    once = measure_subgroups(in_one_go(labels, scores, patients, folds), {})[0].auc
    thrice = np.tile(patients, 3)
    more = make_folds(np.tile(labels, 3), thrice, 5, 1, seed=0)
    often = measure_subgroups(in_one_go(np.tile(labels, 3), np.tile(scores, 3), thrice, more), {})[0].auc
    assert often.value == pytest.approx(once.value)
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.03)


def test_groups_too_small_and_values_missing_are_said(cohort):
    rows, labels, patients, _ = cohort
    found, _ = answer(rows, labels, patients)
    values = np.full(len(labels), "all", dtype=object)
    values[np.flatnonzero(labels == 1)[0]] = None
    lines = {line.level: line for line in measure_subgroups(found, {"sex": values})}
    assert lines["missing"].auc is None
    assert "too few for an AUC" in lines["missing"].note
