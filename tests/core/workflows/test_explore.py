"""Exploring a table: the numbers against scipy, what is said of gaps and doubts, images one at a time, and stopping."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu, spearmanr
from sklearn.metrics import roc_auc_score

from app.core.errors import Cancelled, CohortError, InputError
from app.core.io.volume import load_volume
from app.core.preprocess.normalise import fit_nyul, normalise
from app.core.preprocess.regions import body_mask
from app.core.recipe import NormaliseRecipe
from app.core.workflows import explore
from app.core.workflows.cohort_images import draw_samples, sample_body, survey_images
from tests.core.small_cohorts import quiet, write_ball, write_features


def look(table, out, **settings):
    request = {"features": str(table), "out": str(out), "embeddings": False, **settings}
    result = explore(request, quiet)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    return result


def codes(result):
    return {caution["code"] for caution in result["cautions"]}


def test_the_numbers_are_those_of_scipy(tmp_path):
    path = write_features(tmp_path / "features.csv", cases=60, separation=1.0)
    found = look(path, tmp_path / "out", positive="ALT")
    frame = pd.read_csv(path)
    label = (frame["label"] == "ALT").astype(int)
    assert (found["rows"], found["features"]) == (60, ["volume_ml", "longest_diameter_mm", "original_firstorder_Mean"])
    assert found["label"] == {"column": "label", "positive": "ALT", "counts": [30, 30]}
    for row in found["table"]:
        values = frame[row["feature"]]
        assert row["rho_label"] == pytest.approx(spearmanr(values, label).statistic)
        assert row["r_volume"] == pytest.approx(np.corrcoef(values, frame["volume_ml"])[0, 1])
        assert row["auc"] == pytest.approx(roc_auc_score(label, values))
        assert row["p"] == pytest.approx(mannwhitneyu(values[label == 1], values[label == 0]).pvalue)
        assert row["low"] < row["auc"] < row["high"]
    assert [row["surrogate"] for row in found["table"]] == [True, True, False]
    assert found["table"][0]["rho_beyond_volume"] is None
    assert found["table"][2]["p_beyond_volume"] < 0.05
    spearman = np.load(found["matrix"]["spearman"])
    first, second = (found["matrix"]["names"].index(name) for name in ("volume_ml", "original_firstorder_Mean"))
    expected = spearmanr(frame["volume_ml"], frame["original_firstorder_Mean"]).statistic
    assert spearman[first, second] == pytest.approx(expected, abs=1e-6)
    assert found["groups"]["site"][:2] == ["S0", "S1"]
    assert codes(found) == {"in_sample"}
    statistics = pd.read_csv(tmp_path / "out" / "features.csv")
    assert statistics["auc"].tolist() == pytest.approx([row["auc"] for row in found["table"]], rel=1e-5)
    assert all((tmp_path / "out" / name.split("/")[-1]).is_file() for name in found["written"])
    assert found["figures"][0]["caption"] in (tmp_path / "out" / "captions.txt").read_text(encoding="utf-8")


def test_roles_beside_the_table_say_what_is_a_feature(tmp_path):
    path = write_features(tmp_path / "features.csv", echo_ms=np.arange(80), outcome=np.arange(80) % 2 * 1.0)
    roles = {"patient": "patient", "label": "outcome", "site": "site", "metadata": ["label", "echo_ms"],
             "feature": ["volume_ml", "original_firstorder_Mean", "outcome"]}
    (tmp_path / "features.roles.json").write_text(json.dumps(roles), encoding="utf-8")
    found = look(path, tmp_path / "out")
    assert found["features"] == ["volume_ml", "original_firstorder_Mean"]
    assert found["label"]["positive"] == "1"
    assert found["groups"]["label"][:2] == ["outcome = 0", "outcome = 1"]
    (tmp_path / "features.roles.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match=r"features.roles.json, which says .* cannot be read"):
        look(path, tmp_path / "out")


def test_doubts_are_said(tmp_path):
    path = write_features(tmp_path / "f.csv", odd=[*range(78), "inf", "n/k"], fixed=np.full(80, 0.3),
                          gaps=[""] * 9 + [1.5, 2.5] * 35 + [3], patient=[f"P{index // 2}" for index in range(80)],
                          label=["", *["a", "b", "c"] * 26, "a"])
    found = look(path, tmp_path / "out")
    assert codes(found) == {"not_numbers", "constant_features", "missing_values", "repeated_patients",
                            "missing_labels", "several_classes", "roles_guessed"}
    assert all(row["auc"] is None for row in found["table"])
    assert {figure["name"] for figure in found["figures"]} == {"correlation_pearson", "correlation_spearman",
                                                               "volume_surrogates"}
    assert np.isnan(np.load(found["matrix"]["pearson"])[-1]).all()
    assert found["matrix"]["names"][-1] == "fixed"
    rest = look(path, tmp_path / "out", positive="c")
    assert {"one_against_rest", "in_sample"} <= codes(rest) - {"several_classes"}
    assert rest["label"]["counts"] == [53, 26]
    assert next(row for row in rest["table"] if row["feature"] == "fixed")["auc"] is None


def test_infinite_values_count_as_missing(tmp_path):
    frame = pd.read_csv(write_features(tmp_path / "f.csv"))
    frame["odd"] = np.where(np.arange(80) < 5, np.inf, np.random.default_rng(0).normal(size=80))
    frame.to_parquet(tmp_path / "f.parquet")
    found = look(tmp_path / "f.parquet", tmp_path / "out")
    assert {"infinite_values", "missing_values"} <= codes(found)
    assert found["table"][-1]["cases"] == 75
    assert np.isfinite(np.load(found["matrix"]["pearson"])).all()


@pytest.mark.parametrize(("changes", "says"), [({"label": "grade"}, "no column 'grade'"),
                                               ({"positive": "other"}, "'other' does not occur")])
def test_a_wrong_name_is_an_error(tmp_path, changes, says):
    with pytest.raises(CohortError) as problem:
        look(write_features(tmp_path / "f.csv"), tmp_path / "out", **changes)
    assert says in str(problem.value)
    assert not (tmp_path / "out").exists()


def test_without_volume_and_label_the_rest_is_done(tmp_path):
    frame = pd.read_csv(write_features(tmp_path / "all.csv"))
    frame[["longest_diameter_mm", "original_firstorder_Mean"]].to_csv(tmp_path / "f.csv", index=False)
    found = look(tmp_path / "f.csv", tmp_path / "out")
    assert codes(found) == {"no_label", "no_volume"}
    assert (found["volume"], found["label"]) == (None, None)
    assert found["patients"][0] == "row 2"
    assert len(found["figures"]) == 2


def test_maps_are_refused_kindly_for_four_cases_and_the_rest_done(tmp_path):
    found = look(write_features(tmp_path / "f.csv", cases=4), tmp_path / "out", embeddings=True)
    assert {"no_map", "few_cases"} <= codes(found)
    assert found["embeddings"] == {}
    assert "univariate_auc" in {figure["name"] for figure in found["figures"]}
    with pytest.raises(CohortError, match="2 rows"):
        look(write_features(tmp_path / "g.csv", cases=2), tmp_path / "out")


def test_maps_are_the_same_for_the_same_seed(tmp_path):
    path = write_features(tmp_path / "f.csv", cases=20)
    first, again, other = (look(path, tmp_path / f"out{place}", embeddings=True, seed=seed)
                           for place, seed in enumerate((1, 1, 2)))
    assert first["embeddings"] == again["embeddings"] != other["embeddings"]
    assert np.array(first["embeddings"]["umap"]).shape == (20, 2)
    assert {"tsne", "umap"} <= {figure["name"] for figure in first["figures"]}
    again = look(path, tmp_path / "out0")
    assert not (tmp_path / "out0" / "umap.png").exists()  # an earlier look's


def write_cohort(folder, cases=5, scale=(1.0, 3.0)):
    lines = ["patient,image,mask,vendor"]
    for index in range(cases):
        image, mask = write_ball(folder / f"P{index:03d}", radius_mm=22 + index, seed=index,
                                 level=200 * scale[index % len(scale)])
        lines.append(f"P{index:03d},{image},{mask},{'AB'[index % 2]}")
    (folder / "cohort.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder / "cohort.csv"


def test_images_are_looked_at_one_by_one(tmp_path):
    cohort = write_cohort(tmp_path)
    nib.save(nib.Nifti1Image(np.zeros((8, 8, 8), np.float32), np.eye(4)), tmp_path / "P001" / "t1.nii.gz")
    told = []
    request = {"features": str(write_features(tmp_path / "f.csv", cases=6)), "out": str(tmp_path / "out"),
               "images": str(cohort), "embeddings": False}
    found = explore(request, lambda done, message: told.append((done, message)))
    fractions = [done for done, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert any("P003 (4 of 5)" in message for _, message in told)
    assert found["slices"]["cases"] == found["histograms"]["cases"] == ["P000", "P002", "P003", "P004"]
    expected = [nib.load(tmp_path / f"P00{index}" / "t1.nii.gz").shape[2] for index in (0, 2, 3, 4)]
    assert found["slices"]["counts"] == expected
    assert set(found["histograms"]["edges"]) == {"before", "zscore", "percentile", "nyul"}
    assert np.array(found["histograms"]["zscore"]).shape == (4, 100)
    assert next(each for each in found["cautions"] if each["code"] == "image_failed")["message"].startswith("P001")
    assert {"slices", "histograms"} <= {figure["name"] for figure in found["figures"]}


def test_histograms_are_those_of_the_normalised_images(tmp_path):
    survey = survey_images(str(write_cohort(tmp_path, cases=3)), quiet)
    histograms = draw_samples(survey.samples)
    volumes = [load_volume(tmp_path / f"P00{index}" / "t1.nii.gz").volume for index in range(3)]
    nyul = NormaliseRecipe(method="nyul", region="body")
    recipes = {"zscore": NormaliseRecipe(), "percentile": NormaliseRecipe(method="percentile"),
               "nyul": nyul.model_copy(update={"landmarks": fit_nyul(volumes, nyul)})}
    for name, recipe in recipes.items():
        edges = histograms.edges[name]
        for volume, found in zip(volumes, histograms.shares[name], strict=True):
            values = normalise(volume, recipe).voxels[body_mask(volume).voxels]
            expected = np.histogram(values, edges)[0] / len(values) * 100
            assert np.abs(np.cumsum(found) - np.cumsum(expected)).max() < 0.5  # per cent of the voxels


def test_a_sample_is_an_even_choice_of_the_body(tmp_path):
    volume = load_volume(write_ball(tmp_path)[0]).volume
    body = volume.voxels[body_mask(volume).voxels]
    sample = sample_body(volume)
    assert sample.shape == (10_000,)
    assert np.quantile(sample, [0.01, 0.5, 0.99]) == pytest.approx(np.quantile(body, [0.01, 0.5, 0.99]), abs=0.5)
    assert sample.mean() == pytest.approx(body.mean(), abs=0.05)


@pytest.mark.parametrize("step", ["Correlating", "Looking at the image of P001", "Drawing figure 2"])
def test_it_can_be_stopped_between_parts(tmp_path, step):
    def stop(_done, message):
        if message.startswith(step):
            raise Cancelled

    request = {"features": str(write_features(tmp_path / "f.csv", cases=6)), "out": str(tmp_path / "out"),
               "images": str(write_cohort(tmp_path, cases=2)), "embeddings": False}
    with pytest.raises(Cancelled):
        explore(request, stop)
    left = list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else []
    assert not [path for path in left if path.name.startswith(".partial")]
    assert bool(left) == (step == "Drawing figure 2")


def test_real_sarcomas_follow_their_volume(shared_data, tmp_path):
    frame = pd.read_csv(shared_data / "sts" / "cohort.csv").drop(columns=["image", "mask"])
    rng = np.random.default_rng(0)
    frame["original_shape_VoxelVolume"] = frame["mask_ml"] * 1000
    frame["original_shape_SurfaceArea"] = frame["mask_ml"] ** (2 / 3) * rng.lognormal(0, 0.1, len(frame))
    frame["original_firstorder_Mean"] = rng.normal(size=len(frame))
    frame.to_csv(tmp_path / "f.csv", index=False)
    found = look(tmp_path / "f.csv", tmp_path / "out", label="lung_metastasis", site="site_of_primary")
    rows = {row["feature"]: row for row in found["table"]}
    assert found["volume"]["column"] == "original_shape_VoxelVolume"
    assert rows["original_shape_SurfaceArea"]["surrogate"]
    assert not rows["original_firstorder_Mean"]["surrogate"]
    assert set(found["groups"]["vendor"]) > {"GE MEDICAL SYSTEMS", "SIEMENS"}
    assert found["label"]["counts"] == [20, 12]
    assert "roles_guessed" in codes(found)  # 'liposarcoma' is a number and named nowhere


def test_images_that_are_nowhere_are_told_before_the_maps(tmp_path, monkeypatch):
    monkeypatch.setattr("app.core.workflows.exploration.read_features", None)
    with pytest.raises(InputError, match=r"nothing at gone\.csv"):
        explore({"features": "f.csv", "images": str(tmp_path / "gone.csv"), "out": str(tmp_path / "out")},
                lambda *_: None)
