"""Where the program keeps what is its user's: one data folder, and the named places inside it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs

from app.core.errors import InputError


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InputError(f"The data folder cannot be made ({error.strerror}).",
                         "Free some space, or name another folder in LIPOSCOPE_DATA.") from error
    return path


def data_folder() -> Path:
    """Find the user's data folder, made if missing; the environment variable LIPOSCOPE_DATA overrides it.

    Raises
    ------
    InputError
        When it cannot be made.
    """
    chosen = os.environ.get("LIPOSCOPE_DATA")
    return _folder(Path(chosen) if chosen else platformdirs.user_data_path("LipoScope", appauthor=False))


def runs_folder() -> Path:
    """Find the folder that holds one folder per job, with its request and its outcome."""
    return _folder(data_folder() / "runs")


def cases_folder() -> Path:
    """Find the folder that says which of the user's cases the rows of a model's evaluation are."""
    return _folder(data_folder() / "cases")


def logs_folder() -> Path:
    """Find the folder of the logs: what the program did, never on whose images."""
    return _folder(data_folder() / "logs")


def store_file() -> Path:
    """Name the worklist's database."""
    return data_folder() / "store.sqlite3"


def program_folder() -> Path:
    """Where the shipped resources and models lie: beside the source, or inside the frozen program."""
    frozen = getattr(sys, "_MEIPASS", None)
    return Path(frozen) if frozen else Path(__file__).resolve().parents[2]
