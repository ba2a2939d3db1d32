"""A cohort becomes a table: what is in it, what failed, what several sequences do, and where it is written."""

import csv
import json
import shutil

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from app.core.errors import Cancelled, CohortError, InputError, RecipeError
from app.core.io.table import read_table
from app.core.workflows import extract, list_cohort
from tests.core.small_cohorts import quiet, write_ball

RECIPE = {"name": "small", "features": {"classes": ["firstorder"]}}
SIZE = {"name": "size", "features": {"classes": []}}


@pytest.fixture
def cohort(tmp_path):
    """Three balls and a table with a column of each kind."""
    rows = ["patient,image,mask,label,site,age,note,patient_name"]
    for number, radius in enumerate((12, 15, 18)):
        write_ball(tmp_path / f"P{number}", radius, (3, 3, 3), seed=number)
        rows.append(f"00{number},P{number}/t1.nii.gz,P{number}/mask.nii.gz,{'ALT' if number else 'lipoma'},S{number},"
                    f"{50 + number}.5,\"a, b\",Doe^Jane")
    table = tmp_path / "cohort.csv"
    table.write_text("\n".join(rows) + "\n")
    return table


def measure(source, out, recipe=RECIPE, report=quiet, **more):
    return extract({"source": str(source), "recipe": recipe, "out": str(out), **more}, report)


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table(cohort, tmp_path):
    told = []
    result = measure(cohort, tmp_path / "f" / "features.csv", report=lambda _fraction, message: told.append(message))
    assert (result["cases"], result["measured"], result["reused"], result["failed"]) == (3, 3, 0, [])
    assert result["written"] == str(tmp_path / "f" / "features.csv")
    assert result["errors"] is None
    assert "002 measured (3 of 3)" in told
    rows = read(tmp_path / "f" / "features.csv")
    assert [row["patient"] for row in rows] == ["000", "001", "002"]
    assert list(rows[0])[:5] == ["patient", "label", "site", "age", "note"]
    assert rows[1]["note"] == "a, b"
    assert {"image", "mask", "patient_name"}.isdisjoint(rows[0])
    assert [each["code"] for each in result["cautions"] if not each["case"]] == ["personal_columns"]
    for number, row in enumerate(rows):
        image, mask = (nib.load(tmp_path / f"P{number}" / name) for name in ("t1.nii.gz", "mask.nii.gz"))
        inside = image.get_fdata()[mask.get_fdata() > 0]
        assert float(row["original_firstorder_Mean"]) == pytest.approx(inside.mean(), rel=1e-6)
        assert float(row["volume_ml"]) == pytest.approx(len(inside) * 27 / 1000)
        assert float(row["longest_diameter_mm"]) == pytest.approx(2 * (12, 15, 18)[number], abs=6)
        assert float(row["acquisition_spacing_k"]) == 3.0
    roles = json.loads((tmp_path / "f" / "features.roles.json").read_text())
    assert (roles["patient"], roles["label"], roles["site"]) == ("patient", "label", "site")
    assert roles["feature"][:2] == ["volume_ml", "longest_diameter_mm"]
    assert {"age", "note", "acquisition_manufacturer", "acquisition_spacing_i"} <= set(roles["metadata"])
    assert sorted(["patient", "label", "site", *roles["metadata"], *roles["feature"]]) == sorted(rows[0])
    assert len(roles["feature"]) == result["features"] == len(rows[0]) - 5 - 9
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_a_failing_case_is_a_row_and_the_repaired_one_is_measured_alone(cohort, tmp_path):
    spoilt = tmp_path / "P1" / "t1.nii.gz"
    whole = spoilt.read_bytes()
    spoilt.write_bytes(b"\x1f\x8bnonsense")
    with cohort.open("a") as file:
        file.write("003,gone.nii.gz,P0/mask.nii.gz,ALT,S9,1,,\n")
    out = tmp_path / "features.csv"
    result = measure(cohort, out)
    assert [each["case"] for each in result["failed"]] == ["001", "003"]
    assert (result["cases"], result["measured"]) == (4, 2)
    errors = read(tmp_path / "features.errors.csv")
    assert [(each["patient"], each["row"]) for each in errors] == [("001", "3"), ("003", "5")]
    assert "t1.nii.gz" in errors[0]["message"]
    assert "gone.nii.gz" in errors[1]["message"]
    assert [row["patient"] for row in read(out)] == ["000", "002"]
    spoilt.write_bytes(whole)
    cohort.write_text("\n".join(cohort.read_text().splitlines()[:4]))
    again = measure(cohort, out)
    assert (again["measured"], again["reused"], again["errors"]) == (1, 2, None)
    assert not (tmp_path / "features.errors.csv").exists()
    assert [row["patient"] for row in read(out)] == ["000", "001", "002"]


def test_a_folder_is_a_cohort(cohort, tmp_path):
    by_table = tmp_path / "by_table.csv"
    measure(cohort, by_table)
    cohort.unlink()
    by_folder = tmp_path / "out" / "by_folder.csv"
    (tmp_path / "by_table.roles.json").unlink()
    reference = read(by_table)
    by_table.unlink()
    result = measure(tmp_path, by_folder)
    assert result["reused"] == 3, "the same bytes by another name"
    rows = read(by_folder)
    assert [row["patient"] for row in rows] == ["P0", "P1", "P2"]
    assert [row["original_firstorder_Energy"] for row in rows] == [
        row["original_firstorder_Energy"] for row in reference]


def test_processes_and_order_change_nothing(cohort, tmp_path):
    for jobs in (1, 2):
        measure(cohort, tmp_path / f"f{jobs}.csv", jobs=jobs, cache=str(tmp_path / f"cache{jobs}"))
    assert (tmp_path / "f1.csv").read_bytes() == (tmp_path / "f2.csv").read_bytes()


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet", ".tsv"])
def test_other_tables_hold_the_same(cohort, tmp_path, suffix):
    measure(cohort, tmp_path / "f.csv")
    measure(cohort, tmp_path / f"f{suffix}")
    expected, found = read_table(tmp_path / "f.csv"), read_table(tmp_path / f"f{suffix}")
    assert list(found["patient"]) == ["000", "001", "002"]
    for name in ("age", "volume_ml", "original_firstorder_Mean"):
        # a spreadsheet's file has sixteen figures, the others all
        tolerance = 1e-15 if suffix == ".xlsx" else 0
        np.testing.assert_allclose(found[name].to_numpy(float), expected[name].to_numpy(float), rtol=tolerance)


def test_what_cannot_be_written_is_refused_before_the_work(cohort, tmp_path):
    def unexpected(_fraction, message):
        raise AssertionError(message)

    for out, words in ((tmp_path / "f.json", r"ends in none of \.csv"), (cohort, "the cohort's own table")):
        with pytest.raises(InputError, match=words):
            measure(cohort, out, report=unexpected)
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        measure(cohort, tmp_path / "d.csv", report=unexpected)
    with pytest.raises(RecipeError, match="measures nothing"):
        measure(cohort, tmp_path / "f.csv", {"name": "none", "features": None})


@pytest.mark.parametrize(("features", "told"), [
    ({"classes": ["glzm"]}, "'glzm', which is not one of"), ({"filters": {"LoG": {}}}, "one or more above 0 mm"),
    ({"classes": ["firstorder"], "names": ["original_firstorder_Nope"]}, "'original_firstorder_Nope'"),
    ({"quantised": {"levels": [100000]}}, "from 2 to 1024")])
def test_a_recipe_that_measures_what_does_not_exist_is_told_once_and_before_any_case(cohort, tmp_path, monkeypatch,
                                                                                     features, told):
    monkeypatch.setattr("app.core.workflows.measuring.run_each", None)
    with pytest.raises(RecipeError, match=told):
        measure(cohort, tmp_path / "f.csv", {"name": "wrong", "features": features})
    assert not (tmp_path / "f.errors.csv").exists()


def test_a_cache_that_could_keep_nothing_is_told_before_any_case(cohort, tmp_path, monkeypatch):
    monkeypatch.setattr("app.core.workflows.extraction.measure_cases", None)
    with pytest.raises(FileExistsError):
        measure(cohort, tmp_path / "f.csv", cache=str(cohort))


def test_a_row_with_two_faults_is_one_case(cohort, tmp_path):
    with cohort.open("a") as file:
        file.write("003,gone.nii.gz,gone_mask.nii.gz,ALT,S9,1,,\n")
    result = measure(cohort, tmp_path / "f.csv")
    assert (result["cases"], result["measured"], len(result["failed"])) == (4, 3, 2)
    assert all(each["message"].startswith("The ") for each in result["failed"])


def test_a_cohort_that_is_none(tmp_path):
    with pytest.raises(InputError, match="nothing at gone"):
        measure(tmp_path / "gone", tmp_path / "f.csv")
    with pytest.raises(InputError, match="No cohort was given"):
        extract({"recipe": RECIPE, "out": str(tmp_path / "f.csv")}, quiet)
    image, _ = write_ball(tmp_path / "P", 10, (3, 3, 3))
    with pytest.raises(InputError, match="neither a folder nor a table"):
        measure(image, tmp_path / "f.csv")


def test_when_every_case_fails(cohort, tmp_path):
    for number in range(3):
        (tmp_path / f"P{number}" / "t1.nii.gz").write_bytes(b"nothing")
    with pytest.raises(CohortError, match="None of the 3 cases could be measured") as caught:
        measure(cohort, tmp_path / "f.csv")
    assert len(caught.value.issues) == 3
    assert len(read(tmp_path / "f.errors.csv")) == 3
    assert not (tmp_path / "f.csv").exists()


@pytest.fixture
def sequences(tmp_path):
    """A has T1 and T2, B only T1, C only T2; all of one place."""
    for patient, names in (("A", ("t1", "t2")), ("B", ("t1",)), ("C", ("t2",))):
        for name in names:
            write_ball(tmp_path / "in" / patient, 12, (3, 3, 3), level=200 if name == "t1" else 400, name=name)
    return tmp_path / "in"


def check_sequences(rows, result):
    assert [row["patient"] for row in rows] == ["A", "B", "C"]
    mean = {sequence: [row[f"{sequence}_original_firstorder_Mean"] for row in rows] for sequence in ("t1", "t2")}
    assert [value != "" for value in mean["t1"]] == [True, True, False]
    assert [value != "" for value in mean["t2"]] == [True, False, True]
    assert float(mean["t1"][1]) == pytest.approx(200, abs=2)
    assert float(mean["t2"][2]) == pytest.approx(400, abs=2)
    assert all(float(row["volume_ml"]) > 0 for row in rows)
    assert rows[1]["acquisition_t1_spacing_i"] == "3.0"
    assert rows[1]["acquisition_t2_spacing_i"] == ""
    assert not [name for name in rows[0] if name.startswith("original")]
    said = {each["case"]: each["message"] for each in result["cautions"] if each["code"] == "missing_sequence"}
    assert set(said) == {"B", "C"}
    assert "t2" in said["B"]


def test_a_missing_sequence_is_a_missing_value(sequences, tmp_path):
    result = measure(sequences, tmp_path / "f.csv")
    check_sequences(read(tmp_path / "f.csv"), result)


def test_sequences_of_a_table_and_a_choice_of_features(sequences, tmp_path):
    (sequences / "cohort.csv").write_text(
        "patient,image_t1,image_t2,mask\nA,A/t1.nii.gz,A/t2.nii.gz,A/mask.nii.gz\nB,B/t1.nii.gz,,B/mask.nii.gz\n"
        "C,,C/t2.nii.gz,C/mask.nii.gz\n")
    names = ["volume_ml", "t1_original_firstorder_Mean", "t2_original_firstorder_Mean", "t2_original_firstorder_Range"]
    recipe = {"name": "chosen", "features": {"classes": ["firstorder"], "names": names}}
    result = measure(sequences / "cohort.csv", tmp_path / "f.csv", recipe)
    rows = read(tmp_path / "f.csv")
    check_sequences(rows, result)
    assert result["features"] == 5
    assert "t1_original_firstorder_Range" not in rows[0]


def test_chosen_cases_keep_their_columns(cohort, tmp_path):
    listed = list_cohort({"source": str(cohort)}, quiet)
    chosen = [case for case in listed["cases"] if case["id"] != "001"]
    result = measure(cohort, tmp_path / "f.csv", SIZE, cases=chosen)
    assert result["cases"] == 2
    assert [(row["patient"], row["label"]) for row in read(tmp_path / "f.csv")] == [("000", "lipoma"), ("002", "ALT")]
    alone = extract({"cases": chosen, "recipe": SIZE, "out": str(tmp_path / "g.csv")}, quiet)
    assert alone["reused"] == 2
    assert [row["site"] for row in read(tmp_path / "g.csv")] == ["S0", "S2"]


def test_given_columns_never_take_a_features_name(cohort, tmp_path):
    frame = pd.read_csv(cohort, dtype=str)
    frame.assign(volume_ml="-1").to_csv(cohort, index=False)
    measure(cohort, tmp_path / "f.csv", SIZE)
    row = read(tmp_path / "f.csv")[0]
    assert float(row["volume_ml"]) > 0
    assert float(row["given_volume_ml"]) == -1
    assert "given_volume_ml" not in json.loads((tmp_path / "f.roles.json").read_text())["feature"]


def test_a_cancel_keeps_what_is_finished(cohort, tmp_path):
    def stop(_fraction, message):
        if "(2 of 3)" in message:
            raise Cancelled

    with pytest.raises(Cancelled):
        measure(cohort, tmp_path / "f.csv", report=stop)
    assert not (tmp_path / "f.csv").exists()
    assert measure(cohort, tmp_path / "f.csv")["reused"] >= 2


def test_what_a_list_says(cohort, tmp_path):
    with cohort.open("a") as file:
        file.write("003,gone.nii.gz,P0/mask.nii.gz,ALT,S9,1,,\n")
    listed = list_cohort({"source": str(cohort)}, quiet)
    assert [(row["case"], row["status"]) for row in listed["rows"]] == [
        ("000", "ready"), ("001", "ready"), ("002", "ready"), ("003", "problem")]
    assert "gone.nii.gz" in listed["rows"][3]["message"]
    assert listed["columns"] == ["label", "site", "age", "note"]
    assert "patient_name" in listed["notes"][0]
    cohort.unlink()
    (tmp_path / "P1" / "mask.nii.gz").unlink()
    (tmp_path / "loose.csv").write_text("a,b\n1,2\n")
    listed = list_cohort({"source": str(tmp_path)}, quiet)
    assert [(row["case"], row["status"]) for row in listed["rows"]] == [
        ("P0", "ready"), ("P1", "no outline"), ("P2", "ready")]
    assert [loose["title"] for loose in listed["unpaired"]] == ["loose.csv"]
    result = measure(tmp_path, tmp_path / "f.csv", SIZE)
    assert [each["case"] for each in result["failed"]] == ["P1"]


def test_acquisition_tags_of_dicom(shared_data, tmp_path):
    import pydicom

    source = tmp_path / "in"
    shutil.copytree(shared_data / "sts_dicom" / "STS_002" / "MR_T1", source)
    for path in source.rglob("*.dcm"):
        header = pydicom.dcmread(path)
        if header.Modality == "MR":
            header.RepetitionTime, header.EchoTime, header.MagneticFieldStrength = 512.5, 14, 1.5
            header.save_as(path)
            image = header
    measure(source, tmp_path / "f.csv", SIZE)
    [row] = read(tmp_path / "f.csv")
    assert row["acquisition_manufacturer"] == image.Manufacturer
    expected = {"repetition_time": 512.5, "echo_time": 14, "field_strength": 1.5, "thickness": image.SliceThickness,
                "spacing_i": image.PixelSpacing[1], "spacing_j": image.PixelSpacing[0]}
    assert {name: float(row[f"acquisition_{name}"]) for name in expected} == pytest.approx(expected, rel=1e-4)
