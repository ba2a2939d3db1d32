"""Writing so that a reader never sees half a file: everything is staged beside its target and renamed into place.

A job's stages are noted in its run folder (environment variable LIPOSCOPE_RUN), so that those of a killed engine
can be swept away: a cancelled job leaves no trace.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psutil

from app.core.errors import InputError

RUN_VARIABLE = "LIPOSCOPE_RUN"
NOTES = "stages.jsonl"


def _stage(target: Path) -> Path:
    """Name a stage beside `target` that ends like it, so that writers which look at the suffix still work."""
    target.parent.mkdir(parents=True, exist_ok=True)
    stage = target.with_name(f".partial-{uuid4().hex[:8]}-{target.name}")
    run = os.environ.get(RUN_VARIABLE)
    if run and Path(run).is_dir():
        with (Path(run) / NOTES).open("a", encoding="utf-8") as notes:
            notes.write(json.dumps({"process": os.getpid(), "path": str(stage.resolve())}) + "\n")
    return stage


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def staged_file(target: str | Path) -> Iterator[Path]:
    """Give a path to write to; it becomes `target` when the block ends well, and vanishes when it does not.

    Parameters
    ----------
    target : path
        Replaced if it exists; its folder is made if missing.

    Yields
    ------
    Path
        In the same folder, with the same ending.
    """
    target = Path(target)
    stage = _stage(target)
    try:
        yield stage
        with stage.open("rb+") as written:
            os.fsync(written.fileno())
        stage.replace(target)
    finally:
        _remove(stage)


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write a whole file or nothing.

    Parameters
    ----------
    path : path
        Replaced if it exists; its folder is made if missing.
    content : bytes
        What it shall hold.
    """
    with staged_file(path) as stage:
        stage.write_bytes(content)


@contextmanager
def staged_folder(target: str | Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a folder to fill; it becomes `target` when the block ends well, and vanishes when it does not.

    Parameters
    ----------
    target : path
        An empty folder there is taken over.
    replace : bool
        Whether a folder there that holds something may be replaced.

    Yields
    ------
    Path
        An empty folder beside the target.

    Raises
    ------
    InputError
        When the target holds something and may not be replaced.
    """
    target = Path(target)
    if target.exists() and not replace and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target.name} already exists and is not empty.", "Choose a new folder.")
    stage = _stage(target)
    stage.mkdir()
    try:
        yield stage
        if target.exists():
            former = _stage(target)
            target.rename(former)
            stage.rename(target)
            _remove(former)
        else:
            stage.rename(target)
    finally:
        _remove(stage)


def sweep_stages(run: Path, *, also_living: bool = False) -> None:
    """Remove what a run left half-written.

    Parameters
    ----------
    run : Path
        The run's folder.
    also_living : bool
        Also the stages of a process that still exists, for when it is known to have been killed.
    """
    notes = run / NOTES
    if not notes.is_file():
        return
    for line in notes.read_text(encoding="utf-8").splitlines():
        try:
            note = json.loads(line)
        except ValueError:
            continue
        if not also_living and psutil.pid_exists(note["process"]):
            return
        stage = Path(note["path"])
        if stage.name.startswith(".partial-"):
            _remove(stage)
    notes.unlink()


def name_file(text: str) -> str:
    """Make a name that a file or a folder may have: what would lead elsewhere, or trouble a system, is replaced."""
    return re.sub(r"[^\w.+-]+", "_", text).strip("._") or "case"


def name_files(texts: Iterable[str]) -> list[str]:
    """Make a name for each text, no two alike, not even where capitals do not count."""
    names: list[str] = []
    taken: set[str] = set()
    for text in texts:
        name, number = name_file(text), 2
        while name.lower() in taken:
            name, number = f"{name_file(text)}-{number}", number + 1
        names.append(name)
        taken.add(name.lower())
    return names
