"""Growth of scoring, extracting and learning with volume size and case count, beside scripts of the same libraries.

`exponent` is the slope of the seconds over the size, both as logarithms, from the smallest to the largest: 1 is
growth in proportion, 2 is with the square; `their_exponent` is the plain script's.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from app.core.jobs import run_workflow
from tests.benchmarks.room import own_data_folder
from tests.benchmarks.timing import Row, alternate, peak_memory, row

RUNS = 3
SHAPES = ((64, 64, 16), (128, 128, 32), (256, 256, 64))
COUNTS = (4, 16, 64)
COHORTS = (60, 120, 240, 480)
SMALL = (48, 48, 12)
FEATURES = 92
Two = tuple[Callable[[], None], Callable[[], None]]


def main(shapes: Sequence[tuple[int, int, int]] = SHAPES, counts: Sequence[int] = COUNTS,
         cohorts: Sequence[int] = COHORTS, runs: int = RUNS) -> list[Row]:
    """Measure all of them."""
    with tempfile.TemporaryDirectory(prefix="liposcope-") as scratch, own_data_folder():
        folder = Path(scratch)
        cases = {shape: write_case(folder / "x".join(map(str, shape)), shape) for shape in shapes}
        table = write_table(folder, max(counts))
        voxels = {int(np.prod(shape)): partial(_of_volume, files) for shape, files in cases.items()}
        rows = _grow("score a case, lipoma-phantom-demo", "voxels", voxels, "plain script, nine outlines", runs)
        many = {count: partial(_of_cases, folder, table[:count]) for count in counts}
        rows += _grow("score a table, lipoma-size", "cases", many, "a loop over SimpleITK", runs)
        many = {count: partial(_of_extraction, folder, table[:count]) for count in counts}
        rows += _grow("extract a table, pyradiomics' defaults", "cases", many, "a loop over pyradiomics", runs)
        learned = {count: partial(_of_learning, count) for count in cohorts}
        return rows + _grow(f"learn, logistic, {FEATURES} features", "cases", learned, "GridSearchCV", runs)


def _grow(what: str, unit: str, ways: dict[int, Callable[[], Two]], peer: str, runs: int) -> list[Row]:
    rows: list[Row] = []
    medians: list[tuple[float, float]] = []
    for size, make in ways.items():
        with peak_memory() as peak:
            ours, theirs = alternate(make(), runs, warm=1)
        mine, plain = row(f"{what}, {size:,} {unit}", ours, theirs, peer=peer), row(peer, theirs)
        medians.append((float(str(mine["median_s"])), float(str(plain["median_s"]))))
        rows.append(mine | {"peer_s": plain["median_s"], "peak_mb": peak.mb})
    if len(medians) > 1:
        sizes = list(ways)
        growth = np.log(np.divide(medians[-1], medians[0])) / np.log(sizes[-1] / sizes[0])
        rows.append({"what": f"growth: {what}", "exponent": float(growth[0]), "their_exponent": float(growth[1])})
    return rows


def _of_volume(files: tuple[Path, Path]) -> Two:
    from tests.benchmarks.by_hand import features_by_hand

    case = {"id": "case", "images": {"t1": str(files[0])}, "mask": str(files[1])}
    return (partial(_run, "score_case", {"case": case, "model": "lipoma-phantom-demo"}),
            partial(features_by_hand, list(files), n4=False, outlines=9))


def _of_cases(folder: Path, cases: Sequence[tuple[Path, Path]]) -> Two:
    from tests.benchmarks.by_hand import volume_by_hand

    table = _list_cases(folder, cases)

    def by_hand() -> None:
        for files in cases:
            volume_by_hand(list(files))

    return partial(_run, "score_cohort", {"table": str(table), "model": "lipoma-size", "jobs": 1}), by_hand


def _of_extraction(folder: Path, cases: Sequence[tuple[Path, Path]]) -> Two:
    table = _list_cases(folder, cases)

    def measure() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as fresh:  # else finished cases would be recalled
            _run("extract", {"source": str(table), "recipe": {"name": "plain", "features": {}}, "jobs": 1,
                             "out": f"{fresh}/features.csv", "cache": f"{fresh}/cache"})

    def by_hand() -> None:
        from radiomics import featureextractor, setVerbosity

        setVerbosity(60)
        extractor = featureextractor.RadiomicsFeatureExtractor(additionalInfo=False)
        for image, mask in cases:
            extractor.execute(str(image), str(mask))

    return measure, by_hand


def _of_learning(cases: int) -> Two:
    from threadpoolctl import threadpool_limits

    from app.core.classify.tuned import TunedClassifier
    from tests.benchmarks.training import search_plainly, shipped, simulate

    recipe, (rows, labels) = shipped("logistic"), simulate(cases, FEATURES, 1)

    def learn() -> None:
        with threadpool_limits(1):
            TunedClassifier(recipe).fit(rows, labels)

    def learn_plainly() -> None:
        with threadpool_limits(1):
            search_plainly(recipe, rows, labels)

    return learn, learn_plainly


def _run(workflow: str, ask: dict[str, Any]) -> None:
    run_workflow(f"app.core.workflows:{workflow}", ask, lambda _fraction, _message: None)


def write_case(folder: Path, shape: tuple[int, int, int], seed: int = 0) -> tuple[Path, Path]:
    """Write a noisy body with a ball in it, whose share of the image is the same at every size."""
    import nibabel

    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    grid = np.ogrid[tuple(slice(-1, 1, complex(0, side)) for side in shape)]
    ball = sum((axis - 0.1) ** 2 for axis in grid) < 0.03
    voxels = (300 + 200 * ball + rng.normal(0, 40, shape)).astype(np.int16)
    affine = np.diag([300 / shape[0], 300 / shape[1], 200 / shape[2], 1.0])
    paths = folder / "t1.nii.gz", folder / "gtv.nii.gz"
    for path, array in zip(paths, (voxels, ball.astype(np.uint8)), strict=True):
        nibabel.save(nibabel.Nifti1Image(array, affine), path)
    return paths


def write_table(folder: Path, count: int) -> list[tuple[Path, Path]]:
    """Write so many small cases, all different."""
    return [write_case(folder / f"case{number}", SMALL, number) for number in range(count)]


def _list_cases(folder: Path, cases: Sequence[tuple[Path, Path]]) -> Path:
    path = folder / f"cases-{len(cases)}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("patient", "image", "mask"))
        writer.writerows((f"case{number}", *each) for number, each in enumerate(cases))
    return path
