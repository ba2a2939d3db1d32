"""What a wizard is told of a table before anything is learned from it."""

import csv

import pytest

from app.core.errors import InputError
from app.core.recipe import Recipe
from app.core.workflows.training_preview import preview_training
from tests.core.small_cohorts import quiet, write_ball, write_features


def look(table, **more):
    return preview_training({"table": str(table), **more}, quiet)


def roles(found):
    return {each["name"]: each["role_guess"] for each in found["columns"]}


def test_a_feature_table_is_understood(tmp_path):
    found = look(write_features(tmp_path / "features.csv", 80, age=list(range(80)), patient_name=["x"] * 80))
    assert roles(found) == {"patient": "patient", "label": "label", "site": "site", "age": "clinical",
                            "patient_name": "ignore", "volume_ml": "feature", "longest_diameter_mm": "feature",
                            "original_firstorder_Mean": "feature"}
    assert not next(each for each in found["columns"] if each["name"] == "patient_name")["examples"]
    assert found["cases"] == found["patients"] == 80
    assert found["classes"] == {"ALT": 40, "lipoma": 40}
    assert found["sites"] == {f"S{number}": 20 for number in range(4)}
    assert found["site_classes"]["S1"] == {"ALT": 20}
    assert found["advice"]["confounded"]  # odd sites are ALT, even ones lipoma
    assert (found["features"], found["most_folds"], found["problems"]) == (3, 20, [])


def test_columns_that_are_named_are_not_guessed(tmp_path):
    table = write_features(tmp_path / "features.csv", 80, other=["a", "b"] * 40)
    found = look(table, label="other", site="", ignore=["volume_ml"])
    assert found["chosen"]["label"] == "other"
    assert found["classes"] == {"a": 40, "b": 40}
    assert found["sites"] == {}
    assert found["advice"] is None
    assert found["features"] == 2


def test_many_small_sites_are_sites_and_a_site_of_each_case_is_none(tmp_path):
    sites = [f"S{number % 30}" for number in range(80)]
    assert look(write_features(tmp_path / "many.csv", site=sites))["chosen"]["site"] == "site"
    alone = [f"S{number}" for number in range(80)]
    assert look(write_features(tmp_path / "alone.csv", site=alone))["chosen"]["site"] == ""


def test_problems_name_row_column_and_fix(tmp_path):
    labels = ["ALT", "lipoma"] * 40
    labels[3] = ""
    mean = [str(number) for number in range(80)]
    mean[7] = "n/k"
    found = look(write_features(tmp_path / "features.csv", 80, label=labels, original_firstorder_Mean=mean))
    told = {each["column"]: each for each in found["problems"]}
    assert told["label"]["row"] == 5
    assert told["original_firstorder_Mean"]["row"] == 9
    assert all(each["stops"] and each["fix"] for each in found["problems"])
    assert "--" not in " ".join(each["message"] for each in found["problems"])


def test_ids_that_repeat_can_be_confirmed(tmp_path):
    patients = [f"P{number // 2}" for number in range(80)]
    table = write_features(tmp_path / "features.csv", 80, patient=patients, sex=["f", "m"] * 40)
    [problem] = look(table, site="")["problems"]
    assert problem["confirm"] == "patient"
    assert problem["row"] == 2
    assert look(table, site="", confirmed=["patient"])["problems"] == []


def test_a_hidden_label_is_held_out(tmp_path):
    found = look(write_features(tmp_path / "features.csv", 80, tumour_grade=[1, 2] * 40))
    assert roles(found)["tumour_grade"] == "ignore"
    assert [each["column"] for each in found["held_out"]] == ["tumour_grade"]


def test_time_is_measured_for_each_recipe_and_grows_with_the_folds(tmp_path):
    recipe = Recipe.parse({"name": "fast", "model": {"kind": "logistic"}}).model_dump(mode="json")
    found = look(write_features(tmp_path / "features.csv"), recipes=[recipe], folds=5)
    assert list(found["seconds"]) == ["fast"]
    assert 0 < found["seconds"]["fast"] < 60


@pytest.fixture
def folder(tmp_path):
    for number in range(8):
        write_ball(tmp_path / "cases" / f"P{number}", 10, name="t1")
    return tmp_path / "cases"


def test_a_folder_of_cases_finds_its_labels_in_another_table(folder):
    alone = look(folder)
    assert alone["holds_images"]
    assert alone["cases"] == 8
    assert [each["message"] for each in alone["problems"]] == ["No column is chosen as the label."]
    labels = folder.parent / "labels.csv"
    with labels.open("w", newline="") as file:
        csv.writer(file).writerows([("id", "diagnosis"), *((f"P{n}", "ALT" if n % 2 else "lipoma") for n in range(8))])
    found = look(folder, labels=str(labels), measures={"name": "shape", "features": {"classes": ["shape"]}})
    assert found["problems"] == []
    assert found["classes"] == {"ALT": 4, "lipoma": 4}
    assert found["features"] > 10
    assert found["most_folds"] == 2
    assert look(found["table"])["problems"] == []


def test_labels_of_other_patients_are_refused(folder):
    labels = folder.parent / "labels.csv"
    labels.write_text("id,diagnosis\nX1,a\nX2,b\n")
    with pytest.raises(InputError, match="names the patients"):
        look(folder, labels=str(labels))


def test_a_missing_image_is_told_with_its_row(tmp_path):
    image, mask = write_ball(tmp_path, 10)
    rows = [("patient", "image", "mask", "label"),
            *((f"P{n}", image.name, mask.name if n else "gone.nii.gz", n % 2) for n in range(8))]
    with (tmp_path / "cases.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    found = look(tmp_path / "cases.csv")
    assert found["holds_images"]
    gone = next(each for each in found["problems"] if "gone" in each["message"])
    assert gone["row"] == 2
    assert gone["fix"].startswith("Correct the path")
