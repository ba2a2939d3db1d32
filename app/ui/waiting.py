"""What the reader is waiting for, put on the progress line: looking first, then the score queue."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.ui.jobs import Jobs
from app.ui.scoring import Scoring
from app.ui.widgets.progress_line import ProgressLine


class Waiting(QObject):
    """Follows the running job of each lane and tells the one the reader cares for most."""

    def __init__(self, jobs: Jobs, scoring: Scoring, line: ProgressLine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scoring, self._line = scoring, line
        self._running: dict[str, tuple[str, str]] = {}
        jobs.started.connect(self._start)
        jobs.progress.connect(self._progress)
        for signal in (jobs.finished, jobs.failed):
            signal.connect(lambda job, _outcome: self._end(job))
        jobs.cancelled.connect(self._end)

    @property
    def lane(self) -> str:
        """The lane that the line speaks of; empty when nothing runs."""
        return next((lane for lane in ("view", "score", "train") if lane in self._running), "")

    def _start(self, job: str, lane: str, title: str) -> None:
        self._running[lane] = (job, title)
        if self.lane == lane:
            self._line.begin(self._text(title, ""))

    def _progress(self, job: str, fraction: float, message: str, seconds_left: float) -> None:
        lane = self.lane
        if lane and self._running[lane][0] == job:
            self._line.update_step(fraction, self._text(self._running[lane][1], message), seconds_left)

    def _end(self, job: str) -> None:
        lane = next((lane for lane, (running, _title) in self._running.items() if running == job), "")
        if not lane:
            return
        del self._running[lane]
        if self.lane:
            self._line.begin(self._text(self._running[self.lane][1], ""))
        elif lane != "score" or not self._scoring.waiting:  # between two of a queue the line stays
            self._line.end()

    def _text(self, title: str, message: str) -> str:
        owed = self._scoring.waiting
        count = f" (still {owed} to score)" if self.lane == "score" and owed > 1 else ""
        return " \N{EN DASH} ".join(part for part in (title, message) if part) + count
