"""Conversion and boxes of whole folders: several processes, a failure on the way, a run that is killed or cancelled."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from app.core.errors import Cancelled, InputError
from app.core.io.table import read_table
from app.core.workflows import convert, tumour_boxes
from app.core.workflows.ledger import NAME, Ledger, name_work
from tests.core.small_cohorts import quiet, write_ball

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def tree(tmp_path):
    for number in range(4):
        write_ball(tmp_path / "in" / f"P{number}", 10 + number, (3, 3, 3), seed=number)
    return tmp_path / "in"


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in folder.rglob("*.nii.gz")}


def run(tree, target, report=quiet, **more):
    return convert({"source": str(tree), "target": str(target), **more}, report)


def test_two_processes_write_what_one_does(tree, tmp_path):
    (tree / "P3" / "t2.nii.gz").write_bytes(b"\x1f\x8bnonsense")
    one = run(tree, tmp_path / "one")
    told = []
    two = run(tree, tmp_path / "two", lambda fraction, message: told.append((fraction, message)), jobs=2)
    assert [Path(path).relative_to(tmp_path / "one") for path in one["written"]] == [
        Path(path).relative_to(tmp_path / "two") for path in two["written"]]
    assert len(one["written"]) == 8
    for path in one["written"]:
        other = tmp_path / "two" / Path(path).relative_to(tmp_path / "one")
        np.testing.assert_array_equal(nib.load(path).get_fdata(), nib.load(other).get_fdata())
    assert [Path(each["path"]).name for each in two["failed"]] == ["t2.nii.gz"]
    assert any("(9 of 9)" in message for _, message in told)
    assert any("P3/t2.nii.gz failed: " in message for _, message in told)
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)


def test_only_what_is_missing_or_changed_is_converted_again(tree, tmp_path):
    out = tmp_path / "out"
    first = run(tree, out)
    before = files_of(out)
    again = run(tree, out)
    assert (first["reused"], again["reused"]) == (0, 8)
    assert again["written"] == first["written"]
    assert files_of(out) == before
    (out / "P0" / "t1.nii.gz").unlink()
    (out / "P1" / "t1.nii.gz").write_bytes(b"edited")
    write_ball(tree / "P2", 14, (3, 3, 3), seed=9)
    assert run(tree, out)["reused"] == 4
    changed = {name for name, when in files_of(out).items() if when != before[name]}
    assert changed == {"P0/t1.nii.gz", "P1/t1.nii.gz", "P2/t1.nii.gz", "P2/mask.nii.gz"}
    np.testing.assert_array_equal(nib.load(out / "P2/t1.nii.gz").get_fdata(),
                                  nib.load(tree / "P2/t1.nii.gz").get_fdata())
    assert run(tree, out, orientation="las")["reused"] == 0, "another choice is another work"


def test_regions_are_kept_too(shared_data, tmp_path):
    source = shared_data / "dicom_rt"
    first = run(source, tmp_path / "out")
    again = run(source, tmp_path / "out")
    assert again["reused"] > 0
    assert again["written"] == first["written"]
    assert len(set(first["written"])) == len(first["written"])
    assert again["failed"] == first["failed"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="only POSIX kills so")
def test_a_killed_conversion_is_taken_up(tmp_path):
    for number in range(12):
        write_ball(tmp_path / "in" / f"P{number:02d}", 40, (1.2, 1.2, 2), seed=number)
    words = [sys.executable, "-m", "app", "convert", str(tmp_path / "in"), str(tmp_path / "out"), "--json"]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    for line in process.stderr:
        if "(4 of 24)" in line:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stderr.close()
    ledger = (tmp_path / "out" / NAME).read_text().splitlines()
    kept = {name: when for name, when in files_of(tmp_path / "out").items() if ".partial" not in name}
    assert 4 <= len(ledger) < 24
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    result = json.loads(done.stdout)
    assert result["reused"] == len(ledger)
    assert len(result["written"]) == 24
    after = files_of(tmp_path / "out")
    assert len([name for name, when in kept.items() if after[name] == when]) >= len(ledger)


def test_boxes_of_a_folder_in_two_processes(tree, tmp_path):
    table = tmp_path / "cohort.csv"
    table.write_text("patient,image,mask\n" + "".join(
        f"P{number},in/P{number}/t1.nii.gz,in/P{number}/mask.nii.gz\n" for number in range(4)))
    by_table = tumour_boxes({"table": str(table), "out": str(tmp_path / "a.csv")}, quiet)
    by_folder = tumour_boxes({"table": str(tree), "out": str(tmp_path / "b.csv"), "jobs": 2}, quiet)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert by_table["rows"] == by_folder["rows"] > 20
    assert list(tmp_path.glob(".*")) == [], "a finished run leaves no ledger"


def test_cancelled_boxes_are_taken_up(tree, tmp_path):
    (tree / "P1" / "mask.nii.gz").unlink()
    ask = {"table": str(tree), "out": str(tmp_path / "boxes.csv")}

    def stop(_fraction, message):
        if "(3 of 4)" in message:
            raise Cancelled

    with pytest.raises(Cancelled):
        tumour_boxes(ask, stop)
    assert not (tmp_path / "boxes.csv").exists()
    [ledger] = tmp_path.glob(".boxes*")
    assert "P0" not in ledger.read_text()
    result = tumour_boxes(ask, quiet)
    assert result["reused"] == 2
    assert [each["case"] for each in result["failed"]] == ["P1"]
    with (tmp_path / "boxes.csv").open(newline="") as file:
        assert {row["patient"] for row in csv.DictReader(file)} == {"P0", "P2", "P3"}


def test_a_ledger_with_a_torn_end(tmp_path):
    path = tmp_path / "ledger"
    ledger = Ledger(path)
    ledger.keep("a", {"n": 1})
    with path.open("ab") as file:
        file.write(b'{"work": "b", "rec')
    torn = Ledger(path)
    assert (torn.find("a"), torn.find("b")) == ({"n": 1}, None)
    torn.keep("c", {"n": 3})
    assert Ledger(path).find("c") == {"n": 3}
    assert Ledger(path).find("a") == {"n": 1}


def test_a_work_is_its_files_state_and_settings(tmp_path):
    path = tmp_path / "x"
    path.write_text("one")
    name = name_work([path], {"a": 1})
    assert name_work([path], {"a": 1}) == name
    assert name_work([path], {"a": 2}) != name
    time.sleep(0.02)
    path.write_text("two")
    assert name_work([path], {"a": 1}) != name


@pytest.mark.parametrize("suffix", [".tsv", ".xlsx", ".parquet"])
def test_boxes_in_every_kind_of_table_and_never_over_the_cohort_s_own(tree, tmp_path, suffix):
    table = tmp_path / "cohort.csv"
    table.write_text("patient,image,mask\n0042,in/P0/t1.nii.gz,in/P0/mask.nii.gz\n")
    before = table.read_bytes()
    for out, told in ((table, "cohort's own table"), (tmp_path / "boxes", "ends in none of")):
        with pytest.raises(InputError, match=told):
            tumour_boxes({"table": str(table), "out": str(out)}, quiet)
    assert table.read_bytes() == before
    as_csv, other = tmp_path / "boxes.csv", tmp_path / f"boxes{suffix}"
    for out in (as_csv, other):
        tumour_boxes({"table": str(table), "out": str(out)}, quiet)
    assert read_table(other).to_dict("list") == read_table(as_csv).to_dict("list")
    assert set(read_table(other)["patient"]) == {"0042"}


def test_conversion_never_writes_over_its_sources(tree):
    before = {path: path.read_bytes() for path in tree.rglob("*.nii.gz")}
    image = tree / "P0" / "t1.nii.gz"
    for source, target in ((tree, tree), (image, image), (tree, tree / "P0" / "..")):
        with pytest.raises(InputError, match="take the place"):
            run(source, target)
    assert {path: path.read_bytes() for path in tree.rglob("*.nii.gz")} == before
