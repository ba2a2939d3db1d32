"""Looking: which cases lie in what was dropped, and a case's pictures as memory-mapped arrays for the viewer.

The first slices are what a reader waits for, so the steps of preprocessing are loaded only when they are asked for.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Acquisition, Case, Mask, TraceEntry, Volume
from app.core.errors import GeometryMismatch, InputError
from app.core.io.case import load_case
from app.core.io.identify import identify, list_ignored
from app.core.io.mask import load_mask
from app.core.io.ordering import reorder
from app.core.io.pairing import pair
from app.core.io.source import Source
from app.core.io.table import read_cases
from app.core.jobs import Report, describe_failure
from app.core.preprocess.boxes import largest_slice
from app.core.preprocess.follow import place_mask
from app.core.radiomics.size import measure_size
from app.core.recipe import N4Recipe
from app.core.requests import IdentifyRequest, ViewRequest

WINDOW_PERCENTILES = (1.0, 99.5)
HISTOGRAM_BINS = 128
SAMPLE = 2_000_000
MOST_COUNTED = 16_000_000
"""Voxels of which every one counts in a histogram; of a larger image as many are drawn evenly."""
SLICES = 16


def identify_drop(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Sort dropped paths into cases, tables and things that found no partner.

    Parameters
    ----------
    request : dict
        An `IdentifyRequest`.

    Returns
    -------
    dict
        `cases` (`CaseFiles`), `unpaired`, `tables` (read into `cases` too), `notes`.
    """
    ask = IdentifyRequest.parse(request)
    report(0.0, "Looking at the files")
    sources = identify(ask.paths)
    found = pair(sources)
    cases = list(found.cases)
    notes = [*found.notes, *list_ignored(ask.paths, sources)]
    for table in found.tables:
        read = read_cases(Path(table), strict=False)
        cases += read.cases
        notes += [str(problem) for problem in read.problems]
    report(1.0, "Done")
    return {
        "cases": [case.model_dump(mode="json") for case in cases],
        "unpaired": [_loose(source) for source in found.unpaired],
        "tables": list(found.tables),
        "notes": notes,
    }


def _loose(source: Source) -> dict[str, Any]:
    return {
        "path": source.path,
        "kind": source.kind,
        "title": source.title,
        "role_hint": source.role_hint,
        "series": source.series,
        "details": dict(source.details),
    }


def view_case(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Read a case for the viewer, and its images after preprocessing if asked.

    Parameters
    ----------
    request : dict
        A `ViewRequest`; arrays go into its `folder` as .npy.

    Returns
    -------
    dict
        Paths of the arrays with affines, windows, histograms, acquisition, cautions. An outline that cannot be placed
        is a `mask_problem`, and the images show without it.
    """
    ask = ViewRequest.parse(request)
    folder = Path(ask.folder)
    folder.mkdir(parents=True, exist_ok=True)
    report(0.05, "Reading the images")
    problem = None
    try:
        case = load_case(ask.case)
    except (InputError, GeometryMismatch) as error:
        if ask.case.mask is None or error.kind == "choice":
            raise
        case = load_case(ask.case.model_copy(update={"mask": None}))
        problem = asdict(describe_failure(error))
    images, cautions, trace = {}, [], []
    for index, (sequence, volume) in enumerate(case.images.items()):
        report(0.3 + 0.6 * index / len(case.images), f"Preparing {sequence}")
        mask, failed = _place(case.mask, volume)
        problem = problem or failed
        shown, steps = _show(folder, sequence, volume, mask, case.acquisition[sequence], ask, report)
        images[sequence] = shown
        cautions += shown["cautions"]
        trace += steps
    report(1.0, "Done")
    return {
        "case": case.id,
        "sequences": list(images),
        "images": images,
        "identity": asdict(case.identity),
        "mask": _describe_mask(case.mask),
        "mask_problem": problem,
        "trace": trace,
        "cautions": list({each["message"]: each for each in cautions}.values()),
        "orientation_question": any(each["code"] == "orientation_assumed" for each in cautions),
    }


def _describe_mask(mask: Mask | None) -> dict[str, Any] | None:
    return None if mask is None else {"name": mask.name, **measure_size(mask)}


def _place(mask: Mask | None, volume: Volume) -> tuple[Mask | None, dict[str, Any] | None]:
    if mask is None:
        return None, None
    try:
        return place_mask(mask, volume), None
    except InputError as error:
        return None, asdict(describe_failure(error))


def _show(
    folder: Path,
    sequence: str,
    volume: Volume,
    mask: Mask | None,
    acquisition: Acquisition,
    ask: ViewRequest,
    report: Report,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    prepared: Volume | None = None
    trace: list[dict[str, Any]] = []
    if ask.prep is not None:
        # the grid stays, so that before and after lie on each other; without an outline the body stands in for it
        on_grid = ask.prep.model_copy(update={"resample": None, "crop_margin_mm": None})
        source = volume
        if ask.n4_mask and on_grid.n4:
            source, trace = _correct_within(ask.n4_mask, sequence, volume, on_grid.n4, report)
            on_grid = on_grid.model_copy(update={"n4": None})
        from app.core.preprocess.chain import prepare
        from app.core.preprocess.regions import body_mask

        case = Case(sequence, {sequence: source}, mask or body_mask(volume), {sequence: acquisition})
        done = prepare(case, on_grid, lambda _fraction, message: report(0.5, message))
        prepared, trace = done.images[sequence], [*trace, *(asdict(step) for step in done.trace)]
    cautions = [*volume.cautions, *(mask.cautions if mask else ())]
    before = robust_window(volume.voxels)
    return {
        "array": write_array(folder / f"{sequence}.npy", volume.voxels),
        "affine": volume.affine.tolist(),
        "window": list(acquisition.window or before),
        "acquisition": {**asdict(acquisition), "sequence": acquisition.sequence},
        "prepared": write_array(folder / f"{sequence}.prepared.npy", prepared.voxels) if prepared else None,
        "prepared_window": list(robust_window(prepared.voxels)) if prepared else None,
        "histogram": before_after(volume, prepared, mask),
        "mask": write_array(folder / f"{sequence}.mask.npy", mask.voxels) if mask else None,
        "largest_slice": largest_slice(mask) if mask else None,
        "profiles": count_inside(mask) if mask else None,
        "cautions": [asdict(caution) for caution in dict.fromkeys(cautions)],
    }, trace


def count_inside(mask: Mask) -> list[list[int]]:
    """Count the outline's voxels in every slice along i, along j and along k."""
    if not mask.voxels.any():
        return [[0] * length for length in mask.voxels.shape]
    box = mask.box()
    inside = mask.voxels[box]
    counts = []
    for axis, span in enumerate(box):
        along = np.zeros(mask.voxels.shape[axis], dtype=np.int64)
        along[span] = inside.sum(axis=tuple(other for other in range(3) if other != axis))
        counts.append(along.tolist())
    return counts


def _correct_within(path: str, sequence: str, volume: Volume, recipe: N4Recipe,
                    report: Report) -> tuple[Volume, list[dict[str, Any]]]:
    from app.core.preprocess.n4 import correct_bias

    own = place_mask(load_mask(path, images={sequence: volume}), volume)
    done = correct_bias(volume, recipe, own, lambda _fraction, message: report(0.5, message))
    settings = {**recipe.model_dump(mode="json"), "mask": "own", "shrink_used": list(done.shrink),
                "cv_before": done.cv_before, "cv_after": done.cv_after, "levels_reached": done.levels}
    return done.volume, [asdict(TraceEntry(f"n4 {sequence}", settings, done.seconds))]


def write_array(path: Path, array: NDArray[Any]) -> str:
    """Save an array for the viewer and return its path."""
    # slices of the last axis are what the reader scrolls through: Fortran order keeps each in one piece on disk
    if array.ndim != 3:
        np.save(path, np.asfortranarray(array))
        return str(path)
    form = {"descr": array.dtype.str, "fortran_order": True, "shape": array.shape}
    with path.open("wb") as file:  # a few slices at a time: a large image is not held twice
        np.lib.format.write_array_header_1_0(file, form)  # type: ignore[no-untyped-call]
        for start in range(0, array.shape[2], SLICES):
            file.write(reorder(array[:, :, start : start + SLICES], order="F").T.data)
    return str(path)


def robust_window(voxels: NDArray[np.float32]) -> tuple[float, float]:
    """Window between the 1st and 99.5th percentile of the voxels that are not air-zero; the range if they coincide."""
    sample = voxels.ravel(order="K")[:: max(1, voxels.size // SAMPLE)]
    nonzero = sample[sample != 0]
    low, high = np.percentile(nonzero if nonzero.size else sample, WINDOW_PERCENTILES)
    return (float(low), float(high)) if high > low else (float(sample.min()), float(sample.min()) + 1.0)


def before_after(volume: Volume, prepared: Volume | None, mask: Mask | None) -> dict[str, Any]:
    """Histograms of the image and of the tumour, as stored and after preprocessing; each has edges of its own.

    Returns
    -------
    dict
        `edges` (bins + 1), `before`, `tumour_before` (bins) and the same with `after`; null where there is none.
    """
    edges, image, tumour = _histogram(volume, mask)
    values: dict[str, Any] = {
        "edges": edges,
        "before": image,
        "tumour_before": tumour,
        "after_edges": None,
        "after": None,
        "tumour_after": None,
    }
    if prepared is not None:
        edges, image, tumour = _histogram(prepared, mask)
        values |= {"after_edges": edges, "after": image, "tumour_after": tumour}
    return values


def _histogram(volume: Volume, mask: Mask | None) -> tuple[list[float], list[float], list[float] | None]:
    step = max(1, -(-volume.voxels.size // MOST_COUNTED))
    voxels = volume.voxels.ravel(order="K")[::step]
    values = voxels[voxels != 0]
    edges = _edges(values) if values.size else np.linspace(0.0, 1.0, HISTOGRAM_BINS + 1)

    def share(part: NDArray[np.float32]) -> list[float]:
        counts = np.histogram(part, edges)[0]
        return [float(x) for x in counts / max(1, counts.sum())]

    return edges.tolist(), share(values), share(volume.voxels[mask.voxels]) if mask else None


def _edges(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Edges between the 0.1st and 99.9th percentile; whole grey levels share no bin unevenly, which would comb."""
    low, high = (float(x) for x in np.percentile(values, (0.1, 99.9)))
    high = high if high > low else low + 1.0
    sample = values[:: max(1, values.size // SAMPLE)]
    if not (sample == np.rint(sample)).all():
        return np.linspace(low, high, HISTOGRAM_BINS + 1)
    step = max(1.0, float(np.ceil((high - low) / HISTOGRAM_BINS)))
    return np.arange(np.floor(low) - 0.5, high + step, step)
