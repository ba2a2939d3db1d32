import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from app.core.errors import CohortError, InputError, UnreadableImage
from app.core.io.table import names_a_person, read_cases, read_table


@pytest.fixture
def folder(tmp_path):
    for name in ("a_t1.nii.gz", "a_t2.nii.gz", "a_mask.nii.gz", "b_t1.nii.gz", "b_mask.nii.gz"):
        nib.save(nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)), tmp_path / name)
    return tmp_path


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(("separator", "decimal"), [(",", "."), (";", ","), (";", "."), ("\t", ","), ("\t", ".")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_every_dialect_gives_the_same_frame(tmp_path, separator, decimal, encoding):
    rows = [["patient", "Größe", "age", "label"],
            ["007", f"1{decimal}5", "61", "ALT"], ["012", f"-2{decimal}25", "", "NA"]]
    path = write(tmp_path / "t.csv", "\r\n".join(separator.join(row) for row in rows) + "\r\n\r\n", encoding)
    frame = read_table(path)
    assert list(frame.columns) == rows[0]
    assert frame["patient"].tolist() == ["007", "012"]
    assert frame["Größe"].tolist() == [1.5, -2.25]
    assert frame["age"].iloc[0] == 61
    assert frame["age"].isna().tolist() == [False, True]
    assert frame["label"].isna().tolist() == [False, True]


def test_quoted_commas_and_padded_ids_stay(tmp_path):
    frame = read_table(write(tmp_path / "t.csv", 'scanner,site,volume\n0123,"a, b",#DIV/0!\n0456,c,3\n'))
    assert frame["scanner"].tolist() == ["0123", "0456"]
    assert frame["site"].tolist() == ["a, b", "c"]
    assert frame["volume"].tolist()[1] == 3


def test_numeric_ids_are_text_in_every_format(tmp_path):
    frame = pd.DataFrame({"patient": [7, 12], "volume_ml": [1.5, 2.0], "site": ["x", None]})
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    for ending in ("xlsx", "parquet", "csv"):
        read = read_table(tmp_path / f"t.{ending}")
        assert read["patient"].tolist() == ["7", "12"]
        assert read["volume_ml"].tolist() == [1.5, 2.0]
        assert read["site"].isna().tolist() == [False, True]
    assert read_table(tmp_path / "t.csv", text=("volume_ml",))["volume_ml"].tolist() == ["1.5", "2.0"]


def test_tables_that_are_none_say_why(tmp_path):
    with pytest.raises(UnreadableImage, match=r"no file or folder 'gone.csv'"):
        read_table(tmp_path / "gone.csv")
    with pytest.raises(UnreadableImage, match="0 bytes"):
        read_table(write(tmp_path / "empty.csv", ""))
    with pytest.raises(InputError, match="two columns named 'a'"):
        read_table(write(tmp_path / "twice.csv", "a,b,a\n1,2,3\n"))
    with pytest.raises(InputError, match=r"Row 3 of wide\.csv has 4 values, its header 3 columns"):
        read_table(write(tmp_path / "wide.csv", "a,b,c\n1,2,3\n1,2,3,4\n"))
    for name in ("junk.xlsx", "junk.parquet"):
        with pytest.raises(InputError, match="cannot be read as a table"):
            read_table(write(tmp_path / name, "junk" * 50))


def test_cases_carry_files_site_and_reading(folder):
    table = read_cases(write(folder / "c.csv",
        "Patient,image_T1,image_t2,mask,site,age,label,mask_label,name,grade\n"
        "007,a_t1.nii.gz,a_t2.nii.gz,a_mask.nii.gz,Lyon,61,ALT,2,Smith,\n"
        "8,b_t1.nii.gz,,b_mask.nii.gz,,58,lipoma,,Jones,high\n"))
    first, second = table.cases
    assert (first.id, first.site, first.label) == ("007", "Lyon", 2)
    assert first.images == {"t1": str(folder / "a_t1.nii.gz"), "t2": str(folder / "a_t2.nii.gz")}
    assert first.mask == str(folder / "a_mask.nii.gz")
    assert first.reading == {"age": 61}
    assert (second.id, second.site, list(second.images)) == ("8", None, ["t1"])
    assert second.reading == {"age": 58, "grade": "high"}
    assert table.rows == (0, 1)
    assert not table.problems


def test_a_bad_row_is_told_and_stops_no_other(folder):
    path = write(folder / "c.csv",
        "patient,image,mask,orientation\n"
        "A,a_t1.nii.gz,a_mask.nii.gz,\n"
        "\n"
        "B,b_t1.nii,b_mask.nii.gz,\n"
        ",b_t1.nii.gz,b_mask.nii.gz,\n"
        "C,,,\n"
        "A,a_t1.nii.gz,a_mask.nii.gz,\n"
        "A,b_t1.nii.gz,b_mask.nii.gz,LAS\n"
        "D,b_t1.nii.gz,b_mask.nii.gz,up\n")
    table = read_cases(path)
    assert [case.id for case in table.cases] == ["A", "A-2"]
    assert table.cases[1].orientation == "las"
    assert [(problem.row, problem.patient) for problem in table.problems] == [
        (4, "B"), (5, ""), (6, "C"), (6, "C"), (7, "A"), (9, "D")]
    assert str(table.problems[0]) == "Row 4 (B): the image 'b_t1.nii' does not exist. Did you mean b_t1.nii.gz?"
    with pytest.raises(CohortError, match="6 problems in 7 rows") as raised:
        read_cases(path, strict=True)
    assert len(raised.value.issues) == 6


def test_two_labels_of_one_mask_are_two_cases(folder):
    table = write(folder / "two.csv", "patient,image,mask,mask_label\n1,a_t1.nii.gz,a_mask.nii.gz,1\n"
                                      "1,a_t1.nii.gz,a_mask.nii.gz,2\n1,a_t1.nii.gz,a_mask.nii.gz,2\n")
    found = read_cases(table)
    assert [(case.id, case.label) for case in found.cases] == [("1", 1), ("1-2", 2)]
    assert [str(problem) for problem in found.problems] == ["Row 4 (1): it repeats row 3."]


def test_missing_columns_suggest_what_was_meant(folder):
    with pytest.raises(CohortError) as raised:
        read_cases(write(folder / "c.csv", "PatientID,imgae,segmentation\nA,a_t1.nii.gz,a_mask.nii.gz\n"))
    assert raised.value.issues == [
        "There is no column 'patient'; did you mean 'PatientID'?",
        "There is no column 'mask'; did you mean 'segmentation'?",
        "There is no column 'image'; did you mean 'imgae'?"]
    with pytest.raises(CohortError) as raised:
        read_cases(write(folder / "age.csv", "patient,mask,age\nA,a_mask.nii.gz,50\n"))
    assert raised.value.issues == ["There is no column 'image' (it has patient, mask, age)."]
    with pytest.raises(CohortError, match="has no rows"):
        read_cases(write(folder / "none.csv", "patient,image,mask\n"))
    with pytest.raises(CohortError, match="1 problem in 1 row"):
        read_cases(write(folder / "bad.csv", "patient,image,mask\nA,x.nii,a_mask.nii.gz\n"))


def test_columns_that_tell_who_a_patient_is():
    telling = ("name", "PatientName", "Patient Name", "patient-name", "last_name", "Given name", "surname",
               "PatientBirthDate", "birth date", "Date of birth", "DOB", "MRN", "Medical record number", "Address",
               "AccessionNumber", "phone", "e-mail", "ReferringPhysicianName")
    silent = ("patient", "site", "model", "model_name_2", "hospital", "age", "sex", "label", "series", "identity",
              "vendor", "Manufacturer", "ngtdm", "volume_ml", "photo_count", "dobutamine")
    assert [name for name in telling if not names_a_person(name)] == []
    assert [name for name in silent if names_a_person(name)] == []


@pytest.mark.shared
def test_the_real_cohort(shared_data):
    table = read_cases(shared_data / "sts" / "cohort.csv", strict=True)
    assert len(table.cases) == 32
    assert table.cases[0].reading["lung_metastasis"] == 0
    assert table.frame["liposarcoma"].sum() == 7
    frame = read_table(shared_data / "tables" / "Sandy-Captk.csv")
    assert frame.shape == (206, 103)
    assert [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])] == ["SubjectID"]


def test_a_second_readers_outline_has_a_column_of_its_own(folder):
    table = write(folder / "t.csv", "patient,image,mask,mask_2\nA,a_t1.nii.gz,a_mask.nii.gz,b_mask.nii.gz\n"
                                    "B,b_t1.nii.gz,b_mask.nii.gz,\nC,a_t2.nii.gz,a_mask.nii.gz,gone.nii.gz\n")
    read = read_cases(table)
    assert [case.mask_2 for case in read.cases] == [str(folder / "b_mask.nii.gz"), None]
    assert "mask_2" not in read.cases[0].reading
    assert len(read.problems) == 1
    assert str(read.problems[0]).startswith("Row 4 (C): the mask_2 'gone.nii.gz' does not exist.")
