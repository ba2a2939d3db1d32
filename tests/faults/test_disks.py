"""Disks that are full, that can only be read, or that go: one sentence, nothing half-written, and it goes on after."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOUNTING = ["unshare", "--user", "--map-root-user", "--mount"]


def can_mount():
    return shutil.which("unshare") is not None and subprocess.run(
        [*MOUNTING, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False).returncode == 0


needs_mounts = pytest.mark.skipif(not can_mount(), reason="this system lets no user mount a disk of his own")


def try_on(kind, folder):
    done = subprocess.run([*MOUNTING, sys.executable, "-m", "tests.faults.disks", kind, str(folder)], cwd=ROOT,
                          capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@needs_mounts
def test_a_full_disk_is_told_and_nothing_half_written_stays(tmp_path):
    found = try_on("full", tmp_path)
    store = found.pop("store")
    assert len(found) == 6
    for name, words in found.items():
        assert words["message"].startswith("The disk is full"), name
        assert words["remedy"] == "Free some space and try again.", name
        assert words["hidden"] == [], name
        assert set(words["left"]) <= {"score", "cache", "view"}, f"{name} leaves {words['left']}"
        assert words["afterwards"] == "done", f"{name} does not go on when there is room"
    assert store["kept"] == store["there"] > 0
    assert store["after"] == store["kept"] + 1
    assert "full" in store["told"]
    assert (store["notice"], store["owed"]) == ("", True)


@needs_mounts
def test_a_disk_that_can_only_be_read_is_told(tmp_path):
    found = try_on("readonly", tmp_path)
    assert found.pop("store")["message"].startswith("The worklist cannot be opened")
    for name, words in found.items():
        assert words["message"].startswith("That folder can only be read"), name
        assert words["remedy"], name


@needs_mounts
def test_a_drive_that_goes_costs_the_cases_on_it_and_no_more(tmp_path):
    found = try_on("gone", tmp_path)
    assert all(words["lost"] for words in found.values())
    for name in ("extract", "score_cohort"):
        words = found[f"images {name}"]
        assert words["kind"] == "done"
        assert 1 <= len(words["failed"]) <= 3
        assert all(sentence.startswith("There is no file or folder 't1.nii.gz'") for sentence in words["failed"])
    assert len(found["images score_cohort"]["scores"]) + len(found["images score_cohort"]["failed"]) == 4
    assert found["results extract"]["message"].startswith("That folder can only be read")
    assert len(found["results score_cohort"]["scores"]) >= 1
    assert all(sentence.startswith("That folder can only be read")
               for sentence in found["results score_cohort"]["failed"])
