"""What a killed program leaves beside its targets is put in order by whoever comes next."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.core import files
from app.core.bundle import find_bundles
from app.core.files import staged_file, staged_folder, sweep_folder, sweep_stages
from app.core.living import own_mark

ROOT = Path(__file__).resolve().parents[2]
DEAD = own_mark().rpartition("-")[0] + "-1"
BETWEEN = """
import os, sys, pathlib
from app.core import files
rename = pathlib.Path.rename
def die_after_the_first(self, target):
    rename(self, target)
    os._exit(9)
pathlib.Path.rename = die_after_the_first
with files.staged_folder(sys.argv[1], replace=True) as stage:
    (stage / "bundle.json").write_text("new")
"""


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "models" / "mine"
    folder.mkdir(parents=True)
    (folder / "bundle.json").write_text("old")
    return folder


def kill_between_the_renames(model, **more):
    done = subprocess.run([sys.executable, "-c", BETWEEN, str(model)], check=False,
                          env={**os.environ, "PYTHONPATH": str(ROOT), **more})
    assert done.returncode == 9
    assert not model.exists()


def test_a_folder_that_was_being_replaced_comes_back(model):
    kill_between_the_renames(model)
    assert find_bundles([model.parent]) == {}, "what is hidden is no model"
    sweep_folder(model.parent)
    assert (model / "bundle.json").read_text() == "old"
    assert list(model.parent.iterdir()) == [model]
    assert find_bundles([model.parent]) == {"mine": model}


def test_the_notes_of_a_run_bring_it_back_too(model, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    kill_between_the_renames(model, LIPOSCOPE_RUN=str(run))
    sweep_stages(run)
    assert (model / "bundle.json").read_text() == "old"
    assert list(model.parent.iterdir()) == [model]
    assert list(run.iterdir()) == []


def test_the_next_to_replace_it_finds_it_again(model):
    kill_between_the_renames(model)
    with pytest.raises(files.InputError, match="not empty"), staged_folder(model):
        pass
    assert (model / "bundle.json").read_text() == "old"


def test_a_failed_replacement_leaves_the_former(model, monkeypatch):
    rename = Path.rename

    def refuse(self, target):
        if self.name.startswith(".partial"):
            raise PermissionError("in use")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(PermissionError), staged_folder(model, replace=True) as stage:
        (stage / "bundle.json").write_text("new")
    assert (model / "bundle.json").read_text() == "old"
    assert list(model.parent.iterdir()) == [model]


def test_what_others_have_in_hand_is_let_be(tmp_path):
    mine, theirs = tmp_path / f".partial-{own_mark()}-0a1b2c-a.csv", tmp_path / ".partial-ffff-12-1-0a1b2c-a.csv"
    foreign = tmp_path / ".partial-notes-of-somebody"
    dead = tmp_path / f".partial-{DEAD}-0a1b2c-a.csv"
    for path in (mine, theirs, foreign, dead):
        path.write_text("half")
    sweep_folder(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {mine.name, theirs.name, foreign.name}


def test_writing_sweeps_what_lies_beside(tmp_path):
    dead = tmp_path / f".partial-{DEAD}-0a1b2c-other.csv"
    dead.write_text("half")
    files._sweep_once.cache_clear()
    with staged_file(tmp_path / "a.csv") as stage:
        stage.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_long_name_is_staged_under_a_shorter_one(tmp_path):
    target = tmp_path / ("ü" * 120 + ".nii.gz")
    with staged_file(target) as stage:
        assert stage.name.endswith(".nii.gz")
        stage.write_text("x")
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_a_stage_that_cannot_be_removed_hides_no_failure(tmp_path, monkeypatch):
    def refuse(*_words, **_named):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ValueError, match="the work's own"), staged_file(tmp_path / "a.csv"):
        raise ValueError("the work's own")
