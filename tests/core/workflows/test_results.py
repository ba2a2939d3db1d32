"""What a results page shows: drawn again from a bundle or an external test, in agreement with what was measured."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from app.core.bundle import write_bundle
from app.core.errors import BundleError, InputError
from app.core.evaluate.comparators import compare
from app.core.store.cases import keep_cases
from app.core.workflows import evaluate, view_results
from app.core.workflows.results import as_json
from app.core.workflows.results_training import rank_features
from tests.core.small_cohorts import quiet, write_features
from tests.core.trained_run import FEATURES, POINT, make_run

KEYS = {"kind", "title", "name", "classes", "models", "saved", "primary", "headline", "selection", "roc", "metrics",
        "calibration", "decision", "cases", "points", "sites", "subgroups", "advice", "importance", "audit",
        "learning_curve", "fits", "comparisons", "cautions", "methods", "flow", "versions", "folds"}


@pytest.fixture(scope="module")
def run():
    return make_run()


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    specification, evaluation, _ = run
    folder = tmp_path_factory.mktemp("bundle") / "small"
    write_bundle(folder, specification, "# A small model\n", as_json(evaluation))
    return folder


@pytest.fixture(scope="module")
def view(folder):
    return view_results({"model": str(folder)}, quiet)


def test_everything_is_there_and_is_json(view):
    assert set(view) >= KEYS
    json.dumps(view, allow_nan=False)
    assert (view["kind"], view["name"], view["classes"]) == ("training", "small", ["lipoma", "ALT"])
    assert view["models"] == ["wide", "narrow"]
    assert view["comparators"] == ["volume"]
    assert list(view["roc"]) == ["wide", "narrow", "volume"]
    assert "tests" not in view["folds"]


def test_curves_are_those_of_the_folds(run, view):
    found = run[2]["wide"]
    drawn = view["roc"]["wide"]
    assert [each["auc"] for each in drawn["folds"]] == pytest.approx(found.aucs.tolist())
    assert drawn["auc"]["mean"] == pytest.approx(float(found.aucs.mean()))
    assert len(drawn["grid"]) == len(drawn["mean"]) == len(drawn["low"]) == len(drawn["high"]) == 101
    assert set(drawn["pooled"]) == {"fpr", "tpr", "threshold"}
    assert view["roc"]["volume"]["folds"] == []
    assert view["roc"]["volume"]["pooled"] is not None


def test_metrics_have_mean_spread_and_interval(run, view):
    rows = {each["name"]: each for each in view["metrics"]["wide"]}
    found, figures = run[2]["wide"], run[1]["models"]["wide"]
    assert rows["AUC"]["sd"] == pytest.approx(float(found.aucs.std(ddof=1)))
    assert [rows["AUC"]["low"], rows["AUC"]["high"]] == figures["auc"]["interval"]
    called = [found.probabilities[n // 5, fit.test] >= fit.thresholds[POINT] for n, fit in enumerate(found.fits)]
    each = [(own == (found.labels[fit.test] == 1)).mean() for own, fit in zip(called, found.fits, strict=True)]
    assert rows["Accuracy"]["mean"] == pytest.approx(float(np.mean(each)))
    assert rows["Accuracy"]["sd"] == pytest.approx(float(np.std(each, ddof=1)))
    for name in ("Sensitivity", "Specificity", "Positive predictive value", "Brier score", "Calibration slope",
                 "AUC, new sites", "Uncertain at 5 % errors", "Not missed at 5 % errors, ALT"):
        assert rows[name]["mean"] is not None
        assert rows[name]["explained"]
    assert rows["Calibration intercept"]["low"] < rows["Calibration intercept"]["high"]
    assert [each["name"] for each in view["metrics"]["volume"]] == ["AUC", "Difference in AUC"]


def test_cases_tell_what_each_would_have_been_told(run, view):
    cases, found = view["cases"], run[2]["wide"]
    assert cases["probability"]["wide"] == pytest.approx(found.probabilities.mean(axis=0).tolist())
    assert cases["case"] == [None] * 60
    assert set(cases["verdict"]["wide"]) <= {"lipoma", "ALT", "uncertain", "unlike_training"}
    wrong = sum(verdict == "lipoma" for verdict, label in zip(cases["verdict"]["wide"], cases["label"], strict=True)
                if label == 1)
    assert wrong <= 2, "at 5 % errors of 30 cases"


def test_own_cases_are_named_by_their_row_and_a_model_from_elsewhere_names_none(run, folder):
    rows = run[1]["cases"]["row"]
    digest = json.loads((folder / "bundle.json").read_text())["files"]["evaluation.json"]
    files = {"id": "Ł 7", "images": {"image": "/data/7.nii"}, "mask": None}
    keep_cases(digest, rows, [f"Ł {row}" for row in rows], [files if row == 7 else None for row in rows])
    cases = view_results({"model": str(folder)}, quiet)["cases"]
    assert cases["case"] == [f"Ł {row}" for row in cases["row"]]
    assert [each for each in cases["files"] if each] == [files]
    assert cases["files"][cases["row"].index(7)] == files
    assert "Ł" not in (folder / "evaluation.json").read_text(encoding="utf-8")


def test_models_are_compared_in_pairs(run, view):
    (found,) = view["comparisons"]
    assert (found["a"], found["b"]) == ("wide", "narrow")
    expected = compare(run[2]["wide"], run[2]["narrow"], "narrow")
    assert found["mean"] == pytest.approx(expected.auc.value)
    assert found["interval"] == pytest.approx([expected.auc.low, expected.auc.high])
    assert found["p_value"] == pytest.approx(expected.p)
    assert found["how"] == "corrected resampled t over the folds, 2 x 5"


def test_a_run_that_keeps_no_answers_still_has_its_figures(run, tmp_path):
    specification, evaluation, found = run
    folds = {name: value for name, value in evaluation["folds"].items() if name != "tests"}
    write_bundle(tmp_path / "m", specification, "", as_json({**evaluation, "folds": folds}))
    view = view_results({"model": str(tmp_path / "m")}, quiet)
    assert view["roc"]["wide"]["grid"] == []
    assert view["roc"]["wide"]["auc"]["mean"] == pytest.approx(float(found["wide"].aucs.mean()))
    assert {each["name"] for each in view["metrics"]["wide"]} >= {"AUC", "Sensitivity", "Brier score"}
    assert view["comparisons"] == []


def test_points_sites_importance_audit_and_flow(run, view):
    default = next(each for each in view["points"]["wide"] if each["default"])
    assert (default["name"], default["threshold"]) == (POINT, 0.31)
    assert default["sensitivity"]["interval"][0] < default["sensitivity"]["value"]
    assert next(each for each in view["points"]["narrow"] if each["name"] == POINT)["threshold"] == pytest.approx(
        run[1]["models"]["narrow"]["points"][POINT]["threshold"]["mean"])
    assert sum(each["cases"] for each in view["sites"]) == 60
    assert [each["cases"] for each in view["sites"]] == sorted((each["cases"] for each in view["sites"]), reverse=True)
    assert view["subgroups"][0]["variable"] == "sex"
    shares = {each["feature"]: each["share"] for each in view["importance"]["wide"]}
    assert shares == {**dict.fromkeys(FEATURES[:3], 1.0), FEATURES[3]: 0.5}
    assert view["importance"]["narrow"] == []
    assert view["audit"]["honest"]["auc"]["mean"] < view["audit"]["naive"]["auc"]["mean"]
    assert view["flow"][0] == {"what": "Cases in the table", "cases": 62}
    assert {"what": "ALT", "cases": 30} in view["flow"]
    assert view["decision"]["volume"]["threshold"][0] == 0.01


def test_features_are_ranked_by_share_then_weight():
    ranked = rank_features([{"importance": {"a": 1.0, "b": -3.0}}, {"importance": {"b": -1.0}}, {"fold": 3}])
    assert [each["feature"] for each in ranked] == ["b", "a"]
    assert (ranked[0]["mean"], ranked[0]["share"], ranked[1]["share"]) == (-2.0, 1.0, 0.5)
    assert ranked[0]["low"] < -2 < ranked[0]["high"]


def test_models_without_a_run_are_refused_in_a_sentence(tmp_path):
    with pytest.raises(InputError, match="was not made by a training run"):
        view_results({"model": "lipoma-size"}, quiet)
    with pytest.raises(BundleError):
        view_results({"model": str(tmp_path / "nothing")}, quiet)


@pytest.fixture(scope="module")
def tested(tmp_path_factory):
    folder = tmp_path_factory.mktemp("test")
    table = write_features(folder / "t.csv", 90, 1.2, seed=7)
    evaluate({"bundle": "lipoma-size", "table": str(table), "out": str(folder / "out"), "label": "label",
              "positive": "ALT", "patient": "patient", "site": "site"}, quiet)
    return folder / "out"


def test_external_test_is_shown_from_its_files(tested):
    view = view_results({"external": str(tested / "evaluation.json")}, quiet)
    json.dumps(view, allow_nan=False)
    assert set(view) >= KEYS
    told = pd.read_csv(tested / "predictions.csv")
    labels = (told["label"] == view["classes"][1]).to_numpy().astype(int)
    drawn = view["roc"]["lipoma-size"]
    assert np.trapezoid(drawn["pooled"]["tpr"], drawn["pooled"]["fpr"]) == pytest.approx(
        roc_auc_score(labels, told["probability"]))
    assert drawn["auc"]["mean"] == pytest.approx(roc_auc_score(labels, told["probability"]))
    assert drawn["folds"] == []
    assert view["cases"]["case"] == told["patient"].tolist()
    assert view["cases"]["label"] == labels.tolist()
    assert view["cases"]["verdict"]["lipoma-size"] == told["verdict"].tolist()
    assert sum(each["cases"] for each in view["sites"]) == 90
    rows = {each["name"]: each for each in view["metrics"]["lipoma-size"]}
    assert {"AUC", "Accuracy", "Sensitivity", "Brier score", "Calibration slope"} <= set(rows)
    assert rows["Sensitivity"]["low"] < rows["Sensitivity"]["mean"]
    assert view["internal"]["auc"]["mean"] == 0.827
    assert "DeLong" in view["methods"]
    assert view_results({"external": str(tested)}, quiet) == view


def test_external_test_without_its_predictions_shows_its_figures(tested, tmp_path):
    (tmp_path / "evaluation.json").write_bytes((tested / "evaluation.json").read_bytes())
    view = view_results({"external": str(tmp_path / "evaluation.json")}, quiet)
    assert view["cases"] is None
    assert view["roc"]["lipoma-size"]["grid"] == []
    assert view["metrics"]["lipoma-size"][0]["mean"] == pytest.approx(0.486, abs=0.001)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model": "a", "counts": 3}'])
def test_other_files_are_no_external_test(tmp_path, text):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(InputError, match="not the result of an external test"):
        view_results({"external": str(tmp_path / "other.json")}, quiet)
    with pytest.raises(InputError, match="not the result of an external test"):
        view_results({"external": str(tmp_path / "gone.json")}, quiet)
