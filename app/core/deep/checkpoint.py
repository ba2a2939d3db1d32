"""A training's state on disk, so that one that was stopped or killed goes on and ends as if it had not been."""

from __future__ import annotations

import hashlib
import json
import pickle
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from app.core.files import staged_file

State = dict[str, Any]
"""Tensors, numbers, text, and lists and dicts of these: what torch reads back without running code."""


def describe_training(settings: Mapping[str, Any]) -> str:
    """Digest everything that decides a training's outcome: a state counts for the same training only.

    Parameters
    ----------
    settings : mapping
        JSON values.

    Returns
    -------
    str
        SHA-256, hexadecimal.
    """
    told = {"torch": torch.__version__, **settings}
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


class Checkpoint:
    """One training's file.

    Parameters
    ----------
    path : Path
        Its folder is made when the first state is kept.
    key : str
        `describe_training()`; a file of another training is passed over, and replaced.
    every : float
        Seconds between two states that are kept; as a training repeats itself exactly, none is needed for each epoch.
    """

    def __init__(self, path: Path, key: str, every: float = 20.0) -> None:
        self._path, self._key, self._every = path, key, every
        self._kept = time.monotonic()

    def load(self) -> State | None:
        """Read the state; None where there is none of this training, or the file is damaged."""
        try:
            found = torch.load(self._path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError):
            return None
        if not isinstance(found, dict) or found.get("key") != self._key:
            return None
        state = found.get("state")
        return state if isinstance(state, dict) else None

    def offer(self, state: State) -> None:
        """Keep a state if the last one is old enough."""
        if time.monotonic() - self._kept >= self._every:
            self.save(state)

    def save(self, state: State) -> None:
        """Keep a state, whole or not at all."""
        with staged_file(self._path) as stage:
            torch.save({"key": self._key, "state": state}, stage)
        self._kept = time.monotonic()

    def remove(self) -> None:
        """Forget the training."""
        self._path.unlink(missing_ok=True)
