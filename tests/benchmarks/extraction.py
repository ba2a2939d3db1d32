"""Extraction of cohorts: the real sarcomas in one process and in two, and the memory of a long run of large images.

The long run measures 40 different images of 512 x 512 x 60 voxels again and again, without the memory of finished
cases, as 500 of them would be, and watches the process that asks and those that work.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import nibabel as nib
import numpy as np
import psutil

from app.core.recipe import Recipe
from app.core.requests import CaseFiles
from app.core.workflows import extract
from app.core.workflows.measuring import measure_cases
from app.core.workflows.recipes import find_recipe
from tests.benchmarks.room import SHARED, own_data_folder
from tests.benchmarks.timing import Row, peak_memory, row, skipped

SHAPE = (512, 512, 60)
DISTINCT, ROUNDS = 40, 3
FIRST_ORDER = {"name": "first-order", "features": {"classes": ["shape", "firstorder"]}}


def main() -> list[Row]:
    """Measure both."""
    cohort = SHARED / "sts" / "cohort.csv"
    rows = sarcomas(cohort) if cohort.exists() else [skipped("32 sarcomas", "the shared data are not there")]
    return rows + large_images()


def sarcomas(cohort: Path) -> list[Row]:
    """The recipe 'pyradiomics' on 32 sarcomas, once with each number of processes, and once recalled."""
    rows = []
    recipe = find_recipe("pyradiomics").model_dump(mode="json")
    with own_data_folder(), tempfile.TemporaryDirectory() as folder:
        for jobs, cache in ((1, "one"), (2, "two"), (1, "two")):
            ask = {"source": str(cohort), "recipe": recipe, "out": f"{folder}/f{jobs}.csv", "jobs": jobs,
                   "cache": f"{folder}/{cache}"}
            begun = time.perf_counter()
            with peak_memory() as peak:
                result = extract(ask, lambda _fraction, _message: None)
            seconds = time.perf_counter() - begun
            what = "32 sarcomas, recalled" if result["reused"] else f"32 sarcomas, {jobs} processes"
            rows.append(row(what, [seconds], cases_per_s=result["cases"] / seconds, features=result["features"],
                            peak_mb=peak.mb))
    return rows


def large_images() -> list[Row]:
    """Memory after each round of large images, of the asking process and of the working ones."""
    with tempfile.TemporaryDirectory() as folder:
        cases = write_large(Path(folder), DISTINCT)
        recipe = Recipe.parse(FIRST_ORDER)
        rows: list[Row] = []
        with memory_by_case() as seen:

            def note(_fraction: float, message: str) -> None:
                if " measured (" in message and message != seen.message:
                    seen.note(message)

            begun = time.perf_counter()
            repeated = [case.model_copy(update={"id": f"{case.id}-{number}"})
                        for number in range(ROUNDS) for case in cases]
            measure_cases(repeated, recipe, note, jobs=1)
            seconds = time.perf_counter() - begun
        for number in range(ROUNDS):
            part = slice(number * DISTINCT, (number + 1) * DISTINCT)
            rows.append({"what": f"round {number + 1}: {DISTINCT} images of 512 x 512 x 60", "runs": 1,
                         "median_s": seconds / ROUNDS, "asking_mb": max(seen.asking[part]),
                         "working_mb": max(seen.working[part])})
        growth = (np.median(seen.asking[-20:]) - np.median(seen.asking[5:25])) / (len(seen.asking) - 25)
        rows.append({"what": "growth of the asking process", "kb_per_case": float(growth) * 1000})
    return rows


def write_large(folder: Path, count: int) -> list[CaseFiles]:
    """Write noisy images with a ball in each, all different; a few hundred megabytes."""
    i, j, k = np.ogrid[:512, :512, :60]
    cases = []
    for number in range(count):
        rng = np.random.default_rng(number)
        centre = rng.integers(150, 350, 2)
        ball = (i - centre[0]) ** 2 + (j - centre[1]) ** 2 + (5 * (k - 30)) ** 2 < (40 + number) ** 2
        voxels = rng.integers(0, 100, SHAPE, dtype=np.int16) + 200 * ball.astype(np.int16)
        affine = np.diag([0.6, 0.6, 3.0, 1.0])
        image, mask = folder / f"{number}.nii", folder / f"{number}-mask.nii"
        nib.save(nib.Nifti1Image(voxels, affine), image)
        nib.save(nib.Nifti1Image(ball.astype(np.uint8), affine), mask)
        cases.append(CaseFiles(id=str(number), images={"image": str(image)}, mask=str(mask)))
    return cases


class Memory:
    """Resident memory, in megabytes, after each case: of this process, and the most of its children since the last."""

    def __init__(self) -> None:
        self.asking: list[float] = []
        self.working: list[float] = []
        self.message = ""
        self.children = 0.0

    def note(self, message: str) -> None:
        """Take the figures of a case that has just been measured."""
        self.message = message
        self.asking.append(psutil.Process().memory_info().rss / 1e6)
        self.working.append(self.children)
        self.children = 0.0


@contextmanager
def memory_by_case() -> Iterator[Memory]:
    """Watch the children of this process."""
    seen, ended = Memory(), threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            total = 0.0
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    total += child.memory_info().rss / 1e6
            seen.children = max(seen.children, total)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()
