"""The quality of cohorts: each fault on its case, duplicates across cases, sheets and tables, and the real data."""

import csv
import json

import nibabel as nib
import numpy as np
import pytest
from dicom_phantoms import stack, write

from app.core.errors import Cancelled
from app.core.workflows import check_quality
from tests.core.small_cohorts import quiet, write_ball


def write_cohort(folder, names="ABCD", **columns):
    """Write balls of different size; columns are rows' further cells by name."""
    rows = []
    for index, name in enumerate(names):
        write_ball(folder / name, 16 + index, seed=index)
        rows.append({"patient": name, "image": f"{name}/t1.nii.gz", "mask": f"{name}/mask.nii.gz",
                     **{column: values[index] for column, values in columns.items()}})
    return write_table(folder, rows)


def write_table(folder, rows):
    path = folder / "cohort.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def check(source, **more):
    result = check_quality({"source": str(source), **more}, quiet)
    json.dumps(result)
    return result


def flags_of(result, case):
    return {flag["code"]: flag for row in result["cases"] if row["case"] == case for flag in row["flags"]}


def change(path, edit):
    image = nib.load(path)
    voxels = edit(image.get_fdata())
    nib.save(nib.Nifti1Image(voxels.astype(image.get_data_dtype()), image.affine), path)


def test_a_sound_cohort_gives_no_flag(tmp_path):
    result = check(write_cohort(tmp_path, manufacturer=["GE"] * 4, field_strength=[1.5] * 4))
    assert (result["flags"], result["failed"], result["written"]) == ([], [], [])
    assert [row["flags"] for row in result["cases"]] == [[]] * 4
    row = result["cases"][0]
    assert (row["shape"], row["spacing"], row["sheet"]) == ([34, 34, 23], [1.5, 1.5, 3.0], None)
    assert row["acquisition"]["manufacturer"] == "GE", "the table says what the header does not"
    assert row["acquisition"]["field_strength"] == 1.5
    assert row["volume_ml"] == pytest.approx(4 / 3 * np.pi * 1.6**3, rel=0.03)
    assert "affine" not in row


def test_faults_stand_on_their_cases(tmp_path):
    table = write_cohort(tmp_path, names="ABCDEF", manufacturer=["GE"] * 5 + ["SIEMENS"])
    change(tmp_path / "A" / "mask.nii.gz", lambda voxels: voxels * 0)
    change(tmp_path / "B" / "mask.nii.gz", lambda voxels: voxels * 3)
    change(tmp_path / "C" / "t1.nii.gz", lambda voxels: np.minimum(voxels, 150))
    (tmp_path / "D" / "t1.nii.gz").write_bytes(b"no image")
    spoilt = nib.load(tmp_path / "E" / "t1.nii.gz").get_fdata()
    spoilt[0, 0, 0] = np.nan
    nib.save(nib.Nifti1Image(spoilt.astype(np.float32), np.diag([1.5, 1.5, 3, 1])), tmp_path / "E" / "t1.nii.gz")
    result = check(table)
    assert flags_of(result, "A")["empty_mask"]["severity"] == "problem"
    assert flags_of(result, "B").keys() == {"label_values"}
    assert {"clipped", "tumour_clipped"} <= flags_of(result, "C").keys()
    failed = {each["case"]: each["message"] for each in result["failed"]}
    assert failed.keys() == {"A", "D", "E"}
    assert "all of its" in failed["A"]
    assert "undefined" in failed["E"] or "not finite" in failed["E"] or "number" in failed["E"]
    [vendors] = result["flags"]
    assert (vendors["code"], vendors["severity"], vendors["cases"]) == ("several_vendors", "note", ["F"])


def test_an_outline_elsewhere_or_on_another_grid(tmp_path):
    table = write_cohort(tmp_path)
    mask = nib.load(tmp_path / "A" / "mask.nii.gz")
    away = mask.affine.copy()
    away[:3, 3] += 500
    nib.save(nib.Nifti1Image(mask.get_fdata().astype(np.uint8), away), tmp_path / "A" / "mask.nii.gz")
    mask = nib.load(tmp_path / "B" / "mask.nii.gz")
    coarse = np.ascontiguousarray(mask.get_fdata().astype(np.uint8)[::2, ::2])
    nib.save(nib.Nifti1Image(coarse, mask.affine @ np.diag([2, 2, 1, 1])), tmp_path / "B" / "mask.nii.gz")
    result = check(table)
    assert flags_of(result, "A")["outline_geometry"]["severity"] == "problem"
    assert flags_of(result, "B").keys() == {"mask_resampled"}
    assert next(row for row in result["cases"] if row["case"] == "A")["volume_ml"] is None


def test_copies_under_another_name(tmp_path):
    table = write_cohort(tmp_path)
    original = nib.load(tmp_path / "A" / "t1.nii.gz")
    turned = nib.as_closest_canonical(original)
    turned = turned.slicer[::-1]  # stored the other way round, the same in the world
    nib.save(turned, tmp_path / "B" / "t1.nii.gz")
    change(tmp_path / "B" / "mask.nii.gz", lambda voxels: voxels)
    nib.save(nib.load(tmp_path / "A" / "mask.nii.gz"), tmp_path / "B" / "mask.nii.gz")
    found = {flag["code"]: flag["cases"] for flag in check(table)["flags"]}
    assert found == {"duplicate_image": ["A", "B"], "duplicate_mask": ["A", "B"]}


def test_a_second_readers_outline(tmp_path):
    table = write_cohort(tmp_path, mask_2=["A/mask.nii.gz", "B/other.nii.gz", "", "C/mask.nii.gz"])
    mask = nib.load(tmp_path / "B" / "mask.nii.gz")
    small = mask.get_fdata().astype(np.uint8)
    small[:17] = 0
    nib.save(nib.Nifti1Image(small, mask.affine), tmp_path / "B" / "other.nii.gz")
    result = check(table)
    assert flags_of(result, "A").keys() == {"same_outline"}
    assert flags_of(result, "B").keys() == {"readers_differ"}
    assert flags_of(result, "C") == {}
    assert "mask_resampled" not in flags_of(result, "D")


def test_sheets_and_tables_in_several_processes(tmp_path):
    from PIL import Image

    told = []
    result = check_quality({"source": str(write_cohort(tmp_path)), "out": str(tmp_path / "out"), "jobs": 2},
                           lambda fraction, message: told.append((fraction, message)))
    assert any(message == "A checked (1 of 4)" or message.endswith("checked (4 of 4)") for _, message in told)
    assert len(result["written"]) == 6
    sheets = sorted((tmp_path / "out" / "sheets").iterdir())
    assert [path.name for path in sheets] == [f"{name}_image.png" for name in "ABCD"]
    with Image.open(sheets[0]) as picture:
        assert picture.size == (1206, 948)
        assert not picture.info.get("Author")
    with (tmp_path / "out" / "quality.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["case"] for row in rows] == list("ABCD")
    assert rows[0]["spacing_mm"] == "1.5 x 1.5 x 3"
    flags = (tmp_path / "out" / "flags.csv").read_text(encoding="utf-8")
    assert flags == "case,sequence,severity,code,message\n"


def test_one_patient_twice_is_told_without_naming_anybody(tmp_path):
    for case, first in (("one", 1), ("two", 40)):
        slices = stack([0, 3, 6, 9, 12, 15], first=first)
        for found in slices:
            found.SeriesInstanceUID, found.FrameOfReferenceUID = f"1.2.{first}", f"1.3.{first}"
        write(tmp_path / "in" / case, slices)
    result = check(tmp_path / "in", out=str(tmp_path / "out"))
    assert {flag["code"]: flag["cases"] for flag in result["flags"]} == {"same_patient": ["one", "two"]}
    told = json.dumps(result) + "".join(path.read_text() for path in (tmp_path / "out").glob("*.csv"))
    assert "Roe" not in told
    assert "P-77" not in told
    assert result["cases"][0]["acquisition"]["description"] == "T1 TSE cor"


def test_odd_names_make_files_of_their_own(tmp_path):
    write_ball(tmp_path / "x", 15)
    write_ball(tmp_path / "y", 17, seed=1)
    cases = [{"id": name, "images": {"image": str(tmp_path / folder / "t1.nii.gz")},
              "mask": str(tmp_path / folder / "mask.nii.gz")} for name, folder in (("a/1", "x"), ("a:1", "y"))]
    result = check_quality({"cases": cases, "out": str(tmp_path / "out")}, quiet)
    assert len({row["sheet"] for row in result["cases"]}) == 2


def test_cancelling_stops(tmp_path):
    def stop(fraction, _message):
        if fraction > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        check_quality({"source": str(write_cohort(tmp_path)), "out": str(tmp_path / "out")}, stop)
    assert not (tmp_path / "out" / "quality.csv").exists()


@pytest.mark.parametrize(("folder", "told"), [
    ("gantrytilting", "sheared"), ("notavolume", "same slice"), ("sliceorientation", "2 stacks"),
    ("slicecount", "few_slices"), ("sliceincrement", "missing_slices")])
def test_broken_series(shared_data, folder, told):
    result = check(shared_data / "dicom" / "failing" / folder / "001")
    messages = [each["message"] for each in result["failed"]]
    codes = [flag["code"] for row in result["cases"] for flag in row["flags"]]
    assert any(told in each for each in (*messages, *codes))


def test_what_nobody_foresaw_costs_one_case_alone(tmp_path, monkeypatch, own_data_folder):
    def stumble(volume):
        if volume.geometry.shape[0] > 34:
            raise ZeroDivisionError("unforeseen")
        return []

    table = write_cohort(tmp_path)
    shapes = {row["case"]: row["shape"][0] for row in check(table)["cases"]}
    monkeypatch.setattr("app.core.workflows.quality.check_image", stumble)
    result = check(table)
    large = [case for case, size in shapes.items() if size > 34]
    assert 0 < len(large) < 4
    assert [each["case"] for each in result["failed"]] == large
    assert "ZeroDivisionError" in result["failed"][0]["message"]
    assert "stumble" in (own_data_folder / "logs" / "cohort.log").read_text(encoding="utf-8")


def test_the_sarcomas(shared_data, tmp_path):
    result = check(shared_data / "sts" / "cohort.csv", out=str(tmp_path))
    assert len(result["cases"]) == 32
    assert result["failed"] == []
    assert [flag["code"] for flag in result["flags"]] == ["several_vendors"]
    flagged = {row["case"]: [flag["code"] for flag in row["flags"]] for row in result["cases"] if row["flags"]}
    assert {case: codes for case, codes in flagged.items() if "mask_touches_edge" in codes}.keys() == {
        "STS_026", "STS_038", "STS_044", "STS_045"}
    assert {code for codes in flagged.values() for code in codes} == {"mask_touches_edge", "several_parts"}
