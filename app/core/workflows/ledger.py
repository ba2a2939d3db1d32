"""A ledger of finished work beside its output: a line per piece, so that a run that was killed is taken up again.

A line is added when a piece is finished and never changed; the last one may be torn by a power cut and then counts for
nothing. A piece's name is a digest of the files that it was made from and of the settings: it tells nobody's name.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

NAME = ".liposcope-progress.jsonl"


def name_work(files: Iterable[str | Path], *settings: Any) -> str:
    """Name a piece of work by the state of its files and by its settings.

    Parameters
    ----------
    files : iterable of path
        What it is made from; a file counts as the same while its path, size and times of change are.
    settings : JSON values
        Whatever else decides the result.

    Returns
    -------
    str
        SHA-256, hexadecimal.

    Raises
    ------
    OSError
        A file is gone.
    """
    states = [(str(path), Path(path).stat()) for path in files]
    listed = [[path, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino] for path, state in states]
    return hashlib.sha256(json.dumps([listed, *settings], sort_keys=True).encode()).hexdigest()


class Ledger:
    """Finished pieces of work and what came of each.

    Parameters
    ----------
    path : path
        Made with the first piece.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._known: dict[str, dict[str, Any]] = {}
        self._torn = False
        if self._path.is_file():
            content = self._path.read_bytes()
            self._torn = bool(content) and not content.endswith(b"\n")
            for line in content.splitlines():
                try:
                    entry = json.loads(line)
                    self._known[entry["work"]] = entry["record"]
                except (ValueError, TypeError, KeyError):
                    continue

    def find(self, work: str) -> dict[str, Any] | None:
        """What came of a piece of work; None when it was not finished."""
        return self._known.get(work)

    def keep(self, work: str, record: dict[str, Any]) -> None:
        """Note that a piece is finished; the note is on the disk when this returns."""
        line = json.dumps({"work": work, "record": record}) + "\n"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write((b"\n" if self._torn else b"") + line.encode())
            file.flush()
            os.fsync(file.fileno())
        self._torn = False
        self._known[work] = record

    def forget(self) -> None:
        """Remove the ledger: the whole is finished."""
        self._path.unlink(missing_ok=True)
