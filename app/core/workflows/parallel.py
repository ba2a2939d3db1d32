"""The same work on many requests: in this process, or in several, in the order asked."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from app.core.errors import EngineError
from app.core.jobs import Report

Work = Callable[[dict[str, Any]], dict[str, Any]]


def run_each(
    work: Work, requests: Sequence[dict[str, Any]], jobs: int, report: Report, verb: str
) -> list[dict[str, Any]]:
    """Carry out every request.

    Parameters
    ----------
    work : callable
        A module-level function; it must not raise for one bad request.
    requests : sequence of dict
    jobs : int
        Processes; 1 stays in this one.
    report : callable
        Told after each request; raising `Cancelled` stops the rest.
    verb : str
        For the progress line.

    Returns
    -------
    list of dict
        In the order of `requests`.

    Raises
    ------
    EngineError
        A process died.
    """
    total = len(requests)
    results: list[dict[str, Any]] = [{} for _ in requests]
    if jobs == 1 or total < 2:
        for index, request in enumerate(requests):
            report(index / total, f"{verb} {index + 1} of {total}")
            results[index] = work(request)
        return results
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, total), mp_context=context, initializer=_leave_interrupts) as pool:
        futures = {pool.submit(work, request): index for index, request in enumerate(requests)}
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                results[futures[future]] = future.result()
                report(done / total, f"{verb} {done} of {total}")
        except BrokenProcessPool as error:
            raise EngineError(
                "The system stopped one of the processes, most often because memory ran out. Your files are untouched.",
                "Try again with fewer processes (--jobs).",
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal; only the first one answers it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
