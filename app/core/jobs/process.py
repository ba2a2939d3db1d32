"""The engine process: takes jobs from a pipe, runs them one at a time, and leaves when the pipe closes.

Messages are JSON, so nothing is ever unpickled and no array can slip across. The main thread works; a second one
reads the pipe, so that a request to stop and the window's death are noticed at any moment.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import logging
import os
import queue
import signal
import threading
import time
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TextIO

import psutil

from app.core.errors import Cancelled
from app.core.files import RUN_VARIABLE
from app.core.jobs.failures import describe_failure, outline_traceback
from app.core.jobs.run import run_workflow

LOG_BYTES = 256 * 1024
_REPORT_SECONDS = 0.05
_FAREWELL_SECONDS = 0.5
_log = logging.getLogger("app.engine")


def log_file(folder: Path, lane: str) -> Path:
    """Where the engine of a lane writes what happened to it."""
    return folder / f"engine-{lane}.log"


def _open_log(path: Path) -> TextIO:
    """Open the log for good: faulthandler writes to it from a dying process. It is turned over when it has grown."""
    if path.exists() and path.stat().st_size > LOG_BYTES:
        try:
            path.replace(path.with_suffix(".1.log"))
        except PermissionError:
            _log.debug("another window holds the log open")
    stream = path.open("a", encoding="utf-8", buffering=1)
    faulthandler.enable(stream, all_threads=True)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.propagate = False
    return stream


def _end_family() -> None:
    """Kill this process's children: they must not outlive it."""
    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue


class _Desk:
    """The engine's end of the pipe: an inbox for the main thread, and who was asked to stop."""

    def __init__(self, connection: Connection) -> None:
        self.inbox: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.stopped: set[str] = set()
        self.closing = threading.Event()
        self.busy = False
        self._connection = connection
        self._sending = threading.Lock()
        threading.Thread(target=self._read, name="pipe", daemon=True).start()

    def send(self, **message: Any) -> None:
        text = json.dumps(message).encode()
        with self._sending:
            try:
                self._connection.send_bytes(text)
            except OSError:  # the window is gone; the reading thread ends this process
                self.closing.set()

    def _read(self) -> None:
        while True:
            try:
                message = json.loads(self._connection.recv_bytes())
            except (EOFError, OSError):
                self._leave()
            if message["do"] == "stop":
                self.stopped.add(message["job"])
            else:
                self.inbox.put(message)

    def _leave(self) -> None:
        """Let the job end on its own for a moment, so that it takes its half-written files with it."""
        self.closing.set()
        deadline = time.monotonic() + _FAREWELL_SECONDS
        while self.busy and time.monotonic() < deadline:
            time.sleep(0.01)
        _end_family()
        os._exit(0)


class _Reporter:
    """What a workflow calls to tell its progress; thins out what comes too fast to be read."""

    def __init__(self, desk: _Desk, job: str) -> None:
        self.step = ""
        self._desk, self._job = desk, job
        self._sent = -1.0

    def __call__(self, fraction: float, message: str) -> None:
        if self._job in self._desk.stopped or self._desk.closing.is_set():
            raise Cancelled
        now = time.monotonic()
        if message != self.step or now - self._sent >= _REPORT_SECONDS:
            self.step, self._sent = message, now
            share = min(1.0, max(0.0, float(fraction)))
            self._desk.send(event="progress", job=self._job, fraction=share, message=message)


def _work(desk: _Desk, order: dict[str, Any], log: Path) -> None:
    """Run one job and send its outcome."""
    job, report = order["job"], _Reporter(desk, order["job"])
    os.environ[RUN_VARIABLE] = order["run"]
    desk.send(event="begun", job=job)
    _log.info("job %s: %s", job, order["workflow"])
    try:
        result = run_workflow(order["workflow"], order["request"], report)
        desk.send(event="done", job=job, result=dict(result))
        _log.info("job %s: done", job)
    except Cancelled:
        desk.send(event="stopped", job=job)
        _log.info("job %s: stopped", job)
    except Exception as error:  # noqa: BLE001 - every fault of a workflow is told, none ends the engine
        failure = describe_failure(error, report.step, log)
        _log.info("job %s: failed as %s\n%s", job, failure.kind, outline_traceback(error))
        desk.send(event="failed", job=job, failure=asdict(failure))
    finally:
        os.environ.pop(RUN_VARIABLE, None)
        desk.stopped.discard(job)


def serve_engine(connection: Connection, lane: str, logs: str) -> None:
    """Run jobs until the pipe closes; the target of the engine process.

    Parameters
    ----------
    connection : Connection
        The engine's end of its own pipe.
    lane : str
        Names the log file.
    logs : str
        The folder of the logs.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
    log = log_file(Path(logs), lane)
    with _open_log(log):
        desk = _Desk(connection)
        while True:
            order = desk.inbox.get()
            desk.busy = True
            if order["do"] == "run":
                _work(desk, order, log)
            else:
                _warm_up(order["modules"])
            desk.busy = False


def _warm_up(modules: list[str]) -> None:
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError as error:
            _log.warning("%s cannot be imported ahead of its use\n%s", name, outline_traceback(error))
