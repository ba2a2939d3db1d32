"""How far the networks have come that other processes train: read from the epochs that they note."""

from __future__ import annotations

import json
import time
from pathlib import Path

_EVERY = 1.0
"""Seconds between two looks."""


class UnderWay:
    """Counts the trainings that have begun since it was made, and are not done, by the share of their epochs.

    Parameters
    ----------
    folder : Path
        Where trainings note their epochs, see `app.core.deep.journal`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._since = folder, time.time() - _EVERY
        self._passed_over: set[Path] = set()
        self._looked, self._found = -_EVERY, 0.0

    def count(self) -> float:
        """Trainings, each a share of 1; early stopping may end one sooner than it tells."""
        now = time.monotonic()
        if now - self._looked >= _EVERY:
            self._looked = now
            files = [path for path in self._folder.glob("*.jsonl") if path not in self._passed_over]
            self._found = sum(self._share(path) for path in files)
        return self._found

    def _share(self, path: Path) -> float:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            first, last = json.loads(lines[0]), json.loads(lines[-1])
            if last.get("done") or path.stat().st_mtime < self._since:
                self._passed_over.add(path)
                return 0.0
            epochs = float(last["epoch"]) / float(first["epochs"])
            return min((float(last["network"]) - 1 + epochs) / float(first["networks"]), 1.0)
        except (OSError, ValueError, KeyError, IndexError, ZeroDivisionError):  # no epoch yet, or half a line
            return 0.0
