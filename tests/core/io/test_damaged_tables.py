"""Tables that are damaged or larger than any: each was once an unforeseen error, or never ended."""

import tracemalloc
import zipfile

import openpyxl
import pandas as pd
import pytest

from app.core.errors import CohortError, InputError
from app.core.io.table import read_cases, read_table


def sheet(path):
    pd.DataFrame({"patient": ["1", "2"], "image": ["a.nii", "b.nii"], "mask": ["c.nii", "d.nii"]}).to_excel(
        path, index=False)
    return path


def repack(path, name, change):
    with zipfile.ZipFile(path) as archive:
        members = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    members[name] = change(members[name])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)


@pytest.mark.parametrize("damage", ["cut", "flipped", "no xml", "other"])
def test_a_damaged_sheet_is_told(tmp_path, damage):
    path = sheet(tmp_path / "t.xlsx")
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        at = content.find(b"sheet1.xml") + 40
        path.write_bytes(content[:at] + bytes(b ^ 0xFF for b in content[at:at + 20]) + content[at + 20:])
    elif damage == "no xml":
        repack(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"<row", b"<r<w"))
    else:
        path.write_bytes(b"%PDF-1.4")
    with pytest.raises(InputError, match=r"t.xlsx cannot be read as a table"):
        read_table(path)


def test_a_sheet_whose_one_cell_lies_at_the_far_corner_is_refused(tmp_path):
    path = sheet(tmp_path / "t.xlsx")
    repack(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b'r="C3"', b'r="XFD1048576"').replace(
        b'<row r="3"', b'<row r="1048576"'))
    with pytest.raises(InputError, match="larger than any table of cases"):
        read_table(path)


def test_a_sheet_that_unpacks_without_end_is_refused(tmp_path, monkeypatch):
    path = sheet(tmp_path / "t.xlsx")
    repack(path, "xl/worksheets/sheet1.xml", lambda xml: xml + b" " * 2**28)
    monkeypatch.setattr(openpyxl, "load_workbook", None)
    with pytest.raises(InputError, match="larger than any table of cases"):
        read_table(path)


def test_a_table_of_more_columns_than_a_sheet_has_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(",".join(f"c{n}" for n in range(20_000)) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="20000 columns"):
        read_table(path)


def test_a_cell_that_no_disk_takes_as_a_path_is_a_fault_of_its_row(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"patient,image,mask\n1,{'x' * 300},b.nii\n", encoding="utf-8")
    with pytest.raises(CohortError, match="cannot be followed"):
        read_cases(path)


def test_a_member_that_unpacks_to_more_than_it_states_is_cut_there(tmp_path):
    path = sheet(tmp_path / "t.xlsx")
    repack(path, "xl/worksheets/sheet1.xml", lambda xml: xml + b" " * 2**27)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        stated = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    for at in (n for n in range(len(content) - 4) if content[n:n + 4] == stated.to_bytes(4, "little")):
        content[at:at + 4] = (stated - 2**27).to_bytes(4, "little")
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="cannot be read as a table"):
            read_table(path)
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()
