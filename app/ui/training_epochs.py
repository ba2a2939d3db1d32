"""Epochs of the networks that a run trains now, read from its folder while it goes on."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.ui.training_folds import FinishedFolds

FOLDER = "epochs"
_SLACK = 5.0
"""Seconds by which a file may be older than the look that began the run."""
_RECENT = 20
"""Epochs that the time of an epoch is told from."""


@dataclass(frozen=True)
class Point:
    """What an epoch came to, as the engine noted it; NaN where nothing was watched."""

    epoch: int
    phase: int
    loss: float
    watched: float
    auc: float
    batch: int


@dataclass(eq=False)
class Course:
    """A training under way: one network after the other, each with its epochs.

    Parameters
    ----------
    title : str
        Of the model in its run.
    networks : int
        How many are trained, one after the other.
    most : int
        Epochs of a network at most.
    device : str
        What it runs on.
    points : dict of int to list of Point
        Of each network, numbered from 1.
    done : bool
    told : list of str
        Notices of the engine.
    """

    title: str = ""
    networks: int = 1
    most: int = 0
    device: str = ""
    points: dict[int, list[Point]] = field(default_factory=dict)
    done: bool = False
    told: list[str] = field(default_factory=list)
    _times: list[tuple[float, int]] = field(default_factory=list)

    @property
    def network(self) -> int:
        """The one that is trained now."""
        return max(self.points, default=1)

    @property
    def curve(self) -> list[Point]:
        """Its epochs."""
        return self.points.get(self.network, [])

    @property
    def notices(self) -> list[str]:
        """What the reader should know of the network that is trained now."""
        return [*self.told, *notices_of(self.curve)]

    def left(self) -> float:
        """Seconds until the last epoch at most, of all networks; negative while not known."""
        if len(self._times) < 2 or not self.most:
            return -1.0
        (begun, first), (last, count) = self._times[0], self._times[-1]
        if count <= first or last <= begun:
            return -1.0
        here = max(self.most - len(self.curve), 0) + self.most * max(self.networks - self.network, 0)
        return (last - begun) / (count - first) * here

    def take(self, line: Mapping[str, Any]) -> None:
        """Add a line of the file; one that says nothing known is passed over."""
        if "title" in line:
            self.title, self.device = str(line["title"]), str(line.get("device") or "")
            self.networks, self.most = int(line.get("networks") or 1), int(line.get("epochs") or 0)
        elif "epoch" in line:
            network = int(line.get("network") or 1)
            point = Point(int(line["epoch"]), int(line.get("phase") or 1), number(line.get("loss")),
                          number(line.get("watched")), number(line.get("auc")), int(line.get("batch") or 0))
            kept = self.points.setdefault(network, [])
            while kept and kept[-1].epoch >= point.epoch:  # taken up from an earlier state
                kept.pop()
            kept.append(point)
        elif "notice" in line:
            self.told.append(str(line["notice"]))
        self.done = self.done or bool(line.get("done"))

    def note(self, now: float) -> None:
        """Remember how many epochs there are now, to tell the time that is left."""
        count = sum(map(len, self.points.values()))
        if count and (not self._times or count > self._times[-1][1]):
            self._times = [*self._times, (now, count)][-_RECENT:]


class RunningEpochs(QObject):
    """Follows the folder that the finished folds are read from.

    Signals
    -------
    changed()
        Epochs were found, or a training has ended.
    """

    changed = Signal()

    def __init__(self, folds: FinishedFolds, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder, self._since = "", math.inf
        self._courses: dict[Path, Course] = {}
        self._read: dict[Path, int] = {}
        folds.looked.connect(self.look)

    @property
    def running(self) -> list[Course]:
        """The trainings under way, in the order of their titles."""
        going = [course for course in self._courses.values() if not course.done and course.points]
        return sorted(going, key=lambda course: course.title)

    def look(self, folder: str, live: bool) -> None:
        """Read what is new; nothing is shown of a run that does not go on."""
        watched = folder if live else ""
        if watched != self._folder:
            had = bool(self._courses)
            self._folder, self._courses, self._read = watched, {}, {}
            self._since = time.time() - _SLACK if watched else math.inf
            if had:
                self.changed.emit()
        if watched:
            self._look(Path(watched) / FOLDER)

    def _look(self, folder: Path) -> None:
        found = False
        try:
            files = list(folder.glob("*.jsonl"))
        except OSError:
            return
        for path in files:
            try:
                state = path.stat()
                if state.st_mtime < self._since or state.st_size == self._read.get(path):
                    continue
                found = self._read_more(path) or found
            except OSError:
                continue
        if found:
            self.changed.emit()

    def _read_more(self, path: Path) -> bool:
        """Read whole lines from where the last look ended."""
        with path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            more = file.read()
        whole = more[:more.rfind(b"\n") + 1]
        if not whole:
            return False
        self._read[path] = self._read.get(path, 0) + len(whole)
        course = self._courses.setdefault(path, Course())
        for line in whole.splitlines():
            try:
                course.take(json.loads(line))
            except (ValueError, TypeError, KeyError):
                continue
        course.note(time.monotonic())
        return True


def best_of(curve: list[Point]) -> Point | None:
    """The epoch whose weights are kept so far: of the lowest watched loss, or the last where none is watched."""
    watched = [point for point in curve if math.isfinite(point.watched)]
    return min(watched, key=lambda point: point.watched) if watched else curve[-1] if curve else None


def phases_of(curve: list[Point]) -> list[tuple[int, int]]:
    """The last epoch of every phase but the last, with the phase that follows."""
    return [(before.epoch, after.phase) for before, after in pairwise(curve)
            if after.phase != before.phase]


def notices_of(curve: list[Point]) -> list[str]:
    """Say where the memory ran out."""
    return [f"Memory ran out with {before.batch} pictures at a time; from epoch {after.epoch} on it is {after.batch}."
            for before, after in pairwise(curve) if 0 < after.batch < before.batch]


def number(value: Any) -> float:
    """A number, or NaN."""
    return float(value) if isinstance(value, (int, float)) else math.nan
