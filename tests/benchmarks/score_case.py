"""From a drop to a score, with each shipped model, without and with N4, beside a plain script of the same libraries."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import get_args

from app.core.recipe import N4Recipe, NormaliseRecipe, PrepRecipe
from app.core.requests import CaseFiles, ScoreRequest
from tests.benchmarks.by_hand import features_by_hand, volume_by_hand
from tests.benchmarks.room import SHARED, Room, open_room, wait_until
from tests.benchmarks.timing import Row, alternate, peak_memory, row, skipped

RUNS, N4_RUNS = 5, 3
OUTLINES = 9  # the reader's, a smaller, a larger, and six displaced by a voxel


def main() -> list[Row]:
    """Measure one real case."""
    case = SHARED / "sts" / "STS_003"
    files = [case / "t1.nii.gz", case / "gtv.nii.gz"]
    if not all(path.exists() for path in files):
        return [skipped("drop to score", "the shared data are not there")]
    rows = []
    with open_room() as room, peak_memory() as peak:
        for model, plain in (("lipoma-size", partial(volume_by_hand, files)),
                             ("lipoma-phantom-demo", partial(features_by_hand, files, n4=False))):
            ours, theirs = alternate([partial(_drop, room, model, files), plain], RUNS, warm=1)
            rows += [row(f"drop to painted score, {model}", ours, theirs), row(f"plain script, {model}", theirs)]
        ours, theirs = alternate([partial(_drop, room, model, files),
                                  partial(features_by_hand, files, n4=False, outlines=OUTLINES)], RUNS)
        rows += [row(f"drop to painted score, {model}", ours, theirs),
                 row(f"plain script, {model}, {OUTLINES} outlines as the interval needs", theirs)]
        for engine in get_args(N4Recipe.model_fields["engine"].annotation):
            prep = PrepRecipe(n4=N4Recipe(engine=engine), normalise=NormaliseRecipe())
            ours, theirs = alternate([_job(room, files, prep), partial(features_by_hand, files, n4=True)], N4_RUNS,
                                     warm=1)
            rows += [row(f"score job, lipoma-phantom-demo with N4 ({engine})", ours, theirs),
                     row("plain script with N4 (SimpleITK)", theirs)]
    rows[-1]["peak_mb"] = peak.mb
    return rows


def _drop(room: Room, model: str, files: list[Path]) -> float:
    room.window.state.choose("model", model)
    room.clear()
    finding = room.finding()
    fell = room.drop(files)
    wait_until(lambda: finding.at, what="the score")
    return finding.at - fell


def _job(room: Room, files: list[Path], prep: PrepRecipe) -> Callable[[], None]:
    """A score through the window's own lane: the window itself never replaces a model's preparation."""
    ended: list[str] = []
    jobs = room.window.jobs
    jobs.finished.connect(lambda job, _result: ended.append(job))
    jobs.failed.connect(lambda _job, failure: (_ for _ in ()).throw(RuntimeError(failure.message)))
    ask = ScoreRequest(case=CaseFiles(id="case", images={"t1": str(files[0])}, mask=str(files[1])),
                       model="lipoma-phantom-demo", prep=prep).model_dump(mode="json")

    def score() -> None:
        job = jobs.start("score", "app.core.workflows:score_case", ask, "benchmark")
        wait_until(lambda: job in ended, what="the score with N4")

    return score
