"""Work on image files alone: bias correction, bounding boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.core.data import Volume
from app.core.errors import AppError, InputError
from app.core.io.case import load_case
from app.core.io.mask import load_mask
from app.core.io.nifti import check_nifti_name, write_nifti
from app.core.io.tabulate import write_table
from app.core.io.volume import load_volume
from app.core.jobs import Report
from app.core.preprocess.boxes import bounding_boxes
from app.core.preprocess.follow import place_mask
from app.core.preprocess.n4 import correct_bias
from app.core.requests import BoxesRequest, CaseFiles, CohortSource, N4Request
from app.core.workflows.finished import files_of
from app.core.workflows.gathering import check_output, gather_cases
from app.core.workflows.ledger import NAME, Ledger, name_work
from app.core.workflows.parallel import run_each

_COLUMNS = ["patient", "slice", "x_min", "x_max", "y_min", "y_max", "centre_x", "centre_y", "width", "height"]


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
    """Bounding boxes of every tumour of a cohort, a row per slice; a killed run is taken up again.

    Parameters
    ----------
    request : dict
        A `BoxesRequest`.

    Returns
    -------
    dict
        `written`, `rows`, `reused` (cases that an earlier run, which was ended, had done), `failed` (case and reason).
    """
    import pandas as pd

    ask = BoxesRequest.parse(request)
    cohort = CohortSource(source=ask.table)
    check_output(cohort, ask.out)
    report(0.0, "Looking for the cases")
    found = gather_cases(cohort)
    out = Path(ask.out)
    ledger = Ledger(out.with_name(f".{out.stem}{NAME}"))
    works = [_name(files) for files in found.cases]
    known = [ledger.find(work) if work else None for work in works]
    left = [index for index, record in enumerate(known) if record is None]

    def tell(order: dict[str, Any], answer: dict[str, Any]) -> str:
        index = order["index"]
        known[index] = answer
        if "error" in answer:
            return f"{found.cases[index].id} failed: {answer['error']}"
        if works[index]:
            ledger.keep(works[index], answer)
        return f"{found.cases[index].id} done"

    run_each(
        _boxes_of,
        [{"index": index, "case": found.cases[index].model_dump(mode="json")} for index in left],
        ask.jobs,
        report,
        "Boxes of case",
        tell=tell,
        lost=lambda _order, failure: {"error": failure.message},
        before=len(found.cases) - len(left),
    )
    answers = [answer or {} for answer in known]
    boxes = [[files.id, *row] for files, answer in zip(found.cases, answers, strict=True)
             for row in answer.get("rows", [])]
    write_table(out, pd.DataFrame(boxes, columns=_COLUMNS))
    ledger.forget()
    failed = [{"case": problem.patient, "message": str(problem)} for problem in found.problems]
    failed += [
        {"case": files.id, "message": answer["error"]}
        for files, answer in zip(found.cases, answers, strict=True)
        if "error" in answer
    ]
    return {"written": ask.out, "rows": len(boxes), "reused": len(found.cases) - len(left), "failed": failed}


def _name(files: CaseFiles) -> str:
    """Name a case's boxes for the ledger; empty when a file is gone, which is told when it is read."""
    paths = [(path, True) for path in files.images.values()] + ([(files.mask, False)] if files.mask else [])
    try:
        read = [file for path, is_image in paths for file in files_of(path, image=is_image)]
        return name_work(read, files.model_dump(mode="json", include={"series", "roi", "label", "orientation"}))
    except (OSError, AppError):
        return ""


def _boxes_of(order: dict[str, Any]) -> dict[str, Any]:
    """The rows of one case, without its name; the work of a worker process."""
    files = CaseFiles.parse(order["case"])
    try:
        case = load_case(files)
        if case.mask is None:
            raise InputError(f"{files.id} has no outline.", "Add a mask to its row.")
        boxes = bounding_boxes(place_mask(case.mask, next(iter(case.images.values()))))
    except AppError as error:
        return {"error": str(error)}
    return {
        "rows": [[box.slice, box.x_min, box.x_max, box.y_min, box.y_max, *box.centre, *box.size] for box in boxes]
    }
