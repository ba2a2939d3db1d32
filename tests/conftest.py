"""Fixtures for every test: no display needed, the shared data where it is present, a data folder of its own."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"the shared data folder is not beside the repository ({SHARED.parent.name}/{SHARED.name})")
    return SHARED


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path_factory, monkeypatch) -> Path:
    folder = tmp_path_factory.mktemp("data_folder")
    monkeypatch.setenv("LIPOSCOPE_DATA", str(folder))
    return folder
