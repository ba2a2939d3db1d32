"""The files of a case that was learned from are found by its row, or not at all."""

import pytest

from app.core.workflows.case_files import list_files
from tests.core.small_cohorts import write_ball, write_features


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    rows = ["patient,image,mask,label"]
    for number in range(4):
        write_ball(folder / f"P{number}", 6, (3, 3, 3), seed=number)
        rows.append(f"P{number % 3},P{number}/t1.nii.gz,P{number}/mask.nii.gz,a")
    (folder / "cohort.csv").write_text("\n".join(rows) + "\n")
    return folder / "cohort.csv"


def test_every_row_has_its_files_and_a_name_of_its_own(table):
    found = list_files(str(table), 4, ())
    assert [name for name, _ in found] == ["P0", "P1", "P2", "P0-2"]
    assert [files["mask"] for _, files in found] == [str(table.parent / f"P{n}" / "mask.nii.gz") for n in range(4)]
    assert found[3][1]["id"] == "P0-2"


def test_cases_that_failed_are_left_out(table):
    assert [name for name, _ in list_files(str(table), 3, {"P1"})] == ["P0", "P2", "P0-2"]


def test_a_case_whose_files_are_gone_keeps_its_place(table, tmp_path):
    moved = tmp_path / "cohort.csv"
    text = table.read_text().replace("P", f"{table.parent}/P").replace(f",{table.parent}/P1/t1", ",gone/t1")
    moved.write_text(text)
    found = list_files(str(moved), 4, ())
    assert [files is None for _, files in found] == [False, True, False, False]


def test_other_rows_or_a_table_of_features_give_none(table, tmp_path):
    assert list_files(str(table), 7, ()) is None
    assert list_files(str(write_features(tmp_path / "f.csv", 10)), 10, ()) is None
    assert list_files(str(tmp_path / "gone.csv"), 10, ()) is None
