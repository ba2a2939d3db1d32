"""The same work on many requests: in this process, or in several, in the order asked."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

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
    """
    total = len(requests)
    results: list[dict[str, Any]] = [{} for _ in requests]
    if jobs == 1 or total < 2:
        for index, request in enumerate(requests):
            report(index / total, f"{verb} {index + 1} of {total}")
            results[index] = work(request)
        return results
    with ProcessPoolExecutor(min(jobs, total), mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(work, request): index for index, request in enumerate(requests)}
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                results[futures[future]] = future.result()
                report(done / total, f"{verb} {done} of {total}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results
