"""The window's view of the jobs: every lane in a thread of its own, its events as signals.

Nothing here blocks. Events arrive queued, so a slot never runs inside `start` or `cancel`, and events of a job that
has ended or was superseded are dropped.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Qt, QThread, Signal, Slot

from app.core.jobs import (
    LANES,
    Event,
    Finished,
    Idle,
    Job,
    JobCancelled,
    JobFailed,
    Lane,
    Progressed,
    Started,
    TimeLeft,
)
from app.core.jobs.failures import outline_traceback
from app.core.jobs.run import tidy_runs, without_identity
from app.core.paths import runs_folder
from app.core.store import QueueChange, Store

SHUTDOWN_SECONDS = 1.8
_log = logging.getLogger("app.jobs")
WARM_MODULES = {
    "view": ("app.core.workflows.view",),
    "score": ("app.core.workflows.score", "app.core.bundle.archive", "app.core.classify.tuned", "radiomics"),
    "train": (),
}


class _LaneThread(QThread):
    """Runs a lane's loop; its signal carries the events to the window's thread."""

    happened = Signal(object)

    def __init__(self, name: str, parent: QObject) -> None:
        super().__init__(parent)
        self.setObjectName(f"{name} lane")
        self.lane = Lane(name, self.happened.emit)

    def run(self) -> None:
        """Serve until the lane is closed."""
        self.lane.serve()


def _note_trouble(written: Future[object]) -> None:
    error = written.exception()
    if error is not None:
        _log.warning("the queue or the run folders could not be written\n%s", outline_traceback(error))


@dataclass
class _Live:
    """A job that has not ended, and its pace once it runs."""

    job: Job
    pace: TimeLeft | None = None


class Jobs(QObject):
    """Starts, watches and stops jobs.

    Parameters
    ----------
    store : Store, optional
        Keeps the score lane's queue, so that `resume` finds it after a restart; None keeps nothing.
    parent : QObject, optional
        As usual in Qt.

    Attributes
    ----------
    started : Signal(str, str, str)
        Job id, lane, title: it has left the queue.
    progress : Signal(str, float, str, float)
        Job id, fraction 0 to 1, the step's name, seconds left (-1 while unknown).
    finished : Signal(str, dict)
        Job id, the workflow's result. Record it in the slot: the queue forgets the job afterwards.
    failed : Signal(str, Failure)
        Job id and what to tell the user.
    cancelled : Signal(str)
        Job id: stopped, taken off the queue, or superseded.
    idle : Signal(str)
        Lane: nothing runs and nothing waits.
    """

    started = Signal(str, str, str)
    progress = Signal(str, float, str, float)
    finished = Signal(str, dict)
    failed = Signal(str, object)
    cancelled = Signal(str)
    idle = Signal(str)

    def __init__(self, store: Store | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._live: dict[str, _Live] = {}
        self._owed: set[str] = set()
        self._changes: deque[tuple[QueueChange, Job]] = deque()
        self._threads: dict[str, _LaneThread] = {}
        self._clerk: ThreadPoolExecutor | None = ThreadPoolExecutor(1, thread_name_prefix="clerk")
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.shutdown)

    def start(self, lane: str, workflow: str, request: dict[str, Any], title: str = "") -> str:
        """Queue a job; in the view lane it supersedes the one before.

        Parameters
        ----------
        lane : str
            'view', 'score' or 'train'.
        workflow : str
            'module:function'.
        request : dict
            JSON values, e.g. `ScoreRequest(...).model_dump(mode="json")`.
        title : str
            What the user reads in the queue.

        Returns
        -------
        str
            The job's id, which every signal about it carries.
        """
        job = Job.make(lane, workflow, request, title)
        self._queue("queue", replace(job, request=without_identity(request)))
        self._submit(job)
        return job.id

    def resume(self) -> list[Job]:
        """Queue again what the score lane still owed when the program ended; those of a living window are left to it.

        Returns
        -------
        list of Job
            In their old order and with their old ids.
        """
        jobs = self._store.claim_queue() if self._store is not None else []
        for job in jobs:
            self._submit(job)
        return jobs

    def keep_owed(self, job_id: str) -> None:
        """Leave a job in the store's queue although it has ended: its result could not be recorded."""
        self._owed.add(job_id)

    def cancel(self, job_id: str) -> None:
        """Stop a job; `cancelled` follows within two seconds. Unknown and ended ones are let be."""
        if job_id in self._live:
            self._thread(self._live[job_id].job.lane).lane.cancel(job_id)

    def live_jobs(self, lane: str | None = None) -> list[Job]:
        """Jobs that run or wait, oldest first; of one lane, or of all."""
        return [live.job for live in self._live.values() if lane in (None, live.job.lane)]

    def warm_up(self, lane: str, modules: Sequence[str] | None = None) -> None:
        """Start a lane's engine ahead of its use; call it after the window has painted.

        Parameters
        ----------
        lane : str
            'view', 'score' or 'train'.
        modules : sequence of str, optional
            What the engine shall import; by default what the lane's usual jobs need.
        """
        self._thread(lane).lane.warm_up(WARM_MODULES[lane] if modules is None else modules)

    @Slot()
    def shutdown(self) -> None:
        """Stop every job and end every engine and thread, within two seconds. The score queue stays for `resume`."""
        self._live.clear()
        for thread in self._threads.values():
            thread.lane.close()
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        for thread in self._threads.values():
            thread.wait(max(0, int(1000 * (deadline - time.monotonic()))))
            thread.deleteLater()
        self._threads.clear()
        clerk, self._clerk = self._clerk, None
        if clerk is not None:
            clerk.shutdown(wait=True)

    def _thread(self, lane: str) -> _LaneThread:
        if lane not in LANES:
            raise ValueError(f"there is no lane '{lane}', only {', '.join(LANES)}")
        if self._clerk is None:
            raise RuntimeError("the jobs have been shut down")
        if lane not in self._threads:
            thread = self._threads[lane] = _LaneThread(lane, self)
            thread.happened.connect(self._hear, Qt.ConnectionType.QueuedConnection)
            thread.start()
            if len(self._threads) == 1:
                self._record(lambda: tidy_runs(runs_folder()))
        return self._threads[lane]

    def _submit(self, job: Job) -> None:
        thread = self._thread(job.lane)
        self._live[job.id] = _Live(job)
        thread.lane.submit(job)

    def _record(self, write: Callable[[], object]) -> None:
        """Have the clerk's thread write to the disk, in order."""
        if self._clerk is not None:
            self._clerk.submit(write).add_done_callback(_note_trouble)

    @Slot(object)
    def _hear(self, event: Event) -> None:
        if isinstance(event, Idle):
            if event.lane in self._threads:
                self.idle.emit(event.lane)
            return
        live = self._live.get(event.job.id)
        if live is None:
            return
        if isinstance(event, Started):
            live.pace = TimeLeft(time.monotonic())
            self.started.emit(event.job.id, event.job.lane, event.job.title)
            self._queue("begin", event.job)
        elif isinstance(event, Progressed):
            left = live.pace.update(time.monotonic(), event.fraction) if live.pace else None
            self.progress.emit(event.job.id, event.fraction, event.message, -1.0 if left is None else left)
        else:
            self._end(event)

    def _end(self, event: Finished | JobFailed | JobCancelled) -> None:
        job = event.job
        del self._live[job.id]
        if isinstance(event, Finished):
            self.finished.emit(job.id, event.result)
        elif isinstance(event, JobFailed):
            self.failed.emit(job.id, event.failure)
        else:
            self.cancelled.emit(job.id)
        if job.id not in self._owed:
            self._queue("drop", job)

    def _queue(self, change: QueueChange, job: Job) -> None:
        """Have the store's queue changed, where it knows of the job; what comes fast is written together."""
        if job.lane == "score" and self._store is not None:
            self._changes.append((change, job))
            if len(self._changes) == 1:
                self._record(self._write_changes)

    def _write_changes(self) -> None:
        changes = []
        while self._changes:
            changes.append(self._changes.popleft())
        if self._store is not None:
            self._store.change_queue(changes)
