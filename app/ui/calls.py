"""One question to the engine at a time: a newer one supersedes it, and only the newest is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.ui.jobs import Jobs

WORKFLOWS = "app.core.workflows:"


def free_lane(jobs: Jobs) -> str:
    """Name the lane where a short question is answered soonest; never that of the pictures."""
    return "train" if jobs.live_jobs("score") and not jobs.live_jobs("train") else "score"


class Call(QObject):
    """Starts a workflow and hears of that job alone.

    Parameters
    ----------
    jobs : Jobs
        What runs it.
    workflow : str
        Its name, e.g. 'extract'.
    lane : str
        'score' or 'train'; '' takes the one that is free.

    Signals
    -------
    began()
        It was put in the queue, has left it, or waits for another than before.
    progress(float, str, float)
        Fraction 0 to 1, the step's name, seconds left (negative while unknown).
    finished(dict), failed(Failure), stopped()
        How it ended.
    """

    began = Signal()
    progress = Signal(float, str, float)
    finished = Signal(dict)
    failed = Signal(object)
    stopped = Signal()

    def __init__(self, jobs: Jobs, workflow: str, lane: str = "", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._workflow, self._lane, self._job = jobs, workflow, lane, ""
        self.request: dict[str, Any] = {}
        self._in_lane, self._started = "", False
        jobs.started.connect(self._begin)
        jobs.progress.connect(self._progress)
        jobs.finished.connect(self._finish)
        jobs.failed.connect(self._fail)
        jobs.cancelled.connect(self._stop)

    @property
    def running(self) -> bool:
        """Whether an answer is owed."""
        return bool(self._job)

    @property
    def ahead(self) -> str:
        """Title of the job that this one waits for; '' when it waits for none."""
        if not self._job or self._started:
            return ""
        first = next(iter(self._jobs.live_jobs(self._in_lane)), None)
        return "" if first is None or first.id == self._job else first.title or "what runs now"

    def standing(self) -> str:
        """Say whether it is about to start or waits, and for what."""
        ahead = self.ahead
        return f"Waiting for: {ahead[:1].lower()}{ahead[1:]}" if ahead else "Starting"

    def start(self, request: Mapping[str, Any], title: str = "", lane: str = "") -> None:
        """Ask, for once in another lane where one is named; what was asked before is called off."""
        former, self._job = self._job, ""
        if former:
            self._jobs.cancel(former)
        self.request = dict(request)
        self._in_lane, self._started = lane or self._lane or free_lane(self._jobs), False
        self._job = self._jobs.start(self._in_lane, WORKFLOWS + self._workflow, self.request, title)
        self.began.emit()

    def cancel(self) -> None:
        """Call it off; `stopped` follows."""
        if self._job:
            self._jobs.cancel(self._job)

    def _begin(self, job: str, _lane: str, _title: str) -> None:
        if self._job and not self._started:
            self._started = job == self._job
            self.began.emit()

    def _progress(self, job: str, fraction: float, message: str, left: float) -> None:
        if job and job == self._job:
            self.progress.emit(fraction, message, left)

    def _finish(self, job: str, result: dict[str, Any]) -> None:
        if job and job == self._job:
            self._job = ""
            self.finished.emit(result)

    def _fail(self, job: str, failure: object) -> None:
        if job and job == self._job:
            self._job = ""
            self.failed.emit(failure)

    def _stop(self, job: str) -> None:
        if job and job == self._job:
            self._job = ""
            self.stopped.emit()
