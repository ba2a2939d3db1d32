"""A model of the user's own leaves the library and can come back: it is put aside, not deleted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from app.core.bundle import SPECIFICATION
from app.core.errors import InputError
from app.core.jobs import Report
from app.core.paths import data_folder, program_folder


def remove_model(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Take a model of the user's own out of the library; the one that was put aside before under its name is gone.

    Parameters
    ----------
    request : dict
        `model`, its name.

    Returns
    -------
    dict
        `name`.

    Raises
    ------
    InputError
        The library has no such model, or it came with the program.
    """
    name = str(request["model"])
    folder = _own(name)
    if not (folder / SPECIFICATION).is_file():
        if (program_folder() / "models" / name / SPECIFICATION).is_file():
            raise InputError(f"The model '{name}' came with the program and stays.", "Only own models can be removed.")
        raise InputError(f"The library has no model '{name}' of your own.", "Choose one of those that it lists.")
    aside = _aside(name)
    shutil.rmtree(aside, ignore_errors=True)
    aside.parent.mkdir(parents=True, exist_ok=True)
    folder.replace(aside)
    report(1.0, "Done")
    return {"name": name}


def restore_model(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Bring back a model that `remove_model` has put aside.

    Parameters
    ----------
    request : dict
        `model`, its name.

    Returns
    -------
    dict
        `name`.

    Raises
    ------
    InputError
        Nothing was put aside under that name, or the name is taken again.
    """
    name = str(request["model"])
    folder, aside = _own(name), _aside(name)
    if not aside.is_dir():
        raise InputError(f"No model '{name}' was removed.", "Import it again.")
    if folder.exists():
        raise InputError(f"The library has another model named '{name}' now.", "Remove that one first.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside.replace(folder)
    report(1.0, "Done")
    return {"name": name}


def _own(name: str) -> Path:
    if not name or Path(name).name != name or name.startswith("."):
        raise InputError(f"'{name}' is no name of a model.", "Choose one of those that the library lists.")
    return data_folder() / "models" / name


def _aside(name: str) -> Path:
    return data_folder() / "removed models" / name
