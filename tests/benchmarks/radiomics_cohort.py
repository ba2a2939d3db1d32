"""Features of real cases beside plain pyradiomics in the same run: seven quantisations of one case, then a cohort."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from app.core.data import Mask, Prepared, Volume
from app.core.io.mask import load_mask
from app.core.io.volume import load_volume
from app.core.jobs import run_workflow
from app.core.paths import program_folder
from app.core.radiomics.discretise import equal_levels
from app.core.radiomics.extract import extract
from app.core.recipe import QuantisedRecipe, RadiomicsRecipe, Recipe
from tests.benchmarks.room import SHARED, own_data_folder
from tests.benchmarks.timing import Row, alternate, peak_memory, row, skipped

CASE = "STS_005"
RECIPES = ("pyradiomics", "ibsi", "creatis-2019", "creatis-2019-levels", "lgg-shape")
LEVELS = (8, 16, 24, 32, 40, 48, 64)
CASES = int(os.environ.get("LIPOSCOPE_BENCHMARK_CASES", "4"))
"""Of the 32 sarcomas; the environment can ask for all."""
Values = dict[str, float]
# What a user of pyradiomics would write: its own extractor, with its defaults, over the same table.
PLAIN = """
import csv, logging, sys, time
begun = time.perf_counter()
from pathlib import Path
from radiomics import featureextractor, setVerbosity
setVerbosity(60)
table, out, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
extractor = featureextractor.RadiomicsFeatureExtractor(additionalInfo=False)
rows = []
with table.open(newline="") as file:
    for case in list(csv.DictReader(file))[:count]:
        values = extractor.execute(str(table.parent / case["image"]), str(table.parent / case["mask"]))
        rows.append({"patient": case["patient"]} | {name: float(value) for name, value in values.items()})
with open(out, "w", newline="") as file:
    writer = csv.DictWriter(file, rows[0])
    writer.writeheader()
    writer.writerows(rows)
print(time.perf_counter() - begun)
"""


def main() -> list[Row]:
    """Ratios to pyradiomics: of one case by number of levels, and of a cohort by recipe with one process and two."""
    if not (SHARED / "sts" / "cohort.csv").exists():
        return [skipped("radiomics_cohort", "the shared data are not there")]
    return [*_quantised(), *_cohort()]


def _quantised() -> list[Row]:
    """The same features of one case: ours at once, and by calling pyradiomics' extractor for each number of levels."""
    folder = SHARED / "sts" / CASE
    volume = load_volume(str(folder / "t1.nii.gz")).volume
    mask = load_mask(str(folder / "gtv.nii.gz"), images={"t1": volume})
    prepared = Prepared(CASE, {"t1": volume}, {"t1": mask})
    texture = RadiomicsRecipe(classes=(), quantised=QuantisedRecipe(keep_levels=True))
    whole = texture.model_copy(update={"classes": ("shape", "firstorder")})
    rows = []
    for what, recipe, each_call in (
            ("shape, first order and texture at 7 levels", whole, ("shape", "firstorder")),
            ("texture alone at 7 levels", texture, ())):
        found: dict[str, Values] = {}

        def ours(recipe: RadiomicsRecipe = recipe, found: dict[str, Values] = found) -> None:
            found["ours"] = extract(prepared, recipe).as_dict()

        def theirs(each_call: Sequence[str] = each_call, found: dict[str, Values] = found) -> None:
            found["theirs"] = _call_seven_times(volume, mask, each_call)

        mine, plain = alternate([ours, theirs], 3, warm=1)
        away, compared = _furthest(found["ours"], found["theirs"])
        rows += [row(f"{CASE}: {what}, seven calls of pyradiomics", plain),
                 row(f"{CASE}: {what}", mine, plain, compared=compared, furthest_apart=away)]
    return rows


def _call_seven_times(volume: Volume, mask: Mask, each_call: Sequence[str]) -> Values:
    """Quantise, and give the image to pyradiomics' extractor; runs and co-occurrences need a call within slices."""
    from radiomics import featureextractor, setVerbosity

    setVerbosity(60)
    label = sitk.GetImageFromArray(mask.voxels.T.astype(np.uint8))
    label.SetSpacing(mask.geometry.spacing)
    original = sitk.GetImageFromArray(np.ascontiguousarray(volume.voxels.T))
    original.SetSpacing(mask.geometry.spacing)
    found: Values = {}
    for count in LEVELS:
        image = sitk.GetImageFromArray(equal_levels(volume, mask, count).T)
        image.SetSpacing(mask.geometry.spacing)
        calls: list[tuple[Any, Sequence[str], bool]] = [(image, ("glcm", "glrlm"), True),
                                                        (image, ("glszm", "ngtdm"), False)]
        if each_call:
            calls.append((original, each_call, False))
        for picture, classes, flat in calls:
            # Plain pyradiomics bins the original for first order anew; its default width suits no arbitrary unit.
            bins = {"binWidth": 1} if picture is image else {"binWidth": 25}
            extractor = featureextractor.RadiomicsFeatureExtractor(additionalInfo=False, force2D=flat, **bins)
            extractor.disableAllFeatures()
            for name in classes:
                extractor.enableFeatureClassByName(name)
            kind = f"equal{count}" if picture is image else "original"
            found |= {f"{kind}{name.removeprefix('original')}": float(value)
                      for name, value in extractor.execute(picture, label).items()}
    return found


def _furthest(ours: Values, theirs: Values) -> tuple[float, int]:
    """Greatest relative difference over the features that both have, and how many these are."""
    both = [name for name in theirs if name in ours and math.isfinite(theirs[name])]
    apart = [abs(ours[name] - theirs[name]) / max(abs(theirs[name]), 1e-12) for name in both
             if abs(ours[name] - theirs[name]) > 1e-12]
    return max(apart, default=0.0), len(both)


def _cohort() -> list[Row]:
    """Each recipe over the first cases of the table, beside a plain script that runs before and after them."""
    table = SHARED / "sts" / "cohort.csv"
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="liposcope-") as scratch, own_data_folder():
        plain_out = Path(scratch) / "plain.csv"
        before, memory = _watched(lambda: _run_plain(table, plain_out))
        cases = _first_cases(table, CASES)
        for name in RECIPES:
            recipe = Recipe.parse(program_folder() / "resources" / "recipes" / f"{name}.json").model_dump(mode="json")
            for jobs in (1, 2):
                out = Path(scratch) / f"{name}-{jobs}.csv"
                ask = {"cases": cases, "recipe": recipe, "out": str(out), "jobs": jobs,
                       "cache": str(Path(scratch) / f"cache-{name}-{jobs}")}
                done: dict[str, Any] = {}
                seconds, peak = _watched(lambda ask=ask, done=done: _run_extract(ask, done))
                same: Row = {}
                if name == "pyradiomics" and jobs == 1:
                    away, compared = _furthest_rows(out, plain_out)
                    same = {"compared": compared, "furthest_apart": away}
                rows.append({"what": f"extract, {name}", "jobs": jobs, "cases": CASES, "failed": len(done["failed"]),
                             "features": done["features"], "median_s": seconds, "cases_per_s": CASES / seconds,
                             "ratio": seconds / before, "peak_mb": peak, **same})
        after, _ = _watched(lambda: _run_plain(table, plain_out))
    plain: Row = {"what": "plain pyradiomics script, its defaults", "jobs": 1, "cases": CASES, "features": 107,
                  "median_s": (before + after) / 2, "cases_per_s": 2 * CASES / (before + after), "peak_mb": memory}
    for each in rows:
        each["ratio"] = float(str(each["median_s"])) / float(str(plain["median_s"]))
    return [plain, *rows]


def _watched(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds and megabytes."""
    with peak_memory() as peak:
        begun = time.perf_counter()
        work()
        seconds = time.perf_counter() - begun
    return seconds, peak.mb


def _run_plain(table: Path, out: Path) -> None:
    subprocess.run([sys.executable, "-c", PLAIN, str(table), str(out), str(CASES)], check=True, capture_output=True)


def _run_extract(ask: dict[str, Any], done: dict[str, Any]) -> None:
    done |= run_workflow("app.core.workflows:extract", ask, lambda _fraction, _message: None)


def _first_cases(table: Path, count: int) -> list[dict[str, Any]]:
    from app.core.io.table import read_cases

    return [case.model_dump(mode="json") for case in read_cases(str(table)).cases[:count]]


def _furthest_rows(ours: Path, theirs: Path) -> tuple[float, int]:
    import pandas as pd

    mine, plain = (pd.read_csv(path, dtype={"patient": str}).set_index("patient") for path in (ours, theirs))
    found = [_furthest(mine.loc[patient, plain.columns].astype(float).to_dict(), plain.loc[patient].to_dict())
             for patient in plain.index]
    return max(away for away, _ in found), sum(compared for _, compared in found)
