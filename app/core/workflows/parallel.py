"""The same work on many requests: in this process, or in several, in the order asked.

A process that dies, because memory ran out or a library crashed, costs its own request alone, and that only when it
dies twice: it is known which request each process has in hand.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from typing import Any

from app.core.errors import EngineError, Failure
from app.core.jobs import Report
from app.core.workflows.worker import Worker

Work = Callable[[dict[str, Any]], dict[str, Any]]
Lost = Callable[[dict[str, Any], Failure], dict[str, Any]]
Tell = Callable[[dict[str, Any], dict[str, Any]], str]
ATTEMPTS = 2
_STARTS = 3
_POLL_SECONDS = 0.2


def run_each(
    work: Work,
    requests: Sequence[dict[str, Any]],
    jobs: int,
    report: Report,
    verb: str,
    *,
    tell: Tell | None = None,
    lost: Lost | None = None,
    isolate: bool = False,
    before: int = 0,
) -> list[dict[str, Any]]:
    """Carry out every request.

    Parameters
    ----------
    work : callable
        A module-level function; it must not raise for one bad request.
    requests : sequence of dict
    jobs : int
        Processes; 1 stays in this one unless `isolate`.
    report : callable
        Told after each request; raising `Cancelled` stops the rest.
    verb : str
        For the progress line.
    tell : callable, optional
        Makes the progress line's sentence from a request and its answer; ' (3 of 32)' is added.
    lost : callable, optional
        Makes the answer of a request whose process died twice; without it that ends the run.
    isolate : bool
        Keep the work out of this process even for one job: this process stays small and outlives a crash.
    before : int
        Requests that were carried out earlier; they are counted in what is told.

    Returns
    -------
    list of dict
        In the order of `requests`.

    Raises
    ------
    EngineError
        A process died twice of the same request, and `lost` is not given.
    """
    run = _Run(work, requests, report, verb, tell, lost, before)
    if (jobs > 1 or isolate) and len(requests) > 1:
        run.in_processes(min(jobs, len(requests)))
    run.here()
    return run.results


def describe_loss(code: int | None) -> Failure:
    """Tell why a request's process died, as a sentence about the request."""
    if code is not None and -code == getattr(signal, "SIGKILL", 9):
        how = "The system stopped the process that worked on it, twice, most often because memory ran out."
    elif code is not None and code < 0:
        how = f"The process that worked on it crashed twice (signal {-code})."
    else:
        how = f"The process that worked on it ended twice without an answer (exit code {code})."
    return Failure("engine", how, "Try again with fewer processes (--jobs), or with a smaller image.")


class _Run:
    """What is still to do, and what has come of the rest."""

    def __init__(
        self,
        work: Work,
        requests: Sequence[dict[str, Any]],
        report: Report,
        verb: str,
        tell: Tell | None,
        lost: Lost | None,
        before: int,
    ) -> None:
        self.results: list[dict[str, Any]] = [{} for _ in requests]
        self._work, self._requests, self._report = work, requests, report
        self._verb, self._tell, self._lost = verb, tell, lost
        self._waiting = deque(range(len(requests)))
        self._attempts = [0] * len(requests)
        self._done, self._total = before, before + len(requests)
        self._message = f"{verb} {before + 1} of {self._total}"

    def here(self) -> None:
        """Carry out what is left in this process."""
        while self._waiting:
            if self._tell is None:
                self._say(f"{self._verb} {self._done + 1} of {self._total}")
            index = self._waiting.popleft()
            self._keep(index, self._work(self._requests[index]), quietly=self._tell is None)

    def in_processes(self, jobs: int) -> None:
        """Carry out everything in worker processes; what is left when none can be started stays waiting."""
        name = f"{self._work.__module__}:{self._work.__qualname__}"
        threads = max(1, (os.cpu_count() or 1) // jobs) if jobs > 1 else None
        self._say(self._message)
        workers = [Worker(name, threads) for _ in range(jobs)]
        try:
            self._attend(workers)
        finally:
            for worker in workers:
                worker.end()

    def _attend(self, workers: list[Worker]) -> None:
        in_hand: dict[Worker, int] = {}
        failed_starts = 0
        while True:
            for worker in workers:
                if self._waiting and worker not in in_hand:
                    in_hand[worker] = self._waiting.popleft()
                    worker.give(self._requests[in_hand[worker]])
            if not in_hand:
                return
            pipes = {worker.answers: worker for worker in in_hand}
            for pipe in wait(list(pipes), timeout=_POLL_SECONDS):
                worker = pipes[pipe]  # type: ignore[index]
                message = worker.receive()
                if message is None and not worker.ready:
                    failed_starts += 1
                    self._waiting.appendleft(in_hand.pop(worker))
                    worker.replace()
                elif message is None:
                    index = in_hand.pop(worker)
                    self._bemoan(index, worker.replace())
                elif message[0] == "raised":
                    raise message[1]
                elif message[0] == "done":
                    failed_starts = 0
                    self._keep(in_hand.pop(worker), message[1])
            if failed_starts >= _STARTS:
                self._waiting.extendleft(sorted(in_hand.values(), reverse=True))
                return
            self._say(self._message)  # the same words again: this is where a wish to stop is heard

    def _bemoan(self, index: int, code: int | None) -> None:
        """Put a request whose process died at the end of the queue, once."""
        self._attempts[index] += 1
        if self._attempts[index] < ATTEMPTS:
            self._waiting.append(index)
            return
        failure = describe_loss(code)
        if self._lost is None:
            raise EngineError(
                "The system stopped one of the processes, most often because memory ran out. Your files are untouched.",
                "Try again with fewer processes (--jobs).",
            )
        self._keep(index, self._lost(self._requests[index], failure))

    def _keep(self, index: int, result: dict[str, Any], *, quietly: bool = False) -> None:
        self.results[index] = result
        self._done += 1
        if self._tell is not None:
            self._message = f"{self._tell(self._requests[index], result)} ({self._done} of {self._total})"
        else:
            self._message = f"{self._verb} {self._done} of {self._total}"
        if not quietly:
            self._say(self._message)

    def _say(self, message: str) -> None:
        self._report(self._done / max(1, self._total), message)
