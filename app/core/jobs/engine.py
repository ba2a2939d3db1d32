"""The window's side of an engine process: start it, give it a job, stop it, and explain its death.

An `Engine` blocks and belongs to one thread, which calls `run`; `cancel` and `abort` may come from any.
"""

from __future__ import annotations

import atexit
import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

import psutil

from app.core.errors import Failure
from app.core.files import sweep_stages
from app.core.jobs.failures import describe_death
from app.core.jobs.process import log_file, serve_engine
from app.core.jobs.run import Job, Report, keep_outcome, keep_request
from app.core.paths import logs_folder, runs_folder

GRACE_SECONDS = 1.5
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Done:
    """The workflow's result."""

    result: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """Why there is no result."""

    failure: Failure


@dataclass(frozen=True)
class Stopped:
    """The job was asked to stop, and left nothing behind."""


Outcome = Done | Failed | Stopped
_NEVER_BEGUN = Failed(Failure("engine", "The engine cannot be started. Your files are untouched.",
                              "Close other programs and start this one again."))


def kill_tree(pid: int) -> None:
    """Kill an engine, dead or alive, and all it has started; joining it is left to its owner."""
    family = []
    with suppress(psutil.NoSuchProcess):
        engine = psutil.Process(pid)
        family = [engine, *engine.children(recursive=True)]
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)  # the engine leads a group: orphans of a crash are found by it
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()


class Engine:
    """One engine process, replaced when it dies or has to be killed.

    Parameters
    ----------
    lane : str
        Names its process and its log.
    grace : float
        Seconds between asking a job to stop and killing the process.
    """

    def __init__(self, lane: str, *, grace: float = GRACE_SECONDS) -> None:
        self.lane = lane
        self._grace = grace
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._modules: list[str] = []
        self._cancelled: set[str] = set()
        self._aborted = threading.Event()

    @property
    def pid(self) -> int | None:
        """The process's id while it lives."""
        process = self._process
        return process.pid if process is not None and process.is_alive() else None

    def start(self) -> None:
        """Start the process if there is none; returns before it is ready."""
        if self.pid is not None or self._aborted.is_set():
            return
        self._bury()
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve_engine, args=(theirs, self.lane, str(logs_folder())),
                                        name=f"LipoScope {self.lane}", daemon=False)
        self._process.start()
        theirs.close()
        atexit.register(self._pipe.close)  # at exit multiprocessing waits for the engine, which waits for this
        if self._modules:
            self._send(do="warm", modules=self._modules)

    def warm_up(self, modules: Sequence[str]) -> None:
        """Start the process and have it import modules ahead of their use, now and after every restart."""
        fresh = [name for name in modules if name not in self._modules]
        self._modules += fresh
        if self.pid is None:
            self.start()
        elif fresh:
            self._send(do="warm", modules=fresh)

    def cancel(self, job_id: str) -> None:
        """Ask the job to stop; `run` returns within the grace and a little more. Any thread."""
        self._cancelled.add(job_id)

    def abort(self) -> None:
        """Give up the running job at once and run no other. Any thread."""
        self._aborted.set()

    def close(self) -> None:
        """End the process; the engine cannot be used again."""
        self._aborted.set()
        self._bury()

    def run(self, job: Job, on_progress: Report) -> Outcome:
        """Run a job and wait for its end.

        Parameters
        ----------
        job : Job
            Its request is kept in its run folder first.
        on_progress : callable
            Called in this thread with (fraction, message).

        Returns
        -------
        Done, Failed or Stopped
            `Stopped` whenever stopping was asked for, even if the job ended first.
        """
        begun = time.monotonic()
        folder = keep_request(job, runs_folder())
        order = {"do": "run", "job": job.id, "workflow": job.workflow, "request": job.request, "run": str(folder)}
        try:
            outcome = self._attempt(job, order, on_progress)
            if outcome is _NEVER_BEGUN:
                outcome = self._attempt(job, order, on_progress)
        finally:
            self._cancelled.discard(job.id)
        sweep_stages(folder, also_living=True)
        if isinstance(outcome, Stopped):
            shutil.rmtree(folder, ignore_errors=True)
        else:
            keep_outcome(folder, time.monotonic() - begun, outcome.failure if isinstance(outcome, Failed) else None)
        return outcome

    def _attempt(self, job: Job, order: dict[str, Any], on_progress: Report) -> Outcome:
        """Give out the job and read the engine's events until its outcome, its death, or the end of our patience."""
        self.start()
        self._send(**order)
        step, deadline, begun = "", None, False
        while True:
            if self._aborted.is_set():
                self._bury()
                return Stopped()
            if deadline is None and job.id in self._cancelled:
                self._send(do="stop", job=job.id)
                deadline = time.monotonic() + self._grace
            if deadline is not None and time.monotonic() >= deadline:
                self._replace()
                return Stopped()
            event = self._receive()
            if event is None:
                code = self._bury(patience=0.3)
                self.start()
                if deadline is not None:
                    return Stopped()
                return Failed(describe_death(code, step, self._log())) if begun else _NEVER_BEGUN
            if event.get("job") != job.id:
                continue
            begun = True
            if event["event"] == "progress":
                step = event["message"]
                if deadline is None:
                    on_progress(event["fraction"], step)
            elif event["event"] != "begun":
                return self._conclude(event, stopping=job.id in self._cancelled)

    def _conclude(self, event: dict[str, Any], *, stopping: bool) -> Outcome:
        if stopping or event["event"] == "stopped":
            return Stopped()
        if event["event"] == "done":
            return Done(event["result"])
        failure = Failure(**event["failure"])
        if failure.extra.get("memory"):
            self._replace()
        return Failed(failure)

    def _log(self) -> str:
        return str(log_file(logs_folder(), self.lane))

    def _receive(self) -> dict[str, Any] | None:
        """Take the next event: {} while there is none, None when the engine is dead and all it said has been read."""
        if self._pipe is None or self._process is None:
            return None
        alive = self._process.is_alive()
        try:
            if wait([self._pipe], timeout=_POLL_SECONDS if alive else 0):
                event: dict[str, Any] = json.loads(self._pipe.recv_bytes())
                return event
        except (EOFError, OSError):
            return None
        return {} if alive else None

    def _send(self, **message: Any) -> bool:
        """Whether the engine could still be told."""
        try:
            if self._pipe is not None:
                self._pipe.send_bytes(json.dumps(message).encode())
                return True
        except OSError:
            return False
        return False

    def _replace(self) -> None:
        self._bury()
        self.start()

    def _bury(self, patience: float = 0.0) -> int | None:
        """End the process, its children and the pipe.

        Parameters
        ----------
        patience : float
            Seconds to wait for a death that is under way, for the sake of its exit code.

        Returns
        -------
        int or None
            The exit code; None when there was no process.
        """
        process, self._process = self._process, None
        pipe, self._pipe = self._pipe, None
        code = None
        if process is not None and process.pid is not None:
            process.join(patience)
            kill_tree(process.pid)
            process.join(0.5)
            code = process.exitcode
        if pipe is not None:
            atexit.unregister(pipe.close)
            pipe.close()
        return code
