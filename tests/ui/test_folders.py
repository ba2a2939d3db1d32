"""Paths in the reader's home folder are written shortly, and read back whole."""

from pathlib import Path

import pytest

from app.ui.folders import long_path, short_path


@pytest.mark.parametrize("path", ["", "~", "cohort", "cohort/t1.nii"])
def test_paths_at_home_are_short_and_others_whole(path, monkeypatch, tmp_path):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    whole = str(tmp_path / path)
    assert short_path(whole) == (f"~/{path}" if path else "~")
    assert long_path(short_path(whole)) == whole
    assert short_path(f"{tmp_path}-other/t1.nii") == f"{tmp_path}-other/t1.nii"
    assert long_path("/data/t1.nii") == "/data/t1.nii"
