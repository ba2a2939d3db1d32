"""Scores are kept the moment they are finished; what the disk refuses is kept as soon as the disk obeys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.core.errors import AppError, Failure
from app.ui.jobs import Jobs
from app.ui.state import SessionState

RETRY_MS = 5000


class Keeping(QObject):
    """The way of a score into the store.

    Signals
    -------
    refused(Failure)
        A score could not be kept; said once until all are kept.
    caught_up(int)
        So many scores that were refused are kept now.
    """

    refused = Signal(object)
    caught_up = Signal(int)

    def __init__(self, state: SessionState, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._jobs = state, jobs
        self._waiting: list[tuple[str, dict[str, Any], str]] = []
        self._late = 0
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(RETRY_MS)
        self._again.timeout.connect(self._retry)

    @property
    def waiting(self) -> int:
        """Scores that are on the screen only."""
        return len(self._waiting)

    def keep(self, key: str, score: Mapping[str, Any], job: str) -> None:
        """Keep a score at once; its job stays owed until the score is kept, whatever comes next."""
        kept = (key, dict(score), job)
        problem = self._write(kept) if not self._waiting else None
        if problem is None and not self._waiting:
            return
        self._jobs.keep_owed(job)
        self._waiting.append(kept)
        if problem is not None:
            self.refused.emit(Failure(
                "input", f"{problem.message} The score of {score.get('case') or 'this case'} is on the screen only.",
                f"{problem.remedy} It is kept as soon as that is possible, or made again at the next start."))
        if not self._again.isActive():
            self._again.start()

    def _write(self, kept: tuple[str, dict[str, Any], str]) -> AppError | None:
        key, score, job = kept
        try:
            self._state.store.add_score(key, score, request=job)
        except AppError as error:
            return error
        return None

    def _retry(self) -> None:
        if self._waiting:
            first = self._waiting[0]
            self._state.in_background(lambda: self._write(first), self._take)

    def _take(self, problem: AppError | None) -> None:
        if problem is not None:
            self._again.start()
            return
        self._waiting.pop(0)
        self._late += 1
        if self._waiting:
            self._retry()
        else:
            self.caught_up.emit(self._late)
            self._late = 0
