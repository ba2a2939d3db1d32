"""A campaign: inputs by number through worker processes, under a watchdog, and a table of what came of them."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from tests.fuzz.mutations import way_of
from tests.fuzz.oracle import VERDICTS

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 40.0
"""Seconds of wall time after which a worker is killed; beyond 10 s of its own time an input is a finding anyway."""
PER_WORKER = 400
Result = dict[str, Any]


class Worker:
    """A worker process that answers one input after the other, and is replaced when it dies."""

    def __enter__(self) -> Self:
        here, there = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker", str(there)], cwd=ROOT, stdin=subprocess.PIPE, pass_fds=[there],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "PYTHONHASHSEED": "0"})
        os.close(there)
        self._answers = os.fdopen(here, encoding="utf-8")
        if self._receive(10 * PATIENCE) != "ready":
            raise RuntimeError("the worker does not start; run 'python -m tests.fuzz.worker 1' to see why")
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()

    def ask(self, seed: int, reader: str, number: int) -> Result:
        """Try an input; a worker that dies or does not answer is a finding."""
        pipe = self._process.stdin
        if pipe is None:
            raise RuntimeError("the worker has no input")
        pipe.write(f"{seed} {reader} {number}\n")
        pipe.flush()
        line = self._receive(PATIENCE)
        if line:
            return dict(json.loads(line))
        why = f"no answer within {PATIENCE:.0f} s" if line is None else ""
        if line is None:
            self._process.kill()
        code = self._process.wait()
        self.__exit__()
        self.__enter__()
        way = "?" if reader == "places" else way_of(reader, number)
        return {"reader": reader, "number": number, "way": way, "sample": "?", "verdict": "FINDING",
                "why": why or f"the process died (exit code {code})", "seconds": 0.0, "wall": PATIENCE, "megabytes": 0}

    def _receive(self, patience: float) -> str | None:
        """A line; '' when the process ended, None when nothing came."""
        if not select.select([self._answers], [], [], patience)[0]:
            return None
        return self._answers.readline().strip()


def run(seed: int, inputs: Iterable[tuple[str, int]]) -> Iterator[Result]:
    """Try inputs, given as (reader, number), in order; a new worker after some hundred."""
    waiting = iter(inputs)
    while True:
        batch = [each for each, _ in zip(waiting, range(PER_WORKER), strict=False)]
        if not batch:
            return
        with Worker() as worker:
            for reader, number in batch:
                yield worker.ask(seed, reader, number)


def tabulate(results: Iterable[Result]) -> str:
    """A table of readers and ways of damage: how many inputs, and what came of them."""
    titles = ("refused", "same", "caution", "voxels only", "grey values", "FINDING")
    counts: dict[tuple[str, str], Counter[str]] = {}
    for result in results:
        for key in ((result["reader"], result["way"]), (result["reader"], "all"), ("all", "")):
            counts.setdefault(key, Counter())[result["verdict"]] += 1
    readers = list(dict.fromkeys(reader for reader, _ in counts if reader != "all"))
    keys = [(reader, way) for reader in readers
            for way in sorted((way for other, way in counts if other == reader), key=lambda way: (way == "all", way))]
    lines = [f"{'reader':<10} {'damage':<20} {'inputs':>7} " + " ".join(f"{title:>12}" for title in titles)]
    for key in [*keys, ("all", "")]:
        found = counts.get(key, Counter())
        lines.append(f"{key[0]:<10} {key[1]:<20} {found.total():>7} "
                     + " ".join(f"{found[verdict]:>12}" for verdict in VERDICTS))
    return "\n".join(lines)


def summarise(results: list[Result]) -> str:
    """The slowest, the hungriest, and every finding by its number."""
    if not results:
        return "no inputs"
    slowest = max(results, key=lambda each: each["seconds"])
    hungriest = max(results, key=lambda each: each["megabytes"])
    findings = [each for each in results if each["verdict"] == "FINDING"]
    grey = Counter(f"{each['reader']} {each['way']}" for each in results if each["verdict"] == "grey")
    spent = f"{slowest['seconds']:.2f} s of processor ({slowest['wall']:.2f} s on the clock)"
    lines = [f"slowest: {spent}, {name(slowest)}",
             f"most memory: {hungriest['megabytes']} MB above rest, {name(hungriest)}",
             f"grey values: {grey.total()} ({', '.join(f'{way} {count}' for way, count in sorted(grey.items()))})",
             f"findings: {len(findings)}"]
    return "\n".join([*lines, *(f"  {name(each)}: {each['why']}" for each in findings)])


def name(result: Result) -> str:
    """An input as it is asked for again."""
    return f"{result['reader']}:{result['number']} ({result['sample']}, {result['way']})"
