"""Work on image files alone: bias correction, bounding boxes."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from app.core.data import Volume
from app.core.errors import AppError, InputError
from app.core.files import write_atomically
from app.core.io.case import load_case
from app.core.io.mask import load_mask
from app.core.io.nifti import check_nifti_name, write_nifti
from app.core.io.table import read_cases
from app.core.io.volume import load_volume
from app.core.jobs import Report
from app.core.preprocess.boxes import bounding_boxes
from app.core.preprocess.follow import place_mask
from app.core.preprocess.n4 import correct_bias
from app.core.requests import BoxesRequest, N4Request


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
    for target in (ask.out, *([ask.field] if ask.field else [])):
        check_nifti_name(target)
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
