"""From a cancel to rest, and from the death of an engine to the sentence about it and to the next finished job."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psutil
from PySide6.QtWidgets import QApplication

from app.core.recipe import N4Recipe, PrepRecipe
from app.core.requests import CaseFiles, ScoreRequest
from app.ui.jobs import Jobs
from tests.benchmarks.room import SHARED, own_data_folder, wait_until
from tests.benchmarks.timing import Row, row, skipped

TOY = "tests.core.toy_workflows"
RUNS = 5


class Watch:
    """Jobs without a window, and when each event came."""

    def __init__(self) -> None:
        self.jobs = Jobs()
        self.seen: dict[str, tuple[float, Any]] = {}
        self.jobs.progress.connect(lambda job, *_: self._note(f"moved {job}"))
        self.jobs.finished.connect(lambda job, result: self._note(f"ended {job}", result))
        self.jobs.failed.connect(lambda job, failure: self._note(f"ended {job}", failure))
        self.jobs.cancelled.connect(lambda job: self._note(f"ended {job}"))
        self.jobs.idle.connect(lambda lane: self._note(f"idle {lane}"))

    def _note(self, what: str, value: Any = None) -> None:
        self.seen[what] = (time.perf_counter(), value)

    def wait(self, what: str) -> tuple[float, Any]:
        """The moment and the value of an event."""
        wait_until(lambda: what in self.seen, what=what)
        return self.seen[what]

    def begin(self, workflow: str, request: dict[str, Any]) -> str:
        """Start a job and wait until it has told of its progress."""
        job = self.jobs.start("score", workflow, request)
        self.wait(f"moved {job}")
        return job

    def next_finished(self) -> float:
        """Start the smallest job; when it has finished."""
        job = self.jobs.start("score", f"{TOY}:add", {"a": 1, "b": 1})
        return self.wait(f"ended {job}")[0]


def main() -> list[Row]:
    """Measure with small workflows, and with a real score under way."""
    QApplication.instance() or QApplication([])
    hopeless = {"steps": 100_000, "pause": 0.01}
    rows = []
    with own_data_folder():
        watch = Watch()
        try:
            watch.next_finished()
            rows += _cancel(watch, "a cooperative job", f"{TOY}:count", hopeless)
            rows += _cancel(watch, "a stubborn job", f"{TOY}:hang", {})
            rows += _kill(watch, "a job", f"{TOY}:count", hopeless)
            if (case := SHARED / "sts" / "STS_003").is_dir():
                score = _score(case)
                rows += _cancel(watch, "a score at N4", "app.core.workflows:score_case", score)
                rows += _kill(watch, "a score at N4", "app.core.workflows:score_case", score)
            else:
                rows.append(skipped("a score at N4", "the shared data are not there"))
        finally:
            begun = time.perf_counter()
            watch.jobs.shutdown()
            rows.append(row("shutdown of all engines", [time.perf_counter() - begun]))
    return rows


def _score(case: Path) -> dict[str, Any]:
    files = CaseFiles(id="case", images={"t1": str(case / "t1.nii.gz")}, mask=str(case / "gtv.nii.gz"))
    prep = PrepRecipe(n4=N4Recipe(shrink=1, iterations=500, tolerance=0))
    return ScoreRequest(case=files, model="lipoma-phantom-demo", prep=prep).model_dump(mode="json")


def _cancel(watch: Watch, what: str, workflow: str, request: dict[str, Any]) -> list[Row]:
    rests, nexts = [], []
    for _ in range(RUNS):
        job = watch.begin(workflow, request)
        time.sleep(0.3)
        watch.seen.pop("idle score", None)
        begun = time.perf_counter()
        watch.jobs.cancel(job)
        rests.append(watch.wait("idle score")[0] - begun)
        nexts.append(watch.next_finished() - begun)
    return [row(f"cancel of {what} to rest", rests), row(f"cancel of {what} to the next finished job", nexts)]


def _kill(watch: Watch, what: str, workflow: str, request: dict[str, Any]) -> list[Row]:
    sentences, nexts, said = [], [], None
    for _ in range(RUNS):
        job = watch.begin(workflow, request)
        time.sleep(0.3)
        begun = time.perf_counter()
        _engine().kill()
        when, said = watch.wait(f"ended {job}")
        sentences.append(when - begun)
        nexts.append(watch.next_finished() - begun)
    return [row(f"kill -9 during {what} to the sentence", sentences, said=getattr(said, "message", "")),
            row(f"kill -9 during {what} to the next finished job", nexts)]


def _engine() -> psutil.Process:
    """The engine of the score lane, the only one here."""
    return next(child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline()))
