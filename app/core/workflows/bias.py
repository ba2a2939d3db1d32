"""Steering the bias correction by hand: an image on view corrected and judged, and the settings on many cases."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Caution, FloatArray, Mask, MaskArray, Volume
from app.core.errors import AppError, InputError
from app.core.files import name_file, name_files, staged_file, staged_folder, write_atomically
from app.core.io.case import load_images
from app.core.io.mask import load_mask
from app.core.io.nifti import write_nifti
from app.core.jobs import Report, describe_failure
from app.core.preprocess.follow import place_mask
from app.core.preprocess.n4 import correct_bias, fit_region
from app.core.recipe import N4Recipe
from app.core.requests import CaseFiles, CorrectCohortRequest, MeasureBiasRequest, PreviewBiasRequest
from app.core.workflows.parallel import run_each
from app.core.workflows.view import write_array

WORSE = 1.005
BINS, FEWEST_BINS = 96, 12
_SAMPLE = 200_000
_FLAT = 0.05
_COLUMNS = ("case", "sequence", "cv_before", "cv_after", "worse", "field_low", "field_high", "seconds", "file")


@dataclass(frozen=True, eq=False)
class _Outlines:
    """Where a correction is judged, each of shape (i, j, k)."""

    mask: MaskArray
    painted: MaskArray | None
    tumour: MaskArray | None


def preview_bias(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Correct an image on view and say whether that made it more even.

    Parameters
    ----------
    request : dict
        A `PreviewBiasRequest`.

    Returns
    -------
    dict
        Paths of `corrected`, `field` and `mask` (.npy, on the image's grid), `scale` (the field's mean within the mask,
        which N4 leaves to chance), `field_window`, `field_range` (1st and 99th percentile within the mask), `seconds`
        of the correction alone, `levels`, `cautions`, and what `measure_bias` tells.
    """
    ask = PreviewBiasRequest.parse(request)
    folder = Path(ask.folder)
    folder.mkdir(parents=True, exist_ok=True)
    volume = Volume(np.load(ask.array, mmap_mode="r"), np.array(ask.affine))
    region_file, region = _region(ask, volume)
    done = correct_bias(volume, ask.settings, region, report)
    inside = _sample(done.field.voxels, region.voxels)
    scale, low, high = float(inside.mean()), *(float(x) for x in np.percentile(inside, (1, 99)))
    middle, half = (low + high) / 2, max((high - low) / 2, _FLAT * (low + high) / 2)
    outlines = _Outlines(region.voxels, _read_painted(ask.region, volume), _read_tumour(ask.tumour, volume))
    return {
        "corrected": write_array(folder / "corrected.npy", done.volume.voxels),
        "field": write_array(folder / "field.npy", done.field.voxels),
        "mask": str(region_file),
        "scale": scale,
        "field_window": [middle - half, middle + half],
        "field_range": [low, high],
        "seconds": done.seconds,
        "levels": done.levels,
        "cautions": [asdict(caution) for caution in dict.fromkeys((*region.cautions, *done.volume.cautions))],
        **_judge(volume.voxels, done.volume.voxels, outlines, scale, (done.cv_before, done.cv_after)),
    }


def outline_bias(request: dict[str, Any], _report: Report) -> dict[str, Any]:
    """Find where a correction would estimate the field, without correcting.

    Parameters
    ----------
    request : dict
        A `PreviewBiasRequest`.

    Returns
    -------
    dict
        Path of `mask` (.npy, on the image's grid).
    """
    ask = PreviewBiasRequest.parse(request)
    region_file, _ = _region(ask, Volume(np.load(ask.array, mmap_mode="r"), np.array(ask.affine)))
    return {"mask": str(region_file)}


def measure_bias(request: dict[str, Any], _report: Report) -> dict[str, Any]:
    """Compare an image before and after correction, in the mask and in a painted region.

    Parameters
    ----------
    request : dict
        A `MeasureBiasRequest`.

    Returns
    -------
    dict
        `variation`: [before, after], the coefficient of variation (SD over mean), in the `mask` and in the painted
        `region` (null without one). `worse`: the same names, whether it rose. `contrast`: [before, after], the
        tumour's mean over that of the rest of the mask, or null. `histogram`: the names of `variation`, each with
        `edges`, `before`, `after`; corrected values count times the field's `scale`, so that both lie on one axis.
    """
    ask = MeasureBiasRequest.parse(request)
    volume = Volume(np.load(ask.array, mmap_mode="r"), np.eye(4))
    outlines = _Outlines(np.load(ask.mask, mmap_mode="r"), _read_painted(ask.region, volume),
                         _read_tumour(ask.tumour, volume))
    return _judge(volume.voxels, np.load(ask.corrected, mmap_mode="r"), outlines, ask.scale)


def correct_cohort(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Correct every image of every case with the same settings; a case that fails does not stop the rest.

    All arrives at once in a new folder, or nothing does. Beside the images lie the settings (n4.json) and the figures
    of every image (variation.csv).

    Parameters
    ----------
    request : dict
        A `CorrectCohortRequest`.

    Returns
    -------
    dict
        `folder`, `written` (paths), `worse` (cases in which some image became less even), `failed` (case, sentence).
    """
    ask = CorrectCohortRequest.parse(request)
    settings, folder = ask.settings.model_dump(mode="json"), Path(ask.out)
    with staged_folder(folder) as stage:
        requests = [{"case": case.model_dump(mode="json"), "out": str(stage / name), "settings": settings}
                    for case, name in zip(ask.cases, name_files(case.id for case in ask.cases), strict=True)]
        answers = run_each(
            _correct_case,
            requests,
            ask.jobs,
            report,
            "Correcting case",
            lost=lambda _request, failure: {"error": failure.message},
        )
        rows = [row for answer in answers for row in answer.get("rows", [])]
        failed = [{"case": case.id, "message": answer["error"]}
                  for case, answer in zip(ask.cases, answers, strict=True) if "error" in answer]
        if not rows:
            raise InputError(f"No case could be corrected ({failed[0]['message']})" if failed else "There is no case.",
                             "Look at one of the cases first.")
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "file": Path(row["file"]).relative_to(stage).as_posix()} for row in rows)
        write_atomically(stage / "variation.csv", text.getvalue().encode())
        write_atomically(stage / "n4.json", json.dumps(settings, indent=2).encode())
        written = [str(folder / Path(row["file"]).relative_to(stage)) for row in rows]
    worse = list(dict.fromkeys(row["case"] for row in rows if row["worse"]))
    return {"folder": str(folder), "written": written, "worse": worse, "failed": failed}


def _correct_case(request: dict[str, Any]) -> dict[str, Any]:
    files, settings = CaseFiles.parse(request["case"]), N4Recipe.parse(request["settings"])
    rows = []
    try:
        for sequence, image in load_images(files)[0].items():
            done = correct_bias(image.volume, settings)
            path = Path(request["out"]) / f"{name_file(sequence)}.nii.gz"
            write_nifti(path, done.volume)
            low, high = np.percentile(done.field.voxels, (1, 99))
            rows.append({"case": files.id, "sequence": sequence, "cv_before": done.cv_before, "cv_after": done.cv_after,
                         "worse": done.cv_after > done.cv_before * WORSE, "field_low": float(low),
                         "field_high": float(high), "seconds": round(done.seconds, 3), "file": str(path)})
    except AppError as error:
        return {"error": describe_failure(error).message, "rows": rows}
    return {"rows": rows}


def _region(ask: PreviewBiasRequest, volume: Volume) -> tuple[Path, Mask]:
    path = Path(ask.fit) if ask.fit else Path(ask.folder) / "fit.npy"
    return path, _read_region(path, volume) or _find_region(path, volume, ask)


def _find_region(path: Path, volume: Volume, ask: PreviewBiasRequest) -> Mask:
    """Find where the field is estimated, and keep it for the next settings: they seldom change it."""
    own = place_mask(load_mask(ask.mask, images={"image": volume}), volume) if ask.mask else None
    region = fit_region(volume, ask.settings, own)
    write_atomically(path.with_suffix(".json"), json.dumps([asdict(each) for each in region.cautions]).encode())
    with staged_file(path) as stage:
        write_array(stage, region.voxels)
    return region


def _read_region(path: Path, volume: Volume) -> Mask | None:
    if not path.is_file():
        return None
    cautions = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    voxels = np.load(path, mmap_mode="r")
    return Mask(voxels, volume.affine, cautions=tuple(Caution(**each) for each in cautions))


def _read_painted(path: str | None, volume: Volume) -> MaskArray | None:
    if path is None:
        return None
    painted = np.load(path)
    if painted.shape != volume.voxels.shape or not painted.any():
        raise InputError("The painted region does not lie on this image.", "Paint it again.")
    return np.asarray(painted, dtype=np.bool_)


def _read_tumour(path: str | None, volume: Volume) -> MaskArray | None:
    tumour = np.load(path, mmap_mode="r") if path else None
    return tumour if tumour is not None and tumour.shape == volume.voxels.shape else None


def _judge(before: FloatArray, after: FloatArray, outlines: _Outlines, scale: float,
           known: tuple[float, float] | None = None) -> dict[str, Any]:
    places = {"mask": outlines.mask, "region": outlines.painted}
    variation: dict[str, tuple[float, float] | None] = {
        name: None if inside is None else (_variation(before, inside), _variation(after, inside))
        for name, inside in places.items() if name != "mask" or known is None}
    variation = {"mask": known, **variation} if known is not None else variation
    return {
        "variation": {name: None if pair is None else list(pair) for name, pair in variation.items()},
        "worse": {name: pair is not None and bool(pair[1] > pair[0] * WORSE) for name, pair in variation.items()},
        "contrast": _contrasts(before, after, outlines),
        "histogram": {name: None if inside is None else _histograms(before, after, inside, scale)
                      for name, inside in places.items()},
    }


def _contrasts(before: FloatArray, after: FloatArray, outlines: _Outlines) -> list[float] | None:
    """How bright the tumour is against the rest: a field that is too fine takes it for a shadow of the coil."""
    if outlines.tumour is None or not outlines.tumour.any():
        return None
    rest = outlines.mask & ~outlines.tumour
    if not rest.any():
        return None
    means = [[float(voxels.T[inside.T].mean(dtype=np.float64)) for inside in (outlines.tumour, rest)]
             for voxels in (before, after)]
    return [tumour / other for tumour, other in means] if min(map(min, means)) > 0 else None


def _variation(voxels: FloatArray, inside: MaskArray) -> float:
    values = voxels.T[inside.T].astype(np.float64)
    mean = float(values.mean())
    if not mean > 0:
        raise InputError(f"The mean in the painted region is {mean:.3g}; evenness is measured where there is signal.",
                         "Paint fat or muscle.")
    return float(values.std() / mean)


def _histograms(before: FloatArray, after: FloatArray, inside: MaskArray, scale: float) -> dict[str, Any]:
    pair = [_sample(before, inside), _sample(after, inside) * np.float32(scale)]
    limits = [np.percentile(values, (0.1, 99.9)) for values in pair]
    low, high = float(min(each[0] for each in limits)), float(max(each[1] for each in limits))
    high = high if high > low else low + 1.0
    bins = int(np.clip(2 * np.sqrt(pair[0].size), FEWEST_BINS, BINS))
    shares = [np.histogram(values, bins, (low, high))[0] / values.size for values in pair]
    return {"edges": np.linspace(low, high, bins + 1).tolist(), "before": shares[0].tolist(),
            "after": shares[1].tolist()}


def _sample(voxels: FloatArray, inside: MaskArray) -> NDArray[np.float32]:
    # the transpose of an array in Fortran order is read from front to back
    values = voxels.T[inside.T]
    return values[:: max(1, values.size // _SAMPLE)]
