"""Work on image files alone: conversion to NIfTI, bias correction, bounding boxes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from app.core.data import Volume
from app.core.errors import AppError, CohortError, InputError
from app.core.files import write_atomically
from app.core.io.case import load_case
from app.core.io.dicom import load_series
from app.core.io.identify import identify
from app.core.io.mask import load_mask
from app.core.io.nifti import write_nifti
from app.core.io.source import Source
from app.core.io.table import read_cases
from app.core.io.volume import load_volume
from app.core.jobs import Report
from app.core.preprocess.boxes import bounding_boxes
from app.core.preprocess.follow import place_mask
from app.core.preprocess.n4 import correct_bias
from app.core.requests import BoxesRequest, ConvertRequest, N4Request


def convert(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """One file, a DICOM folder, or a tree of any of them to NIfTI; outlines become masks.

    Parameters
    ----------
    request : dict
        A `ConvertRequest`.

    Returns
    -------
    dict
        `written` paths, `failed` (path and reason) and `cautions`.

    Raises
    ------
    InputError
        Nothing could be converted.
    """
    ask = ConvertRequest.parse(request)
    source, target = Path(ask.source), Path(ask.target)
    if not source.exists():
        raise InputError(f"There is nothing at {source.name}.", "Check the path.")
    sources = [found for found in identify([source]) if found.kind != "table"]
    if not sources:
        raise InputError(
            f"{source.name} holds no image that can be read.",
            "NIfTI, Analyze, NRRD, MetaImage, DICOM, RTSTRUCT and DICOM SEG can be.",
        )
    to_file = target.name.lower().endswith((".nii", ".nii.gz"))
    images = [found for found in sources if found.kind not in ("rtstruct", "seg")]
    outlines = [found for found in sources if found.kind in ("rtstruct", "seg")]
    chosen = outlines if ask.roi is not None and outlines else images or outlines
    if to_file and len(chosen) > 1:
        listed = ", ".join(found.title for found in chosen[:5])
        raise InputError(
            f"{source.name} holds {len(chosen)} images ({listed}{', ...' if len(chosen) > 5 else ''}), "
            f"{target.name} is one file.",
            "Give a folder as the target, or one series as the source.",
        )
    written, failed, cautions = [], [], []
    for index, found in enumerate(chosen if to_file else sources):
        report(index / len(sources), f"Converting {found.title}")
        path = target if to_file else target / f"{_file_name(found, written)}.nii.gz"
        try:
            cautions += [{"path": str(path), "message": message} for message in _convert_one(found, images, ask, path)]
            written.append(str(path))
        except AppError as error:
            failed.append({"path": found.title, "kind": error.kind, "message": str(error)})
            if to_file or len(sources) == 1:
                raise
    if not written:
        raise CohortError(f"None of the {len(failed)} images could be converted.", [each["message"] for each in failed])
    report(1.0, "Done")
    return {"written": written, "failed": failed, "cautions": cautions}


def _file_name(source: Source, taken: Iterable[str]) -> str:
    words = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in source.title).strip("._")
    base = words or "image"
    names = {Path(path).name.removesuffix(".nii.gz") for path in taken}
    number, name = 1, base
    while name in names:
        number += 1
        name = f"{base}_{number}"
    return name


def _convert_one(source: Source, images: list[Source], ask: ConvertRequest, path: Path) -> list[str]:
    if source.kind in ("rtstruct", "seg"):
        drawn_on = {found.series: found for found in images if found.series in source.refers_to} or {
            found.series: found for found in images if found.kind == "dicom"
        }
        grids = {series: _read(found, None) for series, found in drawn_on.items()}
        mask = load_mask(source.files[0], roi=ask.roi, label=ask.label, images=grids, image_sources=drawn_on)
        write_nifti(path, mask)
        return [caution.message for caution in mask.cautions]
    volume = _read(source, ask.orientation)
    write_nifti(path, volume)
    return [caution.message for caution in volume.cautions]


def _read(source: Source, orientation: Literal["las", "ras"] | None) -> Volume:
    if source.kind == "dicom":
        return load_series(source).volume
    return load_volume(source.path, orientation=orientation).volume


def correct_image(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Correct one image's bias field and write the result on its own grid.

    Parameters
    ----------
    request : dict
        An `N4Request`.

    Returns
    -------
    dict
        `seconds` of the correction alone, `levels`, `cv_before`, `cv_after` (sd / mean within the mask), `written`.
    """
    ask = N4Request.parse(request)
    report(0.0, "Reading the image")
    volume: Volume = load_volume(ask.image).volume
    mask = place_mask(load_mask(ask.mask, images={"image": volume}), volume) if ask.mask else None
    corrected = correct_bias(
        volume, ask.settings, mask, lambda fraction, message: report(0.05 + 0.9 * fraction, message)
    )
    report(0.97, "Writing")
    write_nifti(Path(ask.out), corrected.volume)
    written = [ask.out]
    if ask.field:
        write_nifti(Path(ask.field), corrected.field)
        written.append(ask.field)
    report(1.0, "Done")
    return {
        "engine": ask.settings.engine,
        "seconds": corrected.seconds,
        "levels": list(corrected.levels),
        "cv_before": corrected.cv_before,
        "cv_after": corrected.cv_after,
        "written": written,
    }


def tumour_boxes(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Bounding boxes of every tumour of a cohort, a row per slice, as CSV.

    Parameters
    ----------
    request : dict
        A `BoxesRequest`.

    Returns
    -------
    dict
        `written`, `rows`, `failed` (case and reason).
    """
    ask = BoxesRequest.parse(request)
    table = read_cases(Path(ask.table), strict=False)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["patient", "slice", "x_min", "x_max", "y_min", "y_max", "centre_x", "centre_y", "width", "height"])
    failed = [{"case": problem.patient, "message": str(problem)} for problem in table.problems]
    rows = 0
    for index, files in enumerate(table.cases):
        report(index / len(table.cases), f"Boxes of case {index + 1} of {len(table.cases)}")
        try:
            case = load_case(files)
            if case.mask is None:
                raise InputError(f"{files.id} has no outline.", "Add a mask to its row.")
            boxes = bounding_boxes(place_mask(case.mask, next(iter(case.images.values()))))
        except AppError as error:
            failed.append({"case": files.id, "message": str(error)})
            continue
        for box in boxes:
            writer.writerow([files.id, box.slice, box.x_min, box.x_max, box.y_min, box.y_max, *box.centre, *box.size])
        rows += len(boxes)
    write_atomically(Path(ask.out), text.getvalue().encode())
    return {"written": ask.out, "rows": rows, "failed": failed}
