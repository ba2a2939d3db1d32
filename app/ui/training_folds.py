"""Folds that a run has finished, read from its folder while it goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

EVERY_MS = 1000
MOST_AT_ONCE = 60
Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


def roc(labels: list[int], probabilities: list[float]) -> Curve:
    """The ROC curve of one fold.

    Parameters
    ----------
    labels : list of int
        0 or 1.
    probabilities : list of float
        Of class 1.

    Returns
    -------
    fpr, tpr : array, shape (points,)
        1 - specificity and sensitivity, from (0, 0) to (1, 1); tied cases are one step.
    """
    truth = np.asarray(labels)[np.argsort(probabilities)[::-1]]
    steps = np.r_[np.flatnonzero(np.diff(np.sort(probabilities)[::-1])), len(truth) - 1]
    tpr, fpr = np.cumsum(truth == 1)[steps], np.cumsum(truth == 0)[steps]
    return (np.r_[0.0, fpr / max(1, (truth == 0).sum())], np.r_[0.0, tpr / max(1, (truth == 1).sum())])


def mean_roc(curves: list[Curve]) -> Curve:
    """The mean of ROC curves over a grid of 1 - specificity, shape (101,) each."""
    grid = np.linspace(0, 1, 101)
    mean = np.mean([np.interp(grid, fpr, tpr) for fpr, tpr in curves], axis=0)
    return np.r_[0.0, grid], np.r_[0.0, mean]


class FinishedFolds(QObject):
    """Watches a folder `<recipe>/<repeat>-<fold>.json`.

    Signals
    -------
    changed()
        Folds were found, or another folder is watched.
    looked(str, bool)
        The folder ('' for none) was looked at, and whether a run goes on there.
    """

    changed = Signal()
    looked = Signal(str, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self._seen: dict[Path, float] = {}
        self.folds: dict[str, dict[tuple[int, int], Mapping[str, Any]]] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self.read)

    def watch(self, folder: str, *, live: bool) -> None:
        """Read a folder's folds, now and while the run is `live`."""
        path = Path(folder) if folder else None
        if path != self._folder:
            self._folder, self._seen, self.folds = path, {}, {}
            self.changed.emit()
        if live:
            self._timer.start()
        else:
            self._timer.stop()
        self.read()

    def read(self) -> None:
        """Read what is new; a bounded number at a time, the rest a moment later."""
        self.looked.emit(str(self._folder or ""), self._timer.isActive())
        if self._folder is None or not self._folder.is_dir():
            return
        found = False
        for path in sorted(self._folder.glob("*/*.json")):
            try:
                stamp = path.stat().st_mtime
                if self._seen.get(path) == stamp:
                    continue
                record = json.loads(path.read_bytes())
                curve = roc(record["labels"], record["probabilities"])
                place = int(record["repeat"]), int(record["fold"])
            except (OSError, ValueError, KeyError, TypeError):
                continue
            self._seen[path] = stamp
            recipe = str(record.get("recipe") or path.parent.name)
            self.folds.setdefault(recipe, {})[place] = {"auc": record.get("auc"), "curve": curve}
            found = True
            if len(self._seen) % MOST_AT_ONCE == 0:
                QTimer.singleShot(50, self.read)
                break
        if found:
            self.changed.emit()

    def aucs(self, recipe: str) -> list[float]:
        """AUC of every finished fold, in the order of repeats and folds."""
        folds = self.folds.get(recipe, {})
        return [float(folds[place]["auc"]) for place in sorted(folds) if folds[place]["auc"] is not None]

    def curves(self, recipe: str) -> list[Curve]:
        """ROC curve of every finished fold."""
        folds = self.folds.get(recipe, {})
        return [folds[place]["curve"] for place in sorted(folds)]

    def count(self, recipe: str) -> int:
        """How many folds are finished."""
        return len(self.folds.get(recipe, {}))
