"""What the epochs of a training came to, as lines of JSON, for whoever watches while it runs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.core.deep.fit import Epoch


@dataclass(eq=False)
class Journal:
    """A file for each training: a line that describes it, a line for each epoch, and a last one when it is done.

    A disk that is full loses lines, not the training.

    Parameters
    ----------
    folder : Path
        Made when the first training begins.
    title : str
        Of the model in its run.
    """

    folder: Path
    title: str
    _path: Path | None = field(default=None, init=False, repr=False)

    def begin(self, facts: Mapping[str, Any]) -> None:
        """Start a new file: `title`, and what is known of the training."""
        self._path = self.folder / f"{uuid.uuid4().hex}.jsonl"
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
        self._write({"title": self.title, **facts})

    def note(self, network: int, epoch: Epoch) -> None:
        """Add an epoch of a network, which is numbered from 1."""
        self._write({
            "network": network, "epoch": epoch.number, "phase": epoch.phase, "loss": epoch.trained,
            "watched": epoch.watched, "auc": epoch.auc, "rate": epoch.rate, "batch": epoch.batch,
        })  # fmt: skip

    def end(self) -> None:
        """Say that the training is done."""
        self._write({"done": True})

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._path is None:
            return
        with suppress(OSError), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
