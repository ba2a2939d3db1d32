"""A process that works for another: takes requests from a pipe, and leaves when it closes.

A pipe's end is how either side learns of the other's death: a worker whose parent was killed finishes what it has
in hand, keeps it where the work keeps it, and ends. Its memory is given back now and then by ending it.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

REQUESTS_AT_MOST = 64
"""A worker is replaced after so many, so that what a library forgets to give back cannot add up."""

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)


def serve(requests: Connection, answers: Connection, work: str, threads: int | None) -> None:
    """Carry out requests until their pipe closes; the target of the process.

    Parameters
    ----------
    requests, answers : Connection
        The worker's ends of its own two pipes.
    work : str
        'module:function'; imported here, after the number of threads is settled.
    threads : int, optional
        For the numeric libraries; all cores by default.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal; the first one answers
    if threads is not None:
        for name in _THREAD_VARIABLES:
            os.environ.setdefault(name, str(threads))
    module, _, function = work.partition(":")
    carry_out = getattr(importlib.import_module(module), function)
    with suppress(EOFError, OSError):
        answers.send(("ready", None))
        while True:
            request = requests.recv()
            try:
                answer = ("done", carry_out(request))
            except Exception as error:  # noqa: BLE001 - it is raised again where the request came from
                answer = ("raised", error)
            answers.send(answer)


@contextmanager
def _deaf() -> Iterator[None]:
    """Start processes that never hear Ctrl-C: a blocked signal is inherited. One that comes meanwhile is heard after.

    Another thread may take what this one blocks, hence the handler that keeps it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    missed: list[int] = []
    former = signal.signal(signal.SIGINT, lambda number, _frame: missed.append(number))
    can_block = hasattr(signal, "pthread_sigmask")
    if can_block:
        resource_tracker.ensure_running()  # its start would unblock what is blocked here
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if can_block:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, former)
        if missed:
            signal.raise_signal(signal.SIGINT)


class Worker:
    """One worker process, replaced when it dies or has done its share.

    Parameters
    ----------
    work : str
        'module:function', as for `serve`.
    threads : int, optional
        As for `serve`.
    """

    def __init__(self, work: str, threads: int | None = None) -> None:
        self._work, self._threads = work, threads
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        requests, self._requests = context.Pipe(duplex=False)  # two of one way each: two ways would be a socket
        self.answers, answers = context.Pipe(duplex=False)
        self.process: SpawnProcess = context.Process(
            target=serve, args=(requests, answers, self._work, self._threads), daemon=True
        )
        with _deaf():
            self.process.start()
        requests.close()
        answers.close()
        self.ready, self.busy = False, False
        self._given = 0

    def give(self, request: dict[str, Any]) -> None:
        """Hand over a request; a worker that died since its last one is replaced first."""
        if self._given >= REQUESTS_AT_MOST:
            self.replace()
        try:
            self._requests.send(request)
        except OSError:
            self.replace()
            self._requests.send(request)
        self.busy = True
        self._given += 1

    def receive(self) -> tuple[str, Any] | None:
        """Take the next message, 'ready', 'done' or 'raised' with its value; None when the worker is dead."""
        try:
            kind, value = self.answers.recv()
        except (EOFError, OSError):
            return None
        if kind == "ready":
            self.ready = True
        else:
            self.busy = False
        return kind, value

    def replace(self) -> int | None:
        """End the process, start a fresh one, and return the old one's exit code."""
        code = self.end()
        self._start()
        return code

    def end(self) -> int | None:
        """End the process, at once if it is at work, and return its exit code."""
        self._requests.close()
        if self.busy and self.process.is_alive():
            self.process.join(0.2)  # its death may be under way, and has a code worth telling
            self.process.kill()
        self.process.join(2.0)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.answers.close()
        return self.process.exitcode
