"""Processes that stay for a whole run and fit its folds: answers come in order, each as soon as it can.

The folds of a model may take less time than starting a process, and a run has many models: the processes outlive them.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Self

from app.core.errors import EngineError
from app.core.workflows.parallel import ATTEMPTS
from app.core.workflows.worker import Worker

_POLL_SECONDS = 0.2
_STARTS = 3


def carry_out(request: dict[str, Any]) -> Any:
    """Apply a request's function to its item, on one thread: more of them change the last digits."""
    import sklearn.linear_model  # noqa: F401 - what is not loaded yet cannot be limited
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return request["function"](request["item"])


class Crew:
    """Applies functions to items in several processes, or with one job in this one; as `map` does, lazily.

    Parameters
    ----------
    jobs : int
        Processes.
    listen : callable
        Called now and then while processes work; raises `Cancelled` to stop them.
    """

    def __init__(self, jobs: int, listen: Callable[[], None]) -> None:
        self._jobs, self._listen = jobs, listen
        self._workers: list[Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Apply a function to every item, in order.

        Parameters
        ----------
        function : callable
            Picklable where there are several jobs; its exceptions are raised here.
        items : iterable

        Raises
        ------
        EngineError
            A process died twice of the same item.
        """
        requests = [{"function": function, "item": item} for item in items]
        if self._jobs > 1 and len(requests) > 1:
            yield from self._attend(requests)
        else:
            yield from map(carry_out, requests)

    def _attend(self, requests: list[dict[str, Any]]) -> Iterator[Any]:
        self._gather(min(self._jobs, len(requests)))
        shift = _Shift(self._workers, requests)
        for place in range(len(requests)):
            while place not in shift.answers:
                shift.work()
                self._listen()
            yield shift.answers.pop(place)

    def _gather(self, count: int) -> None:
        """Start processes that are lacking, and replace those that an answer nobody waits for keeps busy."""
        for worker in self._workers:
            if worker.busy:
                worker.replace()
        threads = max(1, (os.cpu_count() or 1) // self._jobs)
        name = f"{__name__}:{carry_out.__name__}"
        self._workers += [Worker(name, threads) for _ in range(count - len(self._workers))]


class _Shift:
    """One round of requests: which are waiting, which are in hand, and what has come of the rest."""

    def __init__(self, workers: list[Worker], requests: list[dict[str, Any]]) -> None:
        self.answers: dict[int, Any] = {}
        self._workers, self._requests = workers, requests
        self._waiting = deque(range(len(requests)))
        self._in_hand: dict[Worker, int] = {}
        self._deaths, self._failed_starts = [0] * len(requests), 0

    def work(self) -> None:
        """Hand out what is waiting, and take in what is ready within a moment."""
        if self._failed_starts >= _STARTS and not self._in_hand:  # no process can be started here
            place = self._waiting.popleft()
            self.answers[place] = carry_out(self._requests[place])
            return
        for worker in self._workers:
            if self._waiting and worker not in self._in_hand and self._failed_starts < _STARTS:
                self._in_hand[worker] = self._waiting.popleft()
                worker.give(self._requests[self._in_hand[worker]])
        pipes = {worker.answers: worker for worker in self._in_hand}
        for pipe in wait(list(pipes), timeout=_POLL_SECONDS):
            worker = pipes[pipe]  # type: ignore[index]
            message = worker.receive()
            if message is None:
                self._bemoan(worker)
            elif message[0] == "raised":
                raise message[1]
            elif message[0] == "done":
                self._failed_starts = 0
                self.answers[self._in_hand.pop(worker)] = message[1]

    def _bemoan(self, worker: Worker) -> None:
        """Put the request of a process that died first in the queue, once."""
        place = self._in_hand.pop(worker)
        if worker.ready:
            self._deaths[place] += 1
        else:
            self._failed_starts += 1
        worker.replace()
        if self._deaths[place] >= ATTEMPTS:
            raise EngineError(
                "The system stopped one of the processes, most often because memory ran out. Your files are untouched.",
                "Try again with fewer processes (--jobs).",
            )
        self._waiting.appendleft(place)
