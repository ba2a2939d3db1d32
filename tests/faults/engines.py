"""Kills of the engine while the window lives: the job ends with a sentence, and the next one is done as ever."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from app.core.jobs import Done, Engine, Failed, Job
from app.core.paths import runs_folder
from app.core.requests import CaseFiles
from tests.core.small_cohorts import write_ball
from tests.faults.material import RECIPE, quiet, write_cohort
from tests.faults.tally import Tally, hidden_in, visible_in
from tests.faults.works import is_whole


def engines(folder: Path, rng: Random, kills: int) -> Tally:
    """Kill the engine at a random instant of a score or of the measuring of a cohort."""
    tally, begun = Tally("engines"), time.monotonic()
    jobs = [_score(folder), _measure(folder)]
    engine = Engine("score")
    try:
        lengths = [_run(engine, job(number), tally) for number, job in enumerate(jobs)]
        number = 0
        while tally.kills < kills and number < 3 * kills:
            which = number % len(jobs)
            number += 1
            _attack(engine, jobs[which](100 + number), rng.uniform(0.0, lengths[which]), tally)
        for number, job in enumerate(jobs):
            _run(engine, job(number), tally)
    finally:
        engine.close()
    tally.losses += [f"{path.name} is half-written" for path in visible_in(folder) if path.suffix in (".json", ".html")
                     and not is_whole(path)]
    tally.leftovers = len(hidden_in(folder))
    tally.seconds = time.monotonic() - begun
    return tally


def _score(folder: Path) -> Callable[[int], Job]:
    image, mask = write_ball(folder / "case", 12, (2.0, 2.0, 4.0))
    files = CaseFiles(id="case", images={"image": str(image)}, mask=str(mask)).model_dump(mode="json")

    def make(number: int) -> Job:
        asked: dict[str, Any] = {"case": files, "model": "lipoma-size", "out": str(folder / f"score {number}")}
        return Job.make("score", "app.core.workflows:score_case", asked)

    return make


def _measure(folder: Path) -> Callable[[int], Job]:
    table = write_cohort(folder / "cohort", 3)

    def make(number: int) -> Job:
        asked = {"source": str(table), "recipe": RECIPE, "out": str(folder / f"features {number}.csv"),
                 "cache": str(folder / f"cache {number}"), "jobs": 1}
        return Job.make("train", "app.core.workflows:extract", asked)

    return make


def _run(engine: Engine, job: Job, tally: Tally) -> float:
    """Do a job without a kill, twice for its length: an engine's first job waits for its libraries."""
    for again in (False, True):
        begun = time.monotonic()
        outcome = engine.run(Job.make(job.lane, job.workflow, job.request), quiet)
        if not isinstance(outcome, Done):
            tally.losses.append(f"without a kill {job.workflow} ends as {outcome}")
        if again:
            return time.monotonic() - begun
    return 0.0


def _attack(engine: Engine, job: Job, seconds: float, tally: Tally) -> None:
    victim = engine.pid
    shot = threading.Event()

    def shoot() -> None:
        with suppress(ProcessLookupError, TypeError):
            os.kill(victim, signal.SIGKILL)  # type: ignore[arg-type]
            shot.set()

    timer = threading.Timer(seconds, shoot)
    timer.start()
    outcome = engine.run(job, quiet)
    timer.cancel()
    timer.join()
    run = runs_folder() / job.id
    if not shot.is_set():
        tally.states["done before"] += 1
        return
    tally.kills += 1
    if isinstance(outcome, Failed):
        if not outcome.failure.message.startswith("The system stopped the engine"):
            tally.losses.append(f"a kill is told as {outcome.failure.message!r}")
        tally.states["told in a sentence"] += 1
    else:
        tally.states["done all the same"] += 1
    state = json.loads((run / "outcome.json").read_bytes())["state"]
    if state != ("failed" if isinstance(outcome, Failed) else "done") or (run / "running").exists():
        tally.losses.append("the record of the run says something else")
