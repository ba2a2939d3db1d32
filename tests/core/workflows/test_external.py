"""Testing a saved model on cases from elsewhere: its figures against independent ones, and tables it cannot use."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu, norm

from app.core.bundle import Bundle
from app.core.errors import BundleError, CohortError
from app.core.workflows import evaluate, train
from tests.core.small_cohorts import FEATURES, quiet, training, write_ball, write_features


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("external")
    table = write_features(folder / "features.csv", 60, 1.5)
    request = training(table, folder / "model")
    request["recipe"] |= {"comparator": None}
    train(request, quiet)
    return folder / "model"


@pytest.fixture
def elsewhere(tmp_path):
    return write_features(tmp_path / "elsewhere.csv", 90, 1.2, seed=7)


def judge(model, table, out, **columns):
    return evaluate({"bundle": str(model), "table": str(table), "out": str(out), **columns}, quiet)


def delong(scores, labels):
    """AUC and the components of its variance, pair by pair."""
    one, other = scores[labels == 1], scores[labels == 0]
    wins = (one[:, None] > other).astype(float) + 0.5 * (one[:, None] == other)
    return wins.mean(), wins.mean(axis=1), wins.mean(axis=0)


def test_predictions_are_those_of_the_scored_case(model, elsewhere, tmp_path):
    result = judge(model, elsewhere, tmp_path / "out")
    told, table, bundle = pd.read_csv(tmp_path / "out" / "predictions.csv"), pd.read_csv(elsewhere), Bundle.load(model)
    assert told["patient"].tolist() == table["patient"].tolist()
    assert told["label"].tolist() == table["label"].tolist()
    for place in (0, 41, 89):
        row = {name: float(table.loc[place, name]) for name in FEATURES}
        assert told.loc[place, "probability"] == bundle.predict(row).probability
    point = bundle.specification.default_threshold.threshold
    assert (told["called"] == np.where(told["probability"] >= point, "ALT", "lipoma")).all()
    assert result["written"] == [str(tmp_path / "out" / name) for name in ("evaluation.json", "predictions.csv")]
    kept = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert {**kept, "written": result["written"]} == result
    json.dumps(result, allow_nan=False)


def test_figures_agree_with_independent_ones(model, elsewhere, tmp_path):
    result = judge(model, elsewhere, tmp_path / "out")
    told, table = pd.read_csv(tmp_path / "out" / "predictions.csv"), pd.read_csv(elsewhere)
    labels, scores = (told["label"] == "ALT").to_numpy().astype(int), told["probability"].to_numpy()
    u = mannwhitneyu(scores[labels == 1], scores[labels == 0]).statistic
    assert result["auc"]["mean"] == pytest.approx(u / (labels.sum() * (1 - labels).sum()))
    assert result["auc"]["interval"][0] < result["auc"]["mean"] < result["auc"]["interval"][1]
    assert result["brier"] == pytest.approx(np.mean((scores - labels) ** 2))
    bundle = Bundle.load(model).specification
    for point in bundle.thresholds:
        found = result["points"][point.name]["sensitivity"]
        hits, cases = int((scores[labels == 1] >= point.threshold).sum()), int(labels.sum())
        z, share = norm.ppf(0.975), hits / cases
        centre = (share + z**2 / (2 * cases)) / (1 + z**2 / cases)
        half = z / (1 + z**2 / cases) * np.sqrt(share * (1 - share) / cases + z**2 / (4 * cases**2))
        assert found["value"] == pytest.approx(share)
        assert found["interval"] == pytest.approx([centre - half, centre + half])
    volume = np.log10(table["volume_ml"].to_numpy()) * np.sign(bundle.size.terms[0].coefficient)
    own, rival = delong(scores, labels), delong(volume, labels)
    variance = sum(np.var(a - b, ddof=1) / len(a) for a, b in zip(own[1:], rival[1:], strict=True))
    found, gap = result["comparators"]["volume"], own[0] - rival[0]
    assert found["auc"]["mean"] == pytest.approx(rival[0])
    assert found["difference"]["mean"] == pytest.approx(gap)
    half = norm.ppf(0.975) * np.sqrt(variance)
    assert found["difference"]["interval"] == pytest.approx([gap - half, gap + half])
    for each in bundle.conformal:
        sets = np.where(labels == 1, 1 - scores <= each.positive, scores <= each.negative)
        assert result["conformal"][f"{each.error_rate:g}"]["coverage"]["all"]["value"] == pytest.approx(sets.mean())


def test_calibration_of_a_model_that_is_right_and_of_one_shifted():
    from app.core.evaluate.external import measure_external

    rng = np.random.default_rng(3)
    logits = rng.normal(0, 1.5, 4000)
    labels = (rng.random(4000) < 1 / (1 + np.exp(-logits))).astype(int)
    right = measure_external(labels, 1 / (1 + np.exp(-logits)), {}, {})["calibration"]
    shifted = measure_external(labels, 1 / (1 + np.exp(-2 * logits - 1)), {}, {})["calibration"]
    assert right["slope"] == pytest.approx(1, abs=0.12)
    assert right["intercept"] == pytest.approx(0, abs=0.12)
    assert shifted["slope"] == pytest.approx(0.5, abs=0.06)
    assert shifted["intercept"] < -0.5


def test_sites_distance_and_the_training_cases_again(model, tmp_path):
    far = pd.read_csv(write_features(tmp_path / "far.csv", 40, 1.5, seed=2))
    far.loc[:3, "original_firstorder_Mean"] = 500.0
    far.loc[:9, "site"] = "Elsewhere"
    far.to_csv(tmp_path / "far.csv", index=False)
    result = judge(model, tmp_path / "far.csv", tmp_path / "out")
    assert result["unlike_training"]["value"] >= 4 / 40
    assert result["sites"]["Elsewhere"]["cases"] == 10
    assert not result["sites"]["Elsewhere"]["seen_in_training"]
    assert result["sites"]["S1"]["seen_in_training"]
    assert sum(each["cases"] for each in result["sites"].values()) == 40
    again = judge(model, model.parent / "features.csv", tmp_path / "again")
    assert [each["code"] for each in again["cautions"]] == ["training_cases"]


def test_other_words_and_foreign_sizes(model, tmp_path):
    table = pd.read_csv(write_features(tmp_path / "t.csv", 40, 1.5, seed=5))
    plain = judge(model, tmp_path / "t.csv", tmp_path / "plain")
    foreign = table.rename(columns={"patient": "Subject", "site": "Hospital"}).assign(
        malignant=(table["label"] == "ALT").astype(int), t1_original_shape_VoxelVolume=table["volume_ml"] * 1000,
        original_shape_Maximum3DDiameter=table["longest_diameter_mm"],
    ).drop(columns=["label", "volume_ml", "longest_diameter_mm"])
    foreign.to_csv(tmp_path / "foreign.csv", index=False)
    result = judge(model, tmp_path / "foreign.csv", tmp_path / "out", label="malignant", positive="1",
                   patient="Subject", site="Hospital")
    assert result["auc"] == plain["auc"]
    assert result["comparators"] == plain["comparators"]
    assert set(result["sites"]) == {"S0", "S1", "S2", "S3"}


def test_a_class_against_all_others_meets_several_others_again(tmp_path):
    rare = [("ALT", "lipoma", "hibernoma")[place % 3] for place in range(60)]
    train(training(write_features(tmp_path / "t.csv", 60, label=rare), tmp_path / "model", positive="ALT"), quiet)
    elsewhere = write_features(tmp_path / "e.csv", 40, seed=5, label=["WDL", "lipoma", "ALT", "lipoma"] * 10)
    told = judge(tmp_path / "model", elsewhere, tmp_path / "out")
    assert told["counts"] == {"not ALT": 30, "ALT": 10}
    assert judge(tmp_path / "model", elsewhere, tmp_path / "again", positive="WDL")["counts"] == told["counts"]
    with pytest.raises(CohortError, match=r"the value .0..* Name the value that means ALT with --positive"):
        judge(tmp_path / "model", write_features(tmp_path / "0.csv", 40, label=["0", "1"] * 20), tmp_path / "o")


def test_standardised_volume_still_ranks(model, tmp_path):
    table = pd.read_csv(write_features(tmp_path / "t.csv", 40, 1.5, seed=5))
    plain = judge(model, tmp_path / "t.csv", tmp_path / "plain")
    logs = np.log(table["volume_ml"])
    table.assign(volume_ml=(logs - logs.mean()) / logs.std()).to_csv(tmp_path / "z.csv", index=False)
    found = judge(model, tmp_path / "z.csv", tmp_path / "out")["comparators"]["volume"]["auc"]
    assert found["mean"] == pytest.approx(plain["comparators"]["volume"]["auc"]["mean"])


def test_one_class_alone_has_shares_and_no_area(model, tmp_path):
    table = pd.read_csv(write_features(tmp_path / "t.csv", 40))
    table[table["label"] == "ALT"].to_csv(tmp_path / "t.csv", index=False)
    result = judge(model, tmp_path / "t.csv", tmp_path / "out")
    assert (result["auc"], result["calibration"]) == (None, None)
    point = result["points"]["youden"]
    assert point["sensitivity"]["cases"] == 20
    assert point["specificity"] == {"value": None, "interval": None, "cases": 0}
    assert "one_class" in [each["code"] for each in result["cautions"]]


def test_a_table_that_cannot_be_used_is_told_whole(model, tmp_path):
    table = pd.read_csv(write_features(tmp_path / "t.csv", 40))
    table["original_firstorder_Mean"] = table["original_firstorder_Mean"].astype(object)
    table.loc[4, "original_firstorder_Mean"] = "high"
    table["label"] = table["label"].replace("ALT", "WDL")
    table.drop(columns=["patient", "longest_diameter_mm"]).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(CohortError) as caught:
        judge(model, tmp_path / "t.csv", tmp_path / "out")
    text = str(caught.value)
    assert "no column 'patient'" in text
    assert "the value 'WDL'; the model knows lipoma and ALT" in text
    assert "lacks 1 of the model's 3 features: longest_diameter_mm" in text
    assert "'high' (row 6)" in text
    assert "--ignore" not in text
    assert not (tmp_path / "out").exists()


def test_rows_a_formula_cannot_score_are_told_and_left_out(tmp_path):
    table = pd.read_csv(write_features(tmp_path / "t.csv", 30)).replace({"label": {"ALT": "ALT/WDL"}})
    table.loc[2, "volume_ml"] = np.nan
    table.loc[2, "longest_diameter_mm"] = np.nan
    table.to_csv(tmp_path / "t.csv", index=False)
    result = judge("lipoma-size", tmp_path / "t.csv", tmp_path / "out")
    assert result["cases"] == 29
    assert [each["case"] for each in result["failed"]] == ["row 4"]


def test_a_changed_model_is_not_tested(model, elsewhere, tmp_path):
    import shutil

    copy = shutil.copytree(model, tmp_path / "copy")
    (copy / "card.md").write_text("better")
    with pytest.raises(BundleError, match=r"card\.md was changed"):
        judge(copy, elsewhere, tmp_path / "out")


@pytest.mark.slow
def test_cases_of_images(model, tmp_path):
    lines = ["patient,image,mask,label,site"]
    for number, radius in enumerate((12.0, 14.0, 16.0, 18.0)):
        image, mask = write_ball(tmp_path / f"c{number}", radius, (3, 3, 3), level=1.0 + number, seed=number)
        lines.append(f"0{number},{image},{mask},{'ALT' if number % 2 else 'lipoma'},S9")
    (tmp_path / "cohort.csv").write_text("\n".join(lines))
    result = judge(model, tmp_path / "cohort.csv", tmp_path / "out")
    told = pd.read_csv(tmp_path / "out" / "predictions.csv", dtype={"patient": str})
    assert told["patient"].tolist() == ["00", "01", "02", "03"]
    assert result["cases"] == 4
    assert result["failed"] == []


def sites_of(cases, *names):
    return [names[place // 2 % len(names)] for place in range(cases)]


@pytest.mark.parametrize(("unseen", "policy"), [("estimate", "estimated"), ("leave", "left_unseen"), ("refuse", None)])
def test_harmonised_model_says_what_it_did_about_every_site(tmp_path, unseen, policy):
    table = write_features(tmp_path / "features.csv", 60, 1.5, site=sites_of(60, "A", "B", "C"))
    train(training(table, tmp_path / "model", harmonise={"method": "combat", "unseen": unseen}), quiet)
    elsewhere = write_features(tmp_path / "t.csv", 40, 1.5, seed=5, site=sites_of(40, "A", "New"))
    result = judge(tmp_path / "model", elsewhere, tmp_path / "out")
    told = pd.read_csv(tmp_path / "out" / "predictions.csv")
    if policy is None:
        assert result["harmonisation"] == {"harmonised": 20}
        assert len(told) == 20
        assert "The site New was not in training" in result["failed"][0]["message"]
        return
    assert result["harmonisation"] == {"harmonised": 20, policy: 20}
    [said] = [each["message"] for each in result["cautions"] if each["code"] == "harmonisation"]
    assert "the sites of 20 of these 40 cases" in said
    assert (told["harmonisation"] == np.where(told["site"] == "A", "harmonised", policy)).all()
    row = {name: float(pd.read_csv(elsewhere).loc[0, name]) for name in FEATURES}
    alone = Bundle.load(tmp_path / "model").predict(row, {"site": "A"})
    assert told.loc[0, "probability"] == pytest.approx(alone.probability, rel=1e-12)
