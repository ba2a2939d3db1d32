"""Training: honest on noise, sharp on signal, and clear about tables it cannot learn from."""

import json

import numpy as np
import pandas as pd
import pytest

from app.core.bundle import Bundle
from app.core.errors import Cancelled, CohortError, InputError
from app.core.evaluate.folds import make_folds
from app.core.workflows import make_demo, score_case, train
from app.core.workflows.learning_columns import METADATA
from tests.core.small_cohorts import FEATURES, quiet, training, write_ball, write_features


def learn(folder, separation=2.0, request=None, **columns):
    table = write_features(folder / "features.csv", separation=separation, **columns)
    return train(training(table, folder / "model", **(request or {})), quiet)


@pytest.fixture(scope="module")
def signal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signal")
    return learn(folder, separation=4.0), folder


def test_noise_is_near_a_half(tmp_path):
    aucs = []
    for seed in range(4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        request = {"recipe": {**training(folder, folder)["recipe"], "model": {"folds": 5, "repeats": 1,
                                                                             "resamples": 0}}}
        result = learn(folder, 0.0, request, seed=seed, cases=120)
        low, high = result["models"]["small"]["auc"]["interval"]
        aucs.append(result["models"]["small"]["auc"]["mean"])
        assert low < 0.6
        assert high > 0.4
    assert abs(np.mean(aucs) - 0.5) < 0.08


def test_signal_is_found_and_beats_volume(signal):
    result, _ = signal
    auc = result["models"]["small"]["auc"]
    assert auc["mean"] > 0.95
    assert len(auc["folds"]) == 10
    assert auc["mean"] == pytest.approx(np.mean(auc["folds"]))
    assert auc["interval"][0] < auc["mean"] < auc["interval"][1]
    volume = result["comparators"]["volume"]
    assert volume["auc"]["mean"] < 0.7
    assert volume["difference"]["mean"] == pytest.approx(auc["mean"] - volume["auc"]["mean"])
    assert volume["difference"]["interval"][0] > 0
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_folds_are_the_documented_ones(signal):
    result, _ = signal
    labels, patients = np.arange(80) % 2, np.array([f"P{index:03d}" for index in range(80)])
    folds = make_folds(labels, patients, 5, 2, seed=0)
    tests = [test.tolist() for _, test in folds.splits]
    told = {"digest": folds.digest, "k": 5, "repeats": 2, "scheme": "patients", "tests": tests}
    assert result["folds"] == told


def test_bundle_keeps_what_scoring_needs(signal):
    result, folder = signal
    specification = Bundle.load(folder / "model").specification
    assert result["bundle"] == str(folder / "model")
    assert specification.features == FEATURES == tuple(result["features"])
    assert specification.classes == ("lipoma", "ALT")
    assert specification.training.counts == {"lipoma": 40, "ALT": 40}
    assert specification.training.sites == ("S0", "S1", "S2", "S3")
    assert specification.default_threshold.name == "sensitivity 95%"
    table = pd.read_csv(folder / "features.csv")
    for name in FEATURES:
        assert specification.training.ranges[name] == pytest.approx((table[name].min(), table[name].max()))
    card = Bundle.load(folder / "model").card()
    assert "Research use only" in card
    assert f"{result['models']['small']['auc']['mean']:.2f}" in card


def test_held_out_answers_are_those_of_a_model_fitted_by_hand(signal):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.preprocessing import StandardScaler

    result, folder = signal
    model, table = result["models"]["small"], pd.read_csv(folder / "features.csv")
    rows, labels = table[list(FEATURES)].to_numpy(), (table["label"] == "ALT").to_numpy().astype(int)
    assert result["cases"]["label"] == labels.tolist()
    assert result["cases"]["site"] == table["site"].tolist()
    assert sorted(result["cases"]["row"]) == list(range(80))
    answers = np.array(model["out_of_fold"])
    for place, (train_rows, test) in enumerate(make_folds(labels, table["patient"].to_numpy(), 5, 2, seed=0).splits):
        scale = StandardScaler().fit(rows[train_rows])
        by_hand = LogisticRegression(C=0.1).fit(scale.transform(rows[train_rows]), labels[train_rows])
        scores = by_hand.decision_function(scale.transform(rows[test]))
        log_odds = np.log(answers[test, place // 5] / (1 - answers[test, place // 5]))
        assert np.corrcoef(scores, log_odds)[0, 1] > 0.9999, "calibration is linear in the log odds"
        assert roc_auc_score(labels[test], scores) == pytest.approx(model["auc"]["folds"][place], abs=0.02)
        fit = model["fits"][place]
        assert (fit["trained_rows"], fit["tested_rows"], fit["patients_on_both_sides"]) == (64, 16, 0)


def test_bundle_scores_a_case_afterwards(signal, tmp_path):
    _, folder = signal
    image, mask = write_ball(tmp_path, level=1.0)
    score = score_case({"case": {"id": "new", "images": {"image": str(image)}, "mask": str(mask), "site": "S1"},
                        "model": str(folder / "model")}, quiet)
    assert score["model"] == "model"
    assert 0 < score["interval"][0] < score["probability"] < score["interval"][1] < 1
    assert score["comparator"]["name"] == "lipoma-size"
    assert {each["feature"] for each in score["contributions"]} == set(FEATURES)
    effects = [abs(each["effect"]) for each in score["contributions"]]
    assert effects == sorted(effects, reverse=True)


def test_volume_alone_stands_beside_every_score_of_an_own_model(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    request = training(write_features(folder / "features.csv"), folder / "model")
    train({**request, "recipe": {**request["recipe"], "comparator": None}}, quiet)
    image, mask = write_ball(tmp_path, level=1.0)
    score = score_case({"case": {"id": "new", "images": {"image": str(image)}, "mask": str(mask)},
                        "model": str(folder / "model")}, quiet)
    size = Bundle.load(folder / "model").specification.size
    assert score["comparator"]["name"] == "volume"
    expected = 1 / (1 + np.exp(-size.log_odds(score["features"])))
    assert score["comparator"]["probability"] == pytest.approx(expected)


def test_same_seed_same_model(tmp_path):
    figures = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        learn(tmp_path / name)
        figures.append(Bundle.load(tmp_path / name / "model").predict(dict(zip(FEATURES, (90.0, 60.0, 1.0),
                                                                               strict=True))))
    assert figures[0] == figures[1]


@pytest.mark.parametrize("name", [*sorted(METADATA - {"image", "mask", "patient", "label", "site"}), "Age"])
def test_metadata_never_become_features(tmp_path, name):
    from app.core.requests import TrainRequest
    from app.core.workflows.cohort import read_cohort

    table = write_features(tmp_path / "t.csv", 20, **{name: np.arange(20) % 2 * 1.0, "extra": np.arange(20.0)})
    request = training(table, tmp_path / "m")
    request["recipe"] = {**request["recipe"], "features": {}}
    assert set(read_cohort(TrainRequest.parse(request), quiet).features) == {*FEATURES, "extra"}


def test_columns_left_out_on_request_and_empty_ones(tmp_path):
    request = {"ignore": ["leak"], "recipe": {"name": "all", "model": {"folds": 3, "repeats": 1, "resamples": 0}}}
    result = learn(tmp_path, 1.0, request, leak=np.arange(80) % 2, empty=[""] * 80)
    assert result["features"] == list(FEATURES)
    assert result["models"]["all"]["auc"]["mean"] < 0.95


def refused(folder, request=None, **columns):
    with pytest.raises(CohortError) as caught:
        learn(folder, 2.0, request, **columns)
    assert not (folder / "model").exists(), "nothing is left of a model that was not made"
    return str(caught.value)


def test_one_class(tmp_path):
    assert "'label' has 1 different value, a model needs two. Found: ALT (80)." in refused(tmp_path, label=["ALT"] * 80)


def test_missing_columns_are_all_named(tmp_path):
    text = refused(tmp_path, {"label": "diagnosis", "site": "hospital"})
    assert "no column 'diagnosis'" in text
    assert "no column 'hospital'" in text
    assert "Its columns are patient, label, site, volume_ml" in text


def test_empty_labels_are_not_a_class(tmp_path):
    text = refused(tmp_path, label=["ALT", ""] * 40)
    assert "40 of its 80 rows have no 'label', the first is 3." in text


def test_unknown_positive_class(tmp_path):
    assert "The positive class 'WDL' does not occur in 'label'. Found: ALT (40), lipoma (40)." in refused(
        tmp_path, {"positive": "WDL"}
    )


def test_infinite_values_are_named(tmp_path):
    table = pd.read_csv(write_features(tmp_path / "features.csv"))
    table.loc[3, "original_firstorder_Mean"] = np.inf
    table.to_parquet(tmp_path / "features.parquet")
    with pytest.raises(CohortError, match=r"Some features are infinite: original_firstorder_Mean"):
        train(training(tmp_path / "features.parquet", tmp_path / "model"), quiet)


@pytest.mark.parametrize("word", ["inf", "1.2 (?)"])
def test_one_bad_cell_does_not_drop_a_feature_in_silence(tmp_path, word):
    text = refused(tmp_path, {"recipe": {"name": "all"}}, energy=[1.5, 2.5, word, 3.5] * 20, remark=["a", "1"] * 40)
    assert f"The column 'energy' holds '{word}' (row 4) where numbers are expected: correct it" in text
    assert "--ignore" in text
    assert "remark" not in text


def test_features_the_table_lacks(tmp_path):
    request = training(tmp_path, tmp_path)
    request["recipe"]["features"]["names"].append("original_glcm_Idm")
    assert "wants features that the table lacks: original_glcm_Idm" in refused(tmp_path, {"recipe": request["recipe"]})


def test_standardised_volume_still_compares(tmp_path):
    rng = np.random.default_rng(0)
    result = learn(tmp_path, volume_ml=rng.normal(size=80) + np.arange(80) % 2)
    assert result["comparators"]["volume"]["auc"]["mean"] > 0.6


@pytest.mark.parametrize("column", ["t1_original_shape_VoxelVolume", "original_shape_MeshVolume"])
def test_volume_of_a_foreign_table_compares(tmp_path, column):
    recipe = {"name": "all", "model": {"folds": 3, "repeats": 1, "resamples": 0}}
    own = learn(tmp_path, request={"recipe": recipe, "ignore": []})["comparators"]["volume"]["auc"]["mean"]
    millilitres = pd.read_csv(tmp_path / "features.csv")["volume_ml"].to_numpy()
    result = learn(tmp_path, request={"recipe": recipe, "ignore": ["volume_ml"]}, **{column: 1000 * millilitres})
    assert result["comparators"]["volume"]["auc"]["mean"] == pytest.approx(own)
    assert "no_size" not in {caution["code"] for caution in result["cautions"]}


def test_no_size_no_comparison_and_a_caution(tmp_path):
    recipe = {"name": "no-size", "model": {"folds": 3, "repeats": 1, "resamples": 0}}
    result = learn(tmp_path, request={"recipe": recipe, "ignore": ["volume_ml", "longest_diameter_mm"]})
    assert result["comparators"] == {}
    assert "no_size" in {caution["code"] for caution in result["cautions"]}
    assert result["models"]["no-size"]["headline"]["comparator"] == "prevalence"


def test_folder_that_holds_something_else_is_never_replaced(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.txt").write_text("years")
    with pytest.raises(InputError, match="model already exists and is no model"):
        learn(tmp_path)
    (tmp_path / "model" / "bundle.json").write_text("{}")
    with pytest.raises(InputError, match="model already exists and is no model"):
        learn(tmp_path)
    assert (tmp_path / "model" / "thesis.txt").read_text() == "years"
    (tmp_path / "model" / "thesis.txt").unlink()
    assert learn(tmp_path)["bundle"] == str(tmp_path / "model"), "an older model gives way"


def test_any_folder_name_and_perfect_separation(tmp_path):
    table = write_features(tmp_path / "t.csv", separation=80.0)
    result = train(training(table, tmp_path / "My Model_2", confirmed=["original_firstorder_Mean"]), quiet)
    bundle = Bundle.load(tmp_path / "My Model_2")
    assert bundle.specification.name == "my-model-2"
    assert result["models"]["small"]["auc"]["mean"] == pytest.approx(1.0)
    assert all(0 < point.threshold < 1 for point in bundle.specification.thresholds)
    json.dumps(result, allow_nan=False)


def test_cancelling_leaves_nothing(tmp_path):
    def stop(fraction, _message):
        if fraction > 0.8:
            raise Cancelled

    table = write_features(tmp_path / "t.csv")
    with pytest.raises(Cancelled):
        train(training(table, tmp_path / "model"), stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv"]


@pytest.mark.slow
def test_twelve_phantom_cases_from_images_to_a_model(tmp_path):
    demo = make_demo({"kind": "cohort", "out": str(tmp_path / "cohort"), "cases": 12, "sites": 3, "jobs": 2}, quiet)
    lines = (tmp_path / "cohort" / "cohort.csv").read_text().splitlines()
    assert len(lines) == 13
    (tmp_path / "cohort" / "P002" / "mask.nii.gz").write_bytes(b"broken")
    request = training(demo["table"], tmp_path / "model", positive="ALT/WDL", jobs=2)
    request["recipe"] |= {"prep": {"normalise": {"method": "zscore"}}, "model": {"folds": 3, "repeats": 1,
                                                                               "resamples": 2}}
    result = train(request, quiet)
    assert [each["case"] for each in result["failed"]] == ["P002"]
    assert sum(Bundle.load(tmp_path / "model").specification.training.counts.values()) == 11
    assert all(b"P002" not in path.read_bytes() for path in (tmp_path / "model").iterdir())
    assert Bundle.load(tmp_path / "model").evaluation()["cases_failed"] == 1
