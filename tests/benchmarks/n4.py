"""The fast N4 beside SimpleITK's filter and beside ANTs, in turn, on the same voxels and with the same settings.

ANTs shrinks all axes by one factor, here the greatest of the three, so that it often has fewer voxels to fit:
`ants_shrink`. `times` are ratios of the same round, theirs to ours, with the least and the greatest of them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from app.core.data import FloatArray, Mask, Volume
from app.core.io.ants import to_ants
from app.core.io.itk import to_sitk
from app.core.io.volume import load_volume
from app.core.preprocess import n4_fast
from app.core.preprocess.n4 import shrink_factors
from app.core.preprocess.regions import body_mask, otsu_mask
from app.core.recipe import N4Recipe
from tests.benchmarks.timing import Row, alternate, peak_memory, skipped

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
BRAIN, BREAST = "pyradiomics/brain1_image.nrrd", "pyradiomics/breast1_image.nrrd"
# What, file, region, settings, rounds with SimpleITK (0: too long, the fast engine alone).
SUBJECTS: list[tuple[str, str, Callable[[Volume], Mask], dict[str, Any], int]] = [
    ("brain1", BRAIN, otsu_mask, {"shrink": (4, 4, 1), "tolerance": 0.0}, 3),
    ("brain1", BRAIN, otsu_mask, {"shrink": (4, 4, 1), "tolerance": 1e-3}, 3),
    ("brain1 slice", BRAIN, otsu_mask, {"shrink": 2, "tolerance": 1e-3}, 5),
    ("breast1", BREAST, otsu_mask, {"shrink": (4, 4, 1), "tolerance": 0.0}, 5),
    ("breast1", BREAST, otsu_mask, {"shrink": (4, 4, 1), "tolerance": 1e-3}, 5),
    ("breast1", BREAST, otsu_mask, {"shrink": 1, "tolerance": 1e-3}, 5),
    ("STS_005", "sts/STS_005/t1.nii.gz", otsu_mask, {"shrink": 4, "tolerance": 1e-3}, 3),
    ("STS_018 body", "sts/STS_018/t1.nii.gz", body_mask, {"shrink": 5, "tolerance": 1e-3}, 3),
    ("brain1 500 x 4", BRAIN, otsu_mask, {"shrink": (4, 4, 1), "tolerance": 0.0, "iterations": 500}, 0),
    ("brain1 full", BRAIN, otsu_mask, {"shrink": 1, "tolerance": 0.0}, 0),
]


def main(whats: tuple[str, ...] = ()) -> list[Row]:
    """A row for each image (or the named ones) and setting: seconds, and how far the fields and their effect differ."""
    if not DATA.is_dir():
        return [skipped("n4", "the shared data folder is not beside the repository")]
    rows = []
    for what, file, region_of, settings, runs in SUBJECTS:
        if whats and what not in whats:
            continue
        volume = load_volume(str(DATA / file)).volume
        if what.endswith("slice"):
            middle = volume.voxels.shape[2] // 2
            volume = Volume(volume.voxels[:, :, middle : middle + 1].copy(), volume.affine)
        region = region_of(volume)
        region = region.with_voxels(region.voxels & (volume.voxels > 0))
        rows.append(_compare(what, volume, region, N4Recipe(**settings), runs))
    return rows


def _compare(what: str, volume: Volume, region: Mask, recipe: N4Recipe, runs: int) -> Row:
    shrink = shrink_factors(volume, recipe.shrink)
    import ants

    fields: dict[str, FloatArray] = {}
    stops: dict[str, list[int]] = {}
    processor: dict[str, list[float]] = {"fast": [], "itk": []}

    def fast() -> float:
        wall, cpu = time.perf_counter(), time.process_time()
        fields["fast"], levels = n4_fast.estimate_field(volume, region, recipe, shrink, None)
        wall = time.perf_counter() - wall
        processor["fast"].append(time.process_time() - cpu)
        stops["fast"] = [level["iterations"] for level in levels]
        return wall

    def itk() -> float:
        image, mask = _plane(to_sitk(volume)), _plane(to_sitk(region))
        factors = [factor for factor, size in zip(shrink, volume.voxels.shape, strict=True) if size > 1]
        image_small, mask_small = sitk.Shrink(image, factors), sitk.Shrink(mask, factors)
        engine = sitk.N4BiasFieldCorrectionImageFilter()
        engine.SetMaximumNumberOfIterations(list(recipe.iterations_per_level))
        engine.SetConvergenceThreshold(recipe.tolerance)
        done = [0] * recipe.levels

        def note() -> None:
            done[engine.GetCurrentLevel()] = int(engine.GetElapsedIterations())
        engine.AddCommand(sitk.sitkIterationEvent, note)
        wall, cpu = time.perf_counter(), time.process_time()
        engine.Execute(image_small, mask_small)
        log_field = engine.GetLogBiasFieldAsImage(image)
        wall = time.perf_counter() - wall
        processor["itk"].append(time.process_time() - cpu)
        fields["itk"] = np.exp(sitk.GetArrayFromImage(log_field).T).reshape(volume.voxels.shape)
        stops["itk"] = done
        return wall

    given, inside = to_ants(volume), to_ants(region)

    def by_ants() -> float:
        wall = time.perf_counter()
        ants.n4_bias_field_correction(
            given, mask=inside, shrink_factor=max(shrink), return_bias_field=True,
            convergence={"iters": list(recipe.iterations_per_level), "tol": recipe.tolerance})
        return time.perf_counter() - wall

    with peak_memory(pause=0.005) as peak:
        alone = [fast() for _ in range(3)]
    row: Row = {"image": what, "voxels": int(region.voxels.sum()), "settings": _settings(recipe, shrink)}
    if runs:
        theirs, ours, by_ants_s = alternate([itk, fast, by_ants], runs)
        row |= {"sitk_s": statistics.median(theirs), "sitk_cpu_s": statistics.median(processor["itk"]),
                "fast_s": statistics.median(ours), "fast_cpu_s": statistics.median(processor["fast"]),
                **_times("times", theirs, ours), "ants_s": statistics.median(by_ants_s),
                **_times("ants_times", by_ants_s, ours), "ants_shrink": max(shrink),
                "runs": runs} | _differences(volume, region, fields)
    else:
        row |= {"fast_s": statistics.median(alone), "fast_cpu_s": statistics.median(processor["fast"]),
                "runs": len(alone)}
    return row | {"stops": "/".join(" ".join(map(str, stops[name])) for name in ("itk", "fast") if name in stops),
                  "peak_mb": peak.mb}


def _times(name: str, theirs: list[float], ours: list[float]) -> Row:
    ratios = [slow / quick for slow, quick in zip(theirs, ours, strict=True)]
    return {name: statistics.median(ratios), f"{name}_spread": f"{min(ratios):.3g}-{max(ratios):.3g}"}


def _differences(volume: Volume, region: Mask, fields: dict[str, FloatArray]) -> Row:
    values = volume.voxels[region.voxels].astype(float)
    inside = {name: field[region.voxels].astype(float) for name, field in fields.items()}
    inside = {name: field / field.mean() for name, field in inside.items()}
    off = np.abs(inside["fast"] / inside["itk"] - 1)
    return {"off_mean": float(off.mean()), "off_max": float(off.max()), "cv_before": _variation(values),
            "cv_sitk": _variation(values / inside["itk"]), "cv_fast": _variation(values / inside["fast"])}


def _variation(values: np.ndarray) -> str:
    return f"{values.std() / values.mean():.4f}"


def _settings(recipe: N4Recipe, shrink: tuple[int, int, int]) -> str:
    shrunk = "x".join(map(str, shrink))
    return f"shrink {shrunk}, {recipe.iterations} x {recipe.levels}, tolerance {recipe.tolerance:g}"


def _plane(image: sitk.Image) -> sitk.Image:
    return image[:, :, 0] if image.GetSize()[2] == 1 else image
