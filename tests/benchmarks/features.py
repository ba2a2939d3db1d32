"""Features of real cases beside plain pyradiomics with its defaults, some rounds: each case, and a table of them.

`furthest_apart` is the greatest relative difference over the features that both have. The benchmark `radiomics_cohort`
has every recipe and as many cases as one asks for.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.core.data import Prepared
from app.core.io.mask import load_mask
from app.core.io.volume import load_volume
from app.core.jobs import run_workflow
from app.core.radiomics.extract import extract
from app.core.recipe import RadiomicsRecipe
from tests.benchmarks.room import SHARED, own_data_folder
from tests.benchmarks.timing import Row, alternate, peak_memory, row, skipped

RUNS = 5
CASES = ("STS_003", "STS_005", "STS_018")
TABLE_CASES = 8
Values = dict[str, float]


def main(names: Sequence[str] = CASES, runs: int = RUNS, count: int = TABLE_CASES) -> list[Row]:
    """Measure single cases in memory, and a table from the files to the file."""
    if not (SHARED / "sts" / "cohort.csv").exists():
        return [skipped("features", "the shared data are not there")]
    return [*(each for name in names for each in _measure_case(name, runs)), *_measure_table(count, max(runs // 2, 1))]


def make_extractor() -> Any:
    """Pyradiomics as it comes, without its report of versions."""
    from radiomics import featureextractor, setVerbosity

    setVerbosity(60)
    return featureextractor.RadiomicsFeatureExtractor(additionalInfo=False)


def _measure_case(name: str, runs: int) -> list[Row]:
    from app.core.io.itk import to_sitk

    folder = SHARED / "sts" / name
    volume = load_volume(str(folder / "t1.nii.gz")).volume
    mask = load_mask(str(folder / "gtv.nii.gz"), images={"t1": volume})
    prepared, recipe = Prepared(name, {"t1": volume}, {"t1": mask}), RadiomicsRecipe()
    image, label, extractor = to_sitk(volume), to_sitk(mask), make_extractor()
    found: dict[str, Values] = {}

    def ours() -> None:
        found["ours"] = extract(prepared, recipe).as_dict()

    def theirs() -> None:
        found["theirs"] = {key: float(value) for key, value in extractor.execute(image, label).items()}

    mine, plain = alternate([ours, theirs], runs, warm=1)
    both = found["ours"].keys() & found["theirs"].keys()
    apart = max(abs(found["ours"][key] - found["theirs"][key]) / max(abs(found["theirs"][key]), 1e-12) for key in both)
    return [row(f"features of {name}", mine, plain, voxels=int(mask.voxels.sum()), compared=len(both),
                furthest_apart=apart), row(f"plain pyradiomics, {name}", plain)]


def _measure_table(count: int, runs: int) -> list[Row]:
    from app.core.io.table import read_cases

    cases = read_cases(str(SHARED / "sts" / "cohort.csv")).cases[:count]
    asked = [case.model_dump(mode="json") for case in cases]

    def ours() -> None:
        with tempfile.TemporaryDirectory(prefix="liposcope-") as fresh:  # else finished cases would be recalled
            ask = {"cases": asked, "recipe": {"name": "plain", "features": {}}, "jobs": 1,
                   "out": str(Path(fresh) / "features.csv"), "cache": str(Path(fresh) / "cache")}
            run_workflow("app.core.workflows:extract", ask, lambda _fraction, _message: None)

    def theirs() -> None:
        extractor = make_extractor()
        for case in cases:
            extractor.execute(next(iter(case.images.values())), case.mask)

    with own_data_folder(), peak_memory() as peak:
        mine, plain = alternate([ours, theirs], runs, warm=1)
    return [row(f"extract a table of {len(cases)} cases, one process", mine, plain, peak_mb=peak.mb),
            row(f"a loop over plain pyradiomics, {len(cases)} cases", plain)]
