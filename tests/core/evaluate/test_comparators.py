"""Comparators, learning curve, choice among models and the audit: same folds, plain words, chance told as chance."""

import ast
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from app.core.classify.pipelines import build_pipeline
from app.core.evaluate import audit
from app.core.evaluate.audit import (
    describe_naive,
    list_fits,
    naive_figure,
    permute_labels,
    permuted_figure,
    word_optimism,
)
from app.core.evaluate.comparators import (
    build_size_model,
    compare,
    describe_comparators,
    find_headline,
    run_comparators,
    word_difference,
)
from app.core.evaluate.crossvalidate import cross_validate
from app.core.evaluate.folds import make_folds
from app.core.evaluate.intervals import Estimate, resampled_mean
from app.core.evaluate.learning_curve import first_repeats, learning_curve, shrink_folds
from app.core.evaluate.metrics import auc
from app.core.evaluate.selection import correct_selection
from app.core.evaluate.thresholded import ThresholdedModel
from app.core.recipe import ModelRecipe
from tests.core.evaluate.answered_cases import Spy, answer, draw_cohort, in_one_go

MAKE = partial(build_pipeline, ModelRecipe())


@pytest.fixture(scope="module")
def cohort():
    return draw_cohort(seed=11, patients=80)


def test_comparators_run_on_the_models_folds(cohort):
    rows, labels, patients = cohort
    model, _ = answer(rows, labels, patients)
    volume = np.exp(rows[:, 0] * 0.8 + 4)
    sizes, others = {"longest_diameter": volume ** (1 / 3), "volume": volume}, {"clinical": (MAKE, rows[:, 1:3])}
    found = run_comparators(sizes, others, labels, model.folds, patients)
    assert list(found) == ["volume", "longest_diameter", "clinical", "prevalence"]
    assert {each.folds.digest for each in found.values()} == {model.folds.digest}
    assert found["prevalence"].auc.value == 0.5
    for place, fit in enumerate(model.fits):
        expected = auc(labels[fit.test], volume[fit.test])
        assert found["volume"].aucs[place] == pytest.approx(expected), "one feature keeps its order"
    told = describe_comparators(model, found)
    difference = model.aucs - found["volume"].aucs
    assert told["volume"]["difference"]["mean"] == pytest.approx(difference.mean())
    expected = resampled_mean(difference, 1 / 4, 4)
    assert told["volume"]["difference"]["interval"] == pytest.approx([expected.low, expected.high])
    json.dumps(told, allow_nan=False)


def test_comparators_decide_at_thresholds_of_their_own_training_rows(cohort):
    rows, labels, patients = cohort
    model, _ = answer(rows, labels, patients)
    found = run_comparators({"volume": rows[:, 0]}, {"clinical": (MAKE, rows[:, 1:3])}, labels, model.folds, patients)
    told = describe_comparators(model, found)
    for name in ("volume", "clinical"):
        assert list(told[name]["points"]) == ["youden", "sensitivity 90%", "sensitivity 95%", "sensitivity 98%"]
    assert told["prevalence"]["points"] == {}
    point = told["volume"]["points"]["sensitivity 90%"]
    assert 0.75 < point["sensitivity"]["value"] <= 1.0
    assert point["specificity"]["value"] < told["volume"]["points"]["youden"]["specificity"]["value"]
    spoilt = rows.copy()
    test = model.folds.splits[0][1]
    spoilt[test] = 1e3
    again = run_comparators({"volume": spoilt[:, 0]}, {}, labels, model.folds, patients)
    assert again["volume"].fits[0].thresholds == found["volume"].fits[0].thresholds, "held-out rows set no threshold"
    few = ThresholdedModel(build_size_model).fit(rows[[0, 3, 6, 12]], np.array([0, 0, 0, 1]), np.arange(4))
    assert few.thresholds_ == {}
    assert few.predict_proba(rows[:2]).shape == (2, 2)


def test_the_headline_is_against_the_best(cohort):
    rows, labels, patients = cohort
    model, _ = answer(rows, labels, patients)
    found = run_comparators({"volume": rows[:, 0], "longest_diameter": rows[:, 4]}, {}, labels, model.folds, patients)
    best = max(found, key=lambda name: found[name].aucs.mean())
    told = find_headline(model, found)
    assert told.comparator == best == "volume"
    assert told.auc.value == pytest.approx((model.aucs - found[best].aucs).mean())


def test_other_folds_cannot_be_compared(cohort):
    rows, labels, patients = cohort
    one, _ = answer(rows, labels, patients)
    other, _ = answer(rows, labels, patients, make_folds(labels, patients, 5, 2, seed=9))
    with pytest.raises(ValueError, match="same folds"):
        compare(one, other, "volume")
    with pytest.raises(ValueError, match="same folds"):
        correct_selection({"a": one, "b": other}, np.random.default_rng(0))


def test_sizes_missing_or_standardised_are_borne():
    sizes = np.array([[0.2], [12.0], [np.nan], [4000.0], [-1.2], [0.0]] * 4)
    labels = np.array([0, 0, 1, 1, 0, 1] * 4)
    assert np.isfinite(build_size_model().fit(sizes, labels).predict_proba(sizes)).all()


NOTHING = ("adds nothing measurable to tumour volume alone: AUC +0.020, 95 % interval -0.050 to +0.090; with these "
           "cases, differences below 0.07 remain unresolved.")


@pytest.mark.parametrize(("low", "high", "said"), [
    (-0.05, 0.09, NOTHING), (0.01, 0.03, "adds to tumour volume alone"),
    (-0.03, -0.01, "does worse than tumour volume alone")])
def test_what_a_difference_says(low, high, said):
    value = 0.02 if high > 0 else -0.02
    assert said in word_difference(Estimate(value, low, high), "tumour volume alone")


def test_a_learning_curve_trains_on_less_and_tests_on_the_same(cohort):
    _, labels, patients = cohort
    folds = make_folds(labels, patients, 5, 2, seed=1)
    half, most = (shrink_folds(folds, labels, patients, share, seed=0) for share in (0.4, 0.8))
    for (train, test), (fewer, same), (more, _) in zip(folds.splits, half.splits, most.splits, strict=True):
        np.testing.assert_array_equal(test, same)
        assert set(fewer) < set(more) < set(train)
        assert len(set(patients[fewer])) == pytest.approx(0.4 * len(set(patients[train])), abs=1)
        for patient in set(patients[fewer]):
            assert set(np.flatnonzero(patients == patient)) <= set(fewer), "patients stay whole"
        assert abs(labels[fewer].mean() - labels[train].mean()) < 0.12


def test_a_learning_curve_rises_and_ends_at_the_whole(cohort):
    rows, labels, patients = cohort
    noisy = np.column_stack([rows, np.random.default_rng(0).normal(size=(len(rows), 30))])
    folds, told = make_folds(labels, patients, 5, 2, seed=1), []
    whole = cross_validate(MAKE, noisy, labels, folds, lambda _done: None, patients)
    points = learning_curve(MAKE, noisy, labels, folds, told.append, patients, whole=whole)
    assert [point.share for point in points] == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert points[-1].auc == whole.auc
    assert points[0].auc.value < points[-1].auc.value
    assert told == list(range(1, 41))
    assert [point.patients for point in points] == sorted(point.patients for point in points)


def test_shares_with_too_few_patients_are_left_out(cohort):
    rows, labels, patients = cohort
    points = learning_curve(MAKE, rows, labels, make_folds(labels, patients, 5, 1, seed=1), lambda _done: None,
                            patients, fewest=12)
    assert [point.share for point in points] == [0.6, 0.8, 1.0]


def test_a_learning_curve_costs_no_more_than_a_few_repeats(cohort):
    rows, labels, patients = cohort
    folds, told = make_folds(labels, patients, 5, 3, seed=1), []
    whole = cross_validate(MAKE, rows, labels, folds, lambda _done: None, patients)
    points = learning_curve(MAKE, rows, labels, folds, told.append, patients, shares=(0.6, 1.0), whole=whole,
                            most_folds=7)
    assert told == [1, 2, 3, 4, 5], "one repeat of five folds"
    assert points[-1].auc.value == pytest.approx(whole.aucs[:5].mean())
    assert first_repeats(folds, 10).repeats == 2
    assert first_repeats(folds, 3).repeats == 1
    assert first_repeats(folds, 100) is folds


def draw_useless(seed, count, cases=80):
    rng = np.random.default_rng(seed)
    labels, patients = np.arange(cases) % 2, np.arange(cases)
    folds = make_folds(labels, patients, 5, 1, seed=seed)
    return {f"{place}": in_one_go(labels, rng.random((1, cases)), patients, folds) for place in range(count)}


def test_the_best_of_useless_models_is_brought_back_to_chance():
    told = [correct_selection(draw_useless(seed, 6), np.random.default_rng(seed), resamples=100) for seed in range(40)]
    apparent, corrected = ([getattr(each, name).value for each in told] for name in ("apparent", "corrected"))
    assert np.mean(apparent) > 0.56
    assert abs(np.mean(corrected) - 0.5) < 0.03


def test_a_clear_winner_pays_little():
    models = draw_useless(0, 5)
    labels = models["0"].labels
    scores = np.random.default_rng(1).normal(labels * 2.5, 1.0)
    models["good"] = in_one_go(labels, scores, np.arange(80), models["0"].folds)
    told = correct_selection(models, np.random.default_rng(0))
    assert told.name == "good"
    assert told.optimism < 0.01
    assert told.corrected.low < told.corrected.value < told.corrected.high


def test_the_model_declared_primary_pays_nothing():
    models = draw_useless(3, 4)
    told = correct_selection(models, np.random.default_rng(0), chosen="2", primary="2")
    assert told.corrected == told.apparent == models["2"].auc
    assert "declared primary" in told.sentence
    other = correct_selection(models, np.random.default_rng(0), primary="2")
    assert other.name == max(models, key=lambda name: models[name].auc.value)
    assert "chosen after seeing 4 results" in other.sentence or other.name == "2"
    json.dumps(other.json, allow_nan=False)


def test_identical_models_are_no_choice():
    models = draw_useless(4, 1)
    told = correct_selection({"a": models["0"], "b": models["0"]}, np.random.default_rng(0))
    assert told.optimism == 0
    assert told.corrected == told.apparent


def test_the_naive_figure_is_made_of_what_is_handed_in():
    rng = np.random.default_rng(5)
    rows, labels, patients = rng.normal(size=(80, 300)), np.arange(80) % 2, np.arange(80)
    folds, shown = make_folds(labels, patients, 5, 2, seed=0), []

    def harmonise(table, truth):
        shown.append((table.shape, truth.copy()))
        return table

    def select(table, truth):
        effect = np.abs(table[truth == 1].mean(axis=0) - table[truth == 0].mean(axis=0))
        return table[:, np.argsort(-effect)[:10]]

    honest = cross_validate(MAKE, rows, labels, folds, lambda _done: None, patients)
    naive = naive_figure(rows, labels, folds, MAKE, harmonise, select, patients)
    assert [shape for shape, _ in shown] == [(80, 300)], "once, and on everybody"
    np.testing.assert_array_equal(shown[0][1], labels)
    told = describe_naive(honest, naive)
    assert abs(honest.aucs.mean() - 0.5) < 0.2
    assert told["auc"]["mean"] > 0.8
    assert told["optimism"] == pytest.approx(naive.aucs.mean() - honest.aucs.mean())
    assert told["auc"]["interval"] is None, "it estimates nothing"
    assert "no new patient would have confirmed" in told["sentence"]


def test_a_naive_figure_below_the_honest_one_is_no_gain():
    assert word_optimism(0.74, 0.52).endswith(": looking at the held-out cases gained nothing here.")
    assert "confirmed" not in word_optimism(0.6, 0.6, harmonised=False)
    assert "+0.100 that no new patient would have confirmed" in word_optimism(0.6, 0.7)


def test_the_audit_has_no_way_to_a_saved_model():
    tree = ast.parse(Path(audit.__file__).read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    ours = {name for name in imported if name.startswith("app.")}
    assert ours == {"app.core.evaluate.crossvalidate", "app.core.evaluate.folds"}


def test_labels_are_dealt_among_patients(cohort):
    _, labels, patients = cohort
    dealt = permute_labels(labels, patients, np.random.default_rng(0))
    assert not np.array_equal(dealt, labels)
    for patient in set(patients):
        assert len(set(dealt[patients == patient])) == 1
    first = np.unique(patients, return_index=True)[1]
    assert dealt[first].sum() == labels[first].sum()


def test_labels_dealt_within_sites_keep_each_sites_share():
    rng = np.random.default_rng(1)
    labels, sites = (rng.random(100) < 0.5).astype(int), rng.integers(0, 6, 100).astype(str)
    dealt = permute_labels(labels, np.arange(100), rng, within=sites)
    assert not np.array_equal(dealt, labels)
    for site in set(sites):
        assert dealt[sites == site].sum() == labels[sites == site].sum()


def test_permuted_labels_tell_signal_from_chance(cohort):
    rows, labels, patients = cohort
    draw = partial(make_folds, patients=patients, k=5, repeats=1, seed=0)
    done = []
    signal, noise = (
        permuted_figure(MAKE, table, labels, patients, draw, 19, np.random.default_rng(3), done.append)
        for table in (rows, np.random.default_rng(2).normal(size=rows.shape)))
    assert signal.p == pytest.approx(1 / 20)
    assert noise.p > 0.1
    assert abs(signal.aucs.mean() - 0.5) < 0.06
    assert done == [*range(1, 20)] * 2
    expected = cross_validate(MAKE, rows, labels, draw(labels), lambda _done: None, patients).aucs.mean()
    assert signal.observed == pytest.approx(expected)
    json.dumps(signal.json, allow_nan=False)


def test_the_list_of_what_was_fitted(cohort):
    rows, labels, patients = cohort
    found, seen = answer(rows, labels, patients)
    told = list_fits(found)
    assert [(line["repeat"], line["fold"]) for line in told[:6]] == [(1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (2, 1)]
    for line, shown in zip(told, seen, strict=True):
        assert line["trained_rows"] == len(shown["rows"])
        assert line["trained_patients"] == len(set(shown["patients"]))
        assert line["patients_on_both_sides"] == 0
        assert line["settings"] == {"weight": shown["weights"][0]}
    leaky = make_folds(labels, np.arange(len(labels)), 5, 1, seed=0)
    both = list_fits(cross_validate(partial(Spy, []), rows, labels, leaky, lambda _done: None, patients))
    assert max(line["patients_on_both_sides"] for line in both) > 0, "the list would show it"
