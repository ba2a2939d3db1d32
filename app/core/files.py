"""Writing so that a reader never sees half a file: everything is staged beside its target and renamed into place.

What a killed program has left half-written is swept away: by the notes of its run (environment variable LIPOSCOPE_RUN),
so that a cancelled job leaves no trace, and wherever something is staged in the same folder again. A folder that was
put aside for another to take its place comes back when the other never did.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from uuid import uuid4

from app.core.errors import InputError
from app.core.living import MARK, is_living, own_mark

RUN_VARIABLE = "LIPOSCOPE_RUN"
NOTES = "stages.jsonl"
_LONGEST = 255
_NAME = re.compile(rf"\.(partial|former)-({MARK})-[0-9a-f]{{6}}-(.+)", re.DOTALL)


def _stage(target: Path) -> Path:
    """Name a stage beside `target` that ends like it, so that writers which look at the suffix still work."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep_once(target.parent)
    return _note(target, "partial")


def _note(target: Path, kind: str) -> Path:
    """Name something beside `target` that is only for now, and note it in the run."""
    prefix, name = f".{kind}-{own_mark()}-{uuid4().hex[:6]}-", target.name
    while kind == "partial" and len(os.fsencode(prefix + name)) > _LONGEST and len(name) > 1:
        name = name[1:]
    stage = target.with_name(prefix + name)
    run = os.environ.get(RUN_VARIABLE)
    if run and Path(run).is_dir():
        with (Path(run) / NOTES).open("a", encoding="utf-8") as notes:
            notes.write(json.dumps({"path": str(stage.resolve())}) + "\n")
    return stage


def _remove(path: Path) -> None:
    """Remove it as far as the disk obeys: what cannot be removed now is swept later."""
    with suppress(OSError):
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
    sweep_folder(target.parent)
    if target.exists() and not replace and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target.name} already exists and is not empty.", "Choose a new folder.")
    stage = _stage(target)
    stage.mkdir()
    try:
        yield stage
        if target.exists():
            former = _note(target, "former")
            target.rename(former)
            try:
                stage.rename(target)
            except OSError:
                former.rename(target)
                raise
            _remove(former)
        else:
            stage.rename(target)
    finally:
        _remove(stage)


def sweep_stages(run: Path, *, also_living: bool = False) -> None:
    """Remove what a run left half-written, and bring back what it had put aside.

    Parameters
    ----------
    run : Path
        The run's folder.
    also_living : bool
        Also what a process has in hand that still exists, for when it is known to have been killed.
    """
    notes = run / NOTES
    if not notes.is_file():
        return
    left = []
    for line in notes.read_text(encoding="utf-8").splitlines():
        try:
            stage = Path(json.loads(line)["path"])
        except (ValueError, KeyError, TypeError):
            continue
        if not _settle(stage, also_living=also_living):
            left.append(line)
    if left:
        write_atomically(notes, ("\n".join(left) + "\n").encode())
    else:
        notes.unlink(missing_ok=True)


def sweep_folder(folder: Path) -> None:
    """Remove what killed programs left half-written in a folder, and bring back what they had put aside.

    Parameters
    ----------
    folder : Path
        It need not exist; what lies deeper is not looked at.
    """
    with suppress(OSError):
        for path in list(folder.iterdir()):
            if path.name.startswith((".partial-", ".former-")):
                _settle(path)


@cache
def _sweep_once(folder: Path) -> None:
    """Sweep a folder at this process's first write to it: it may hold ten thousand files."""
    sweep_folder(folder)


def _settle(path: Path, *, also_living: bool = False) -> bool:
    """End what its maker has left; False while its maker lives."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        return True
    kind, mark, name = found.groups()
    if not also_living and is_living(mark):
        return False
    target = path.with_name(name)
    if kind == "former" and not target.exists():
        with suppress(OSError):
            path.rename(target)
    else:
        _remove(path)
    return True


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
