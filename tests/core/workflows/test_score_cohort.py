"""Scoring a table: row by row the same as alone, bad rows told, processes alike; DICOM the same as NIfTI."""

import math

import pytest

from app.core.errors import CohortError
from app.core.workflows import score_case, score_cohort
from tests.core.small_cohorts import quiet, write_ball

STEADY = ("case", "probability", "interval", "verdict", "features", "cautions", "contributions", "prevalence")


def steady(score):
    return {name: score[name] for name in STEADY}


def test_all_sarcomas_equal_one_by_one(shared_data):
    import pandas as pd

    table = pd.read_csv(shared_data / "sts" / "cohort.csv", dtype={"patient": str}).set_index("patient")
    result = score_cohort({"table": str(shared_data / "sts" / "cohort.csv"), "model": "lipoma-size"}, quiet)
    assert [score["case"] for score in result["results"]] == list(table.index)
    assert len(table) == 32
    assert result["failed"] == 0
    for score in result["results"]:
        assert score["features"]["volume_ml"] == pytest.approx(table.loc[score["case"], "mask_ml"], abs=0.006)
        assert score["probability"] == pytest.approx(
            1 / (1 + math.exp(7.23519 - 3.02612 * math.log10(score["features"]["volume_ml"]))), abs=1e-12)
    for number in (0, 7, 19):
        patient = table.index[number]
        folder = shared_data / "sts" / patient
        alone = score_case({"case": {"id": patient, "images": {"image": str(folder / "t1.nii.gz")},
                                     "mask": str(folder / "gtv.nii.gz")}, "model": "lipoma-size"}, quiet)
        assert steady(alone) == steady(result["results"][number])


@pytest.mark.parametrize("patient", ["STS_002", "STS_008"])
def test_dicom_scores_as_nifti(shared_data, patient):
    dicom, nifti = shared_data / "sts_dicom" / patient / "MR_T1", shared_data / "sts" / patient
    outline = next((dicom / "mask").glob("*.dcm"))
    scores = [score_case({"case": {"id": patient, "images": {"image": str(image)}, "mask": str(mask)},
                          "model": "lipoma-size"}, quiet)
              for image, mask in ((dicom / "image", outline), (nifti / "t1.nii.gz", nifti / "gtv.nii.gz"))]
    volumes = [score["features"]["volume_ml"] for score in scores]
    assert volumes[0] == pytest.approx(volumes[1], rel=1e-3)
    assert scores[0]["probability"] == pytest.approx(scores[1]["probability"], abs=1e-6)


@pytest.fixture
def cohort(tmp_path):
    for name, radius in (("a", 20.0), ("b", 30.0), ("c", 40.0)):
        write_ball(tmp_path / name, radius, (3, 3, 3))
    (tmp_path / "b" / "mask.nii.gz").write_bytes(b"no image at all")
    rows = ["patient,image,mask,site", "a,a/t1.nii.gz,a/mask.nii.gz,S1", "b,b/t1.nii.gz,b/mask.nii.gz,S1",
            "c,c/t1.nii.gz,c/mask.nii.gz,S2", "d,d/t1.nii.gz,d/mask.nii.gz,S2", "a,c/t1.nii.gz,a/mask.nii.gz,S2"]
    (tmp_path / "cohort.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "cohort.csv"


def test_bad_rows_are_told_and_the_others_scored(cohort):
    result = score_cohort({"table": str(cohort), "model": "lipoma-size"}, quiet)
    by_case = {score["case"]: score for score in result["results"]}
    assert list(by_case) == ["a", "b", "c", "a-2", "d"]
    assert result["failed"] == 2 + ("error" in by_case["a-2"])
    assert "mask.nii.gz" in by_case["b"]["error"]["message"]
    assert by_case["b"]["error"]["remedy"]
    assert by_case["d"]["error"]["message"].startswith("Row 5: the image 'd/t1.nii.gz' does not exist.")
    assert "the mask 'd/mask.nii.gz' does not exist" in by_case["d"]["error"]["message"]
    assert 0 < by_case["a"]["probability"] < by_case["c"]["probability"] < 1


def test_two_processes_give_what_one_gives(cohort, tmp_path):
    request = {"table": str(cohort), "model": "lipoma-size", "out": str(tmp_path / "out")}
    told = []
    one = score_cohort(request, quiet)["results"]
    two = score_cohort({**request, "jobs": 2}, lambda fraction, _message: told.append(fraction))["results"]
    assert [steady(score) if "error" not in score else score for score in one] == [
        steady(score) if "error" not in score else score for score in two]
    assert told == sorted(told)
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"a", "c"}


def test_table_without_a_usable_row_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("patient,image,mask\nx,no.nii.gz,no.nii.gz\n")
    with pytest.raises(CohortError, match=r"t\.csv has 2 problems in 1 row"):
        score_cohort({"table": str(tmp_path / "t.csv"), "model": "lipoma-size"}, quiet)
