"""Reading what is learned from: which columns, which rows, and everything wrong with a table told at once."""

import json

import numpy as np
import pandas as pd
import pytest

from app.core.classify.clinical import code_clinical
from app.core.errors import CohortError, RecipeError
from app.core.requests import TrainRequest
from app.core.workflows.cohort import read_cohort
from app.core.workflows.hidden_label import is_named_like_an_outcome
from app.core.workflows.roles import write_roles
from tests.core.small_cohorts import quiet

LABELS = np.arange(60) % 2


def table(**columns):
    rng = np.random.default_rng(0)
    return pd.DataFrame({
        "patient": [f"{index:03d}" for index in range(60)], "label": np.where(LABELS, "ALT", "lipoma"),
        "site": [f"S{index % 6}" for index in range(60)], "volume_ml": 10 ** rng.normal(2, 0.4, 60),
        "energy": rng.normal(size=60) + LABELS, "entropy": rng.normal(size=60), **columns,
    })


def asking(path, **changes):
    recipe = {"name": "plain", "features": None, "model": {"folds": 5, "repeats": 1, "resamples": 0}}
    return TrainRequest.parse({"table": str(path), "label": "label", "patient": "patient", "site": "site",
                               "recipe": recipe, "out": "model", **changes})


def read(frame, folder, **changes):
    frame.to_csv(folder / "t.csv", index=False)
    return read_cohort(asking(folder / "t.csv", **changes), quiet)


def refused(frame, folder, **changes):
    with pytest.raises(CohortError) as caught:
        read(frame, folder, **changes)
    return caught.value


def codes(cohort):
    return [caution.code for caution in cohort.cautions]


def test_features_then_context_and_ids_that_stay_text(tmp_path):
    frame = table(vendor=["GE", "Siemens"] * 30, field_strength=[1.5, 3.0, np.nan] * 20, age=np.arange(60.0),
                  sex=["f", "m", "m"] * 20, remark="none", **{"t1_diagnostics_Mask-original_VoxelNum": np.arange(60),
                  "Unnamed: 0": np.arange(60), "subject_id": np.arange(60)})
    cohort = read(frame, tmp_path, clinical=["age", "sex"], positive="ALT", context=["remark"])
    assert cohort.features == ("volume_ml", "energy", "entropy")
    assert list(cohort.table.columns) == [*cohort.features, "site", "vendor", "field_strength", "age", "sex", "remark"]
    np.testing.assert_array_equal(cohort.rows, frame[list(cohort.features)].to_numpy())
    assert cohort.patients[7] == "007"
    assert cohort.labels.tolist() == LABELS.tolist()
    assert cohort.classes == ("lipoma", "ALT")
    assert cohort.site_names == ("S0", "S1", "S2", "S3", "S4", "S5")
    assert cohort.table["vendor"].tolist()[:2] == ["GE", "Siemens"]
    assert np.isnan(cohort.table["field_strength"][2])
    assert cohort.clinical == ("age", "sex")
    assert cohort.most_folds == 15


def test_numbers_as_labels_and_either_class_positive(tmp_path):
    frame = table(label=LABELS.astype(float))
    assert read(frame, tmp_path).classes == ("0", "1")
    cohort = read(frame, tmp_path, positive="0")
    assert cohort.classes == ("1", "0")
    assert cohort.labels.tolist() == (1 - LABELS).tolist()


def test_a_positive_value_against_the_rest(tmp_path):
    frame = table(label=["ALT", "lipoma", "hibernoma"] * 20)
    cohort = read(frame, tmp_path, positive="ALT")
    assert cohort.classes == ("not ALT", "ALT")
    assert cohort.labels.tolist() == [1, 0, 0] * 20
    assert codes(cohort) == ["classes_joined"]
    assert cohort.cautions[0].message == (
        "'ALT' of 'label' is told from all other values together, as 'not ALT': hibernoma (20), lipoma (20).")
    several = "The column 'label' has 3 different values, a model needs two: name the positive one with --positive, "
    assert refused(frame, tmp_path).issues == [
        several + "the others then stand against it. Found: ALT (20), hibernoma (20), lipoma (20)."]
    assert "'WDL' does not occur in 'label'. Found: ALT (20)" in str(refused(frame, tmp_path, positive="WDL"))
    assert "has 1 different value, a model needs two. Found: ALT (60)" in str(refused(table(label="ALT"), tmp_path))


def test_a_covariate_that_is_the_label_or_the_site_is_told_with_everything_else(tmp_path):
    frame = table(grade=LABELS + np.random.default_rng(1).normal(scale=0.01, size=60), hospital=np.arange(60) // 12,
                  site=[f"S{index // 12}" for index in range(60)],
                  weight=np.random.default_rng(2).normal(size=60), texture=[1.5, "?", 2.5] * 20)
    for covariate, told in (("grade", "determines the outcome"), ("hospital", "cannot be told apart from the site")):
        issues = refused(frame, tmp_path, harmonise={"method": "combat", "covariates": [covariate]}).issues
        assert len(issues) == 2, issues
        assert told in issues[0]
        assert f"'{covariate}'" in issues[0]
    sound = read(frame.drop(columns="texture"), tmp_path, harmonise={"method": "combat", "covariates": ["weight"]})
    assert "weight" not in sound.features
    assert "at least 5" in str(refused(frame, tmp_path, harmonise={"method": "combat", "reference": "nowhere"}))


def test_roles_alone_decide_where_they_are_known(tmp_path):
    frame = table(age=np.arange(60.0))
    frame.to_csv(tmp_path / "t.csv", index=False)
    write_roles(tmp_path / "t.csv", list(frame.columns), ["energy", "age"])
    cohort = read_cohort(asking(tmp_path / "t.csv"), quiet)
    assert cohort.features == ("energy", "age")
    assert cohort.size("volume").column == "volume_ml", "a size serves the comparison though it is no feature"


def test_a_label_among_the_features_is_told(tmp_path):
    frame = table(label=LABELS)
    frame.to_csv(tmp_path / "t.csv", index=False)
    write_roles(tmp_path / "t.csv", list(frame.columns), ["energy", "label"])
    with pytest.raises(CohortError, match="The label 'label' is also a feature, by its roles file"):
        read_cohort(asking(tmp_path / "t.csv"), quiet)
    (tmp_path / "t.roles.json").unlink()
    assert "is also a feature, by --confirm" in str(refused(frame, tmp_path, confirmed=["label"]))
    assert "'energy' is given as --clinical and as --ignore" in str(
        refused(frame, tmp_path, clinical=["energy"], ignore=["energy"]))


def test_foreign_sizes_with_any_prefix(tmp_path):
    frame = table().rename(columns={"volume_ml": "T1w_original_shape_MeshVolume"})
    frame["T1w_original_shape_Maximum3DDiameter"] = np.linspace(20, 300, 60)
    cohort = read(frame, tmp_path)
    np.testing.assert_allclose(cohort.size("volume").values, frame["T1w_original_shape_MeshVolume"] / 1000)
    np.testing.assert_allclose(cohort.size("longest_diameter").values, np.linspace(20, 300, 60))
    column = "T1w_original_shape_MeshVolume"
    frame[column] = (frame[column] - frame[column].mean()) / frame[column].std()
    size = read(frame, tmp_path).size("volume")
    assert not size.is_absolute
    np.testing.assert_allclose(size.values, frame[column], rtol=1e-12)
    assert read(frame, tmp_path, ignore=[column]).size("volume") is None


@pytest.mark.parametrize(("name", "suspicious"), [
    ("tumour_grade", True), ("Diagnosis", True), ("isMalignant", True), ("malignancy", True), ("HistologyCode", True),
    ("CLASS", True), ("target", True), ("label2", True), ("outcome.death", True), ("pathology_score", True),
    ("gradient_glcm_Id", False), ("original_glcm_Id", False), ("classic_shape", False), ("histogram_energy", False),
    ("targeted", False), ("diagnostics_Mask", False), ("upgraded", False),
])
def test_names_of_outcomes(name, suspicious):
    assert is_named_like_an_outcome(name) == suspicious


def test_the_label_hidden_among_the_features_is_held_out_until_confirmed(tmp_path):
    rng = np.random.default_rng(1)
    frame = table(septa=LABELS + rng.normal(0, 0.05, 60), mirrored=-LABELS + rng.normal(0, 0.05, 60),
                  tumour_class=rng.normal(size=60))
    cohort = read(frame, tmp_path)
    assert {each.column: each.auc for each in cohort.held_out if each.auc} == {"septa": 1.0, "mirrored": 1.0}
    assert {each.column for each in cohort.held_out} == {"septa", "mirrored", "tumour_class"}
    assert cohort.features == ("volume_ml", "energy", "entropy")
    assert codes(cohort) == ["held_out"] * 3
    cohort = read(frame, tmp_path, confirmed=["septa", "tumour_class"])
    assert cohort.features == ("volume_ml", "energy", "entropy", "septa", "tumour_class")
    assert "mirrored" not in cohort.table


def test_luck_in_a_small_wide_table_is_no_hidden_label(tmp_path):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(12, 1000)), columns=[f"f{index}" for index in range(1000)])
    frame.insert(0, "patient", [f"P{index}" for index in range(12)])
    frame.insert(1, "label", np.arange(12) % 2)
    cohort = read(frame, tmp_path, site=None)
    assert len(cohort.features) == 1000, "some separate twelve cases by chance, and to drop those would flatter no one"
    assert cohort.held_out == ()


def test_nothing_left_but_the_label(tmp_path):
    frame = table()[["patient", "label", "site"]].assign(copy=LABELS)
    error = refused(frame, tmp_path)
    assert "'copy': alone it has an AUC of 1.000" in str(error)
    assert "--confirm" in error.remedy


def test_clinical_variables_that_are_the_label(tmp_path):
    words = np.where(LABELS, "well differentiated", "none")
    frame = table(histology=words, septa=words, sex=["f", "m", "m"] * 20, age=np.arange(60.0))
    cohort = read(frame, tmp_path, clinical=["histology", "septa", "sex", "age"])
    assert cohort.clinical == ("sex", "age")
    assert {each.column for each in cohort.held_out} == {"histology", "septa"}
    assert read(frame, tmp_path, clinical=["septa"], confirmed=["septa"]).clinical == ("septa",)


def test_a_column_that_is_not_there(tmp_path):
    text = str(refused(table(), tmp_path, clinical=["sight", "Site"]))
    assert "The table has no column 'Site'; did you mean 'site'?" in text
    assert "Its columns are patient, label, site, volume_ml, energy, entropy." in text


def test_features_that_teach_nothing_are_left_out_and_listed(tmp_path):
    frame = table(flat=3.0, twin=table()["energy"], empty="", negative_zero=np.where(LABELS, 0.0, -0.0))
    cohort = read(frame, tmp_path)
    assert cohort.features == ("volume_ml", "energy", "entropy")
    assert codes(cohort) == ["empty_features", "constant_features", "duplicated_features"]
    told = {caution.code: caution.message for caution in cohort.cautions}
    assert told["duplicated_features"].endswith("(1): twin.")
    assert "flat" in told["constant_features"]


def test_rounding_errors_are_no_feature_and_numbers_beyond_single_precision_no_value(tmp_path):
    frame = table(rounded=1 + 1e-15 * np.random.default_rng(0).integers(0, 2, 60))
    assert codes(read(frame, tmp_path)) == ["constant_features"]
    frame = table()
    frame.loc[4, "energy"], frame.loc[5, "energy"] = 1e308, -1e308
    assert "Some features are larger than 3e+37: energy." in str(refused(frame, tmp_path))


def test_a_label_hidden_in_what_is_missing(tmp_path):
    rng = np.random.default_rng(3)
    values = rng.normal(size=60)
    frame = table(enhancement=np.where(LABELS, np.nan, values), washout=np.where(rng.random(60) < 0.4, np.nan, values))
    cohort = read(frame, tmp_path)
    assert cohort.features == ("volume_ml", "energy", "entropy", "washout")
    assert [(each.column, each.reason) for each in cohort.held_out] == [
        ("enhancement", "whether it is missing tells the classes apart")]
    assert "enhancement" in read(frame, tmp_path, confirmed=["enhancement"]).features


def test_patients_of_both_classes_are_told(tmp_path):
    frame = table(patient=[f"P{index // 4}" for index in range(60)], site="S")
    told = read(frame, tmp_path).cautions
    assert told[0].message.startswith("15 patients have cases of both classes: if that is a mistake")
    assert codes(read(table(), tmp_path)) == []


def test_site_that_is_the_patient(tmp_path):
    text = str(refused(table(site=[f"H{index}" for index in range(60)]), tmp_path))
    assert "'site' is the patient under another name: each of its 60 values has one patient." in text
    read(table(site=[f"H{index // 2}" for index in range(60)]), tmp_path)


def test_missing_sites_are_told(tmp_path):
    cohort = read(table(site=["A", "B", ""] * 20), tmp_path)
    assert codes(cohort) == ["site_missing"]
    assert cohort.site_names == ("A", "B")
    assert cohort.sites.tolist()[:3] == ["A", "B", ""] == cohort.table["site"].tolist()[:3]


@pytest.mark.parametrize(("rarer", "most"), [(1, None), (3, None), (4, 2), (7, 3), (21, 10)])
def test_too_few_patients_of_a_class(tmp_path, rarer, most):
    frame = table(label=["ALT"] * rarer + ["lipoma"] * (60 - rarer))
    if most is None:
        text = str(refused(frame, tmp_path))
        assert f"The class 'ALT' has {rarer} patient{'s' * (rarer > 1)}; 2 folds of 2 patients of each class" in text
    else:
        assert read(frame, tmp_path).most_folds == most


def test_patients_count_not_rows(tmp_path):
    frame = table(patient=[f"P{index % 6 // 2 * 2 + index % 2}" for index in range(60)], site="S")
    assert "The class 'ALT' has 3 patients" in str(refused(frame, tmp_path))


def test_ids_that_repeat_across_patients(tmp_path):
    twice = [f"{index % 30}" for index in range(60)]
    frame = table(patient=twice, site=["A"] * 30 + ["B"] * 30)
    text = str(refused(frame, tmp_path))
    assert "Ids repeat across patients: rows 2 and 32 have the same id, and different 'site'." in text
    assert len(set(read(frame, tmp_path, confirmed=["patient"]).patients)) == 30
    frame = table(patient=twice, site=["A", "B"] * 30, sex=["f"] * 30 + ["m"] * 30)
    assert "different 'sex'" in str(refused(frame, tmp_path))


def test_a_case_under_two_patients(tmp_path):
    frame = table()
    for name in ("volume_ml", "energy", "entropy"):
        frame.loc[30, name] = frame.loc[4, name]
    assert "Rows 6 and 32 hold the same values under different patients." in str(refused(frame, tmp_path))
    frame.loc[30, ["patient", "site"]] = frame.loc[4, ["patient", "site"]]
    read(frame, tmp_path)


def test_everything_wrong_is_told_together(tmp_path):
    frame = table(site=[f"H{index}" for index in range(60)], texture=[1.5, "?", 2.5] * 20)
    frame.loc[9, "patient"] = ""
    frame.loc[11, "label"] = ""
    frame = frame.astype({"energy": object})
    frame.loc[5, "energy"] = "inf"
    issues = refused(frame, tmp_path, positive="WDL", clinical=["site"]).issues
    assert len(issues) == 7, issues
    for part in ("--site and as --clinical", "have no 'label', the first is 13", "have no 'patient', the first is 11",
                 "'WDL' does not occur", "is the patient under another name", "'texture' holds '?' (row 3)",
                 "'energy' holds 'inf' (row 7)"):
        assert any(part in issue for issue in issues), part


def test_infinite_numbers_in_a_typed_table(tmp_path):
    frame = table()
    frame.loc[5, ["energy", "entropy"]] = np.inf
    frame.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(CohortError, match="Some features are infinite: energy, entropy"):
        read_cohort(asking(tmp_path / "t.parquet"), quiet)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_infinite_clinical_variables(tmp_path, suffix):
    frame = table(weight=np.where(np.arange(60) == 5, np.inf, 70.0 + np.arange(60)))
    path = tmp_path / f"t.{suffix}"
    frame.to_parquet(path) if suffix == "parquet" else frame.to_csv(path, index=False)
    with pytest.raises(CohortError, match="Some clinical variables are infinite: weight"):
        read_cohort(asking(path, clinical=["weight"]), quiet)


def test_a_column_without_any_value_is_told(tmp_path):
    cohort = read(table(nothing=np.nan), tmp_path)
    assert "nothing" not in cohort.features
    [said] = [each.message for each in cohort.cautions if each.code == "empty_features"]
    assert "nothing" in said


def test_columns_that_harmonisation_needs(tmp_path):
    frame = table(kernel=["soft", "sharp"] * 30, weight=np.arange(60.0), manufacturer="GE")
    combat = {"method": "combat", "covariates": ["weight"], "unseen": "nearest", "group_by": ["vendor", "kernel"]}
    cohort = read(frame, tmp_path, harmonise=combat)
    assert cohort.features == ("volume_ml", "energy", "entropy"), "a covariate is not learned from"
    assert set(cohort.table.columns) - set(cohort.features) == {"site", "vendor", "kernel", "weight"}
    combat["group_by"] = ["field_strength"]
    text = str(refused(frame.drop(columns="site"), tmp_path, site=None, harmonise=combat))
    assert "needs 'site': name the column with --site." in text
    assert "needs 'field_strength': no column has it." in text


def test_missing_cells_of_typed_columns(tmp_path):
    ages = pd.array([60, None, 41] * 20, dtype="Int64")
    table(age=ages, sex=["f", None, "m"] * 20, count=ages).to_parquet(tmp_path / "t.parquet")
    cohort = read_cohort(asking(tmp_path / "t.parquet", clinical=["age", "sex"]), quiet)
    assert cohort.table["age"].dtype == cohort.table["count"].dtype == np.float64
    assert np.isnan(cohort.table.loc[1, ["age", "count"]].to_numpy(dtype=float)).all()
    assert cohort.table["sex"].isna().sum() == 20
    rows, words = code_clinical(cohort.table[["age", "sex"]])
    assert words == (1,)
    np.testing.assert_array_equal(rows[:3], [[60, 0], [np.nan, -1], [41, 1]])


def test_requests_of_one_recipe_and_of_several(tmp_path):
    one = asking("t.csv")
    assert [recipe.name for recipe in one.recipes] == ["plain"]
    assert TrainRequest.parse(json.loads(one.model_dump_json())) == one
    values = {**one.model_dump(mode="json"), "recipes": [{"name": "a"}, {"name": "b"}]}
    assert TrainRequest.parse(values).recipe.name == "a"
    assert TrainRequest.parse({**values, "primary": "b"}).recipe.name == "b"
    with pytest.raises(RecipeError, match="no recipe of this run is named so; there are a, b"):
        TrainRequest.parse({**values, "primary": "c"})
    with pytest.raises(RecipeError, match="two recipes are named 'a'"):
        TrainRequest.parse({**values, "recipes": [{"name": "a"}, {"name": "a"}]})
