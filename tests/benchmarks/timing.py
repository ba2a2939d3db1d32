"""Fair timing: two ways of doing a thing in turn, so that a busy moment falls on both; medians, spread, memory."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil

Row = dict[str, object]
Work = Callable[[], float | None]


def seconds_of(work: Work) -> float:
    """Seconds that one call takes; the call's own answer, if it gives one, is taken instead."""
    begun = time.perf_counter()
    answer = work()
    return time.perf_counter() - begun if answer is None else float(answer)


def alternate(works: Sequence[Work], runs: int, *, warm: int = 0) -> list[list[float]]:
    """Time several ways in turn, the order reversed every other round.

    Parameters
    ----------
    works : sequence of callable
        Each returns None, or the seconds it has measured itself.
    runs : int
        Rounds that count.
    warm : int
        Rounds before them that do not.

    Returns
    -------
    list of list of float
        Seconds, one list for each way, in order of the rounds.
    """
    times: list[list[float]] = [[] for _ in works]
    for number in range(warm + runs):
        order = range(len(works)) if number % 2 == 0 else reversed(range(len(works)))
        for place in order:
            taken = seconds_of(works[place])
            if number >= warm:
                times[place].append(taken)
    return times


def row(what: str, seconds: Sequence[float], beside: Sequence[float] | None = None, **more: object) -> Row:
    """One line of a table: seconds, and how many times those of the other way they are.

    Parameters
    ----------
    what : str
        What was timed.
    seconds : sequence of float
    beside : sequence of float, optional
        The other way's seconds, of the same rounds: the ratio is taken round by round.
    **more
        Further columns.
    """
    cells: Row = {"what": what, "runs": len(seconds), "median_s": statistics.median(seconds), "min_s": min(seconds),
                  "max_s": max(seconds)}
    if beside is not None:
        ratios = [mine / theirs for mine, theirs in zip(seconds, beside, strict=True)]
        cells |= {"ratio": statistics.median(ratios), "ratio_spread": f"{min(ratios):.2f}-{max(ratios):.2f}"}
    return cells | more


def skipped(what: str, reason: str) -> Row:
    """A line that says why there is no figure."""
    return {"what": what, "note": f"skipped: {reason}"}


class Peak:
    """The most memory seen, in megabytes."""

    def __init__(self) -> None:
        self.mb = 0.0


@contextmanager
def peak_memory(pid: int | None = None, pause: float = 0.05) -> Iterator[Peak]:
    """Watch the resident memory of a process and all it starts; pages that they share count for each of them."""
    root, peak, ended = psutil.Process(pid), Peak(), threading.Event()

    def watch() -> None:
        while not ended.is_set():
            total = 0
            with suppress(psutil.NoSuchProcess):
                for process in (root, *root.children(recursive=True)):
                    with suppress(psutil.NoSuchProcess):
                        total += process.memory_info().rss
            peak.mb = max(peak.mb, total / 1e6)
            ended.wait(pause)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()
