"""Peaks of memory of whole processes, each beside a plain script of the same libraries that does the same.

Each run is a process of its own, watched from outside with all that it starts. `idle` is Python with nothing but its
own start, so that what the work itself takes can be told.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.conversion import write_series
from tests.benchmarks.room import SHARED, own_data_folder
from tests.benchmarks.timing import Row, alternate, peak_memory, skipped

ROOT = Path(__file__).resolve().parents[2]
RUNS = 3
SHAPE = (512, 512, 60)
"""Of the made-up DICOM series, (i, j, k)."""
RUN = """
import sys
from app.core.jobs import run_workflow
run_workflow("app.core.workflows:" + sys.argv[1], eval(sys.argv[2]), lambda *_: None)
"""
CONVERT = """
import sys
import SimpleITK as sitk
reader = sitk.ImageSeriesReader()
reader.SetFileNames(reader.GetGDCMSeriesFileNames(sys.argv[1]))
sitk.WriteImage(reader.Execute(), sys.argv[2], useCompression=True)
"""
SCORE = """
import sys
from pathlib import Path
from tests.benchmarks.by_hand import features_by_hand
features_by_hand([Path(sys.argv[1]), Path(sys.argv[2])], n4=False, outlines=9)
"""
EXTRACT = """
import sys
from radiomics import featureextractor, setVerbosity
setVerbosity(60)
featureextractor.RadiomicsFeatureExtractor(additionalInfo=False).execute(sys.argv[1], sys.argv[2])
"""


def main(runs: int = RUNS, shape: tuple[int, int, int] = SHAPE) -> list[Row]:
    """Measure a conversion, a score and an extraction."""
    with tempfile.TemporaryDirectory(prefix="liposcope-") as scratch, own_data_folder():
        folder = Path(scratch)
        rows = [_as_row("idle", [_peak("pass", ())])]
        series = write_series(folder / "series", shape)
        ask = {"source": str(series), "target": str(folder / "ours.nii.gz")}
        rows += _compare(f"convert {shape[2]} slices of {shape[0]} x {shape[1]}", ("convert", repr(ask)),
                         "SimpleITK", CONVERT, (str(series), str(folder / "theirs.nii.gz")), runs)
        case = SHARED / "sts" / "STS_005"
        if not case.is_dir():
            return [*rows, skipped("score and extract STS_005", "the shared data are not there")]
        image, mask = str(case / "t1.nii.gz"), str(case / "gtv.nii.gz")
        files = {"id": "case", "images": {"t1": image}, "mask": mask}
        rows += _compare("score STS_005, lipoma-phantom-demo",
                         ("score_case", repr({"case": files, "model": "lipoma-phantom-demo"})),
                         "plain script, nine outlines", SCORE, (image, mask), runs)
        recipe = {"name": "pyradiomics", "features": {}}
        measure = {"cases": [files], "recipe": recipe, "out": str(folder / "features.csv"), "jobs": 1}
        rows += _compare("extract STS_005, pyradiomics' defaults", ("extract", repr(measure)),
                         "plain pyradiomics", EXTRACT, (image, mask), runs)
    return rows


def _compare(what: str, words: Sequence[str], peer: str, plain: str, given: Sequence[str], runs: int) -> list[Row]:
    ours, theirs = alternate([lambda: _peak(RUN, words), lambda: _peak(plain, given)], runs)
    return [_as_row(what, ours, theirs, peer), _as_row(f"{peer}: {what}", theirs)]


def _peak(code: str, words: Sequence[str]) -> float:
    """Megabytes at most, of a process and all it starts."""
    process = subprocess.Popen([sys.executable, "-c", code, *words], cwd=ROOT, env={**os.environ},
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    with peak_memory(process.pid, pause=0.01) as peak:
        _, said = process.communicate(timeout=600)
    if process.returncode:
        raise RuntimeError(said)
    return peak.mb


def _as_row(what: str, peaks: Sequence[float], beside: Sequence[float] | None = None, peer: str = "") -> Row:
    cells: Row = {"what": what, "runs": len(peaks), "median_mb": statistics.median(peaks), "min_mb": min(peaks),
                  "max_mb": max(peaks)}
    if beside is not None:
        ratios = [mine / theirs for mine, theirs in zip(peaks, beside, strict=True)]
        cells |= {"ratio": statistics.median(ratios), "ratio_spread": f"{min(ratios):.2f}-{max(ratios):.2f}",
                  "peer": peer}
    return cells
