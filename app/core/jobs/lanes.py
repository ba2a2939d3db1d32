"""A lane: a queue of jobs, one engine, and the loop that feeds the one to the other.

`serve` blocks and is run by whatever thread its owner has; everything else may be called from any thread and returns
at once. What happens is told as events. After a job's last event nothing more is heard of it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from app.core.errors import AppError, Failure
from app.core.jobs.engine import GRACE_SECONDS, Done, Engine, Failed
from app.core.jobs.failures import describe_failure
from app.core.jobs.run import Job

LANES = {"view": "latest wins", "score": "in turn", "train": "in turn"}
"""Lane to how it treats a second request."""


@dataclass(frozen=True)
class Started:
    """A job has left the queue."""

    job: Job


@dataclass(frozen=True)
class Progressed:
    """How far a job is, 0 to 1, and the name of its step."""

    job: Job
    fraction: float
    message: str


@dataclass(frozen=True)
class Finished:
    """A job's result."""

    job: Job
    result: dict[str, Any]


@dataclass(frozen=True)
class JobFailed:
    """Why a job has no result."""

    job: Job
    failure: Failure


@dataclass(frozen=True)
class JobCancelled:
    """A job was stopped, or taken off the queue, or superseded."""

    job: Job


@dataclass(frozen=True)
class Idle:
    """Nothing runs and nothing waits."""

    lane: str


Event = Started | Progressed | Finished | JobFailed | JobCancelled | Idle


class Lane:
    """Jobs of one kind, one at a time.

    Parameters
    ----------
    name : str
        'view', 'score' or 'train'.
    tell : callable
        Receives every event, in whichever thread it arises; must return quickly and not call back into the lane.
    grace : float
        Seconds between asking a job to stop and killing its engine.
    """

    def __init__(self, name: str, tell: Callable[[Event], None], *, grace: float = GRACE_SECONDS) -> None:
        self.name = name
        self.engine = Engine(name, grace=grace)
        self._tell = tell
        self._latest_wins = LANES[name] == "latest wins"
        self._changed = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._to_warm: list[str] | None = None
        self._running: Job | None = None
        self._silenced = False
        self._closing = False

    def submit(self, job: Job) -> None:
        """Put a job in the queue; in a lane where the latest wins it supersedes all others."""
        with self._changed:
            if self._closing:
                return
            if self._latest_wins:
                while self._waiting:
                    self._tell(JobCancelled(self._waiting.popleft()))
                if self._running is not None and not self._silenced:
                    self._silenced = True
                    self.engine.cancel(self._running.id)
                    self._tell(JobCancelled(self._running))
            self._waiting.append(job)
            self._changed.notify()

    def cancel(self, job_id: str) -> None:
        """Stop a job, waiting or running; unknown and ended ones are let be."""
        with self._changed:
            for job in self._waiting:
                if job.id == job_id:
                    self._waiting.remove(job)
                    self._tell(JobCancelled(job))
                    return
            if self._running is not None and self._running.id == job_id:
                self.engine.cancel(job_id)

    def warm_up(self, modules: Sequence[str] = ()) -> None:
        """Start the engine and have it import modules ahead of their use."""
        with self._changed:
            self._to_warm = [*(self._to_warm or []), *modules]
            self._changed.notify()

    def close(self) -> None:
        """Give up everything; `serve` returns within a second. Waiting jobs get no event: they are still wanted."""
        with self._changed:
            self._closing = True
            self._waiting.clear()
            self._silenced = True
            self.engine.abort()
            self._changed.notify()

    def serve(self) -> None:
        """Run jobs until `close`."""
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._closing or self._waiting or self._to_warm is not None)
                    if self._closing:
                        return
                    modules, self._to_warm = self._to_warm, None
                    job = self._waiting.popleft() if self._waiting else None
                    if job is not None:
                        self._running, self._silenced = job, False
                        self._tell(Started(job))
                if modules is not None:
                    with suppress(AppError, OSError):  # the next job meets the same obstacle and tells it
                        self.engine.warm_up(modules)
                if job is not None:
                    self._run(job)
        finally:
            self.engine.close()

    def _run(self, job: Job) -> None:
        try:
            outcome = self.engine.run(job, lambda fraction, message: self._say(Progressed(job, fraction, message)))
        except (AppError, OSError) as error:
            outcome = Failed(describe_failure(error))
        with self._changed:
            if isinstance(outcome, Done):
                self._say(Finished(job, outcome.result))
            elif isinstance(outcome, Failed):
                self._say(JobFailed(job, outcome.failure))
            else:
                self._say(JobCancelled(job))
            self._running = None
            if not self._waiting and not self._closing:
                self._tell(Idle(self.name))

    def _say(self, event: Event) -> None:
        with self._changed:
            if not self._silenced:
                self._tell(event)
