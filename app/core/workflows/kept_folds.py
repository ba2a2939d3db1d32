"""Folds that were fitted before: a run that is stopped, or killed, goes on where it was.

A finished fold is one small JSON file in the run's folder. It counts only for the same table, labels, split, model,
seed and program; numbers survive to the last bit. Whoever watches the run reads the same files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.crossvalidate import FoldFit, Runner
from app.core.evaluate.folds import Split
from app.core.evaluate.metrics import auc
from app.core.files import write_atomically
from app.core.workflows.finished import program_digest

_PACKAGES = ("numpy", "scipy", "scikit-learn", "xgboost-cpu", "imbalanced-learn", "torch", "skorch", "monai")
_CODE = ("app/core/recipe.py", "app/core/network_recipe.py", "app/core/classify", "app/core/deep", "app/core/evaluate",
         "app/core/harmonise")

Answer = tuple[NDArray[np.float64], FoldFit]


def describe_work(settings: dict[str, Any], rows: Any, labels: NDArray[np.int_], patients: NDArray[Any]) -> str:
    """Digest all that decides a fold's answers besides its split.

    Parameters
    ----------
    settings : dict
        Of the model and its seed, as JSON.
    rows : pandas.DataFrame or array, shape (rows, columns)
    labels, patients : array, shape (rows,)

    Returns
    -------
    str
        SHA-256, hexadecimal.
    """
    digest = hashlib.sha256(program_digest(_PACKAGES, _CODE).encode())
    digest.update(json.dumps(settings, sort_keys=True).encode())
    for name, column in rows.items() if hasattr(rows, "items") else enumerate(np.transpose(rows)):
        values = np.asarray(column)
        plain = values.tobytes() if values.dtype.kind in "biuf" else repr(values.tolist()).encode()
        digest.update(f"{name!r} {values.dtype}".encode() + plain)
    digest.update(repr([np.asarray(labels).tolist(), np.asarray(patients).tolist()]).encode())
    return digest.hexdigest()


class KeptFolds:
    """A runner of folds that keeps every answer, and fits only what is not kept yet.

    Parameters
    ----------
    folder : Path
        A model's own, within the run's.
    work : str
        `describe_work()`.
    labels : array of int, shape (rows,)
    k : int
        Folds of a repeat, for the names.
    runner : callable
        `map`, or one like it.
    """

    def __init__(self, folder: Path, work: str, labels: NDArray[np.int_], k: int, runner: Runner = map) -> None:
        self._folder, self._work, self._labels, self._k, self._runner = folder, work, labels, k, runner

    def __call__(self, fit: Callable[[Any], Any], splits: Iterable[Split]) -> Iterator[Answer]:
        """Answer for every split in order."""
        asked: Sequence[Split] = list(splits)
        known = {place: answer for place, split in enumerate(asked) if (answer := self._find(place, split)) is not None}
        fresh = iter(self._runner(fit, [split for place, split in enumerate(asked) if place not in known]))
        for place, split in enumerate(asked):
            if place in known:
                yield known[place]
                continue
            answer = next(fresh)
            self._keep(place, split, answer)
            yield answer

    def _path(self, place: int) -> Path:
        return self._folder / f"{place // self._k + 1:02d}-{place % self._k + 1:02d}.json"

    def _key(self, split: Split) -> str:
        told = json.dumps([each.tolist() for each in split])
        return hashlib.sha256(f"{self._work} {told}".encode()).hexdigest()

    def _find(self, place: int, split: Split) -> Answer | None:
        try:
            kept = json.loads(self._path(place).read_bytes())
            if kept["key"] != self._key(split):
                return None
            fit = kept["fit"]
            rates = {float(rate): (low, high) for rate, (low, high) in fit.pop("conformal").items()}
            probabilities = np.array(kept["probabilities"], dtype=float)
            whole = probabilities.shape == np.shape(split[1])
            return (probabilities, FoldFit(*split, conformal=rates, **fit)) if whole else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _keep(self, place: int, split: Split, answer: Answer) -> None:
        probabilities, fit = answer
        labels = self._labels[split[1]]
        area = auc(labels, probabilities)
        record = {
            "key": self._key(split),
            "recipe": self._folder.name,
            "repeat": place // self._k + 1,
            "fold": place % self._k + 1,
            "auc": area if np.isfinite(area) else None,
            "labels": labels.tolist(),
            "probabilities": probabilities.tolist(),
            "fit": {name: value for name, value in vars(fit).items() if name not in ("train", "test")},
        }
        write_atomically(self._path(place), json.dumps(record, default=_plain).encode())


def _plain(value: Any) -> Any:
    """A numpy value as JSON has it."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
