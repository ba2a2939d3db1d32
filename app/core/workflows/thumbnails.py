"""A glance at a cohort: the largest slice of some of its tumours with their outlines, before anything is measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from app.core.errors import AppError
from app.core.files import write_atomically
from app.core.io.case import load_case
from app.core.jobs import Report
from app.core.preprocess.follow import place_mask
from app.core.requests import CaseFiles, CohortSource, ThumbnailsRequest
from app.core.workflows.gathering import gather_cases


def draw_thumbnails(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Draw some cases of a cohort.

    Parameters
    ----------
    request : dict
        A `ThumbnailsRequest`.

    Returns
    -------
    dict
        `thumbnails`, in the cohort's order: `case`, `files` (`CaseFiles`), `picture` (the PNG's path; null where the
        case cannot be shown) and `message` (why not); `cases`, how many the cohort has.

    Raises
    ------
    InputError
        There is nothing at the source.
    CohortError
        It lists no case that can be used.
    """
    ask = ThumbnailsRequest.parse(request)
    report(0.0, "Looking at the cases")
    cases = [case for case in gather_cases(CohortSource(source=ask.source)).cases if case.mask]
    chosen = sorted({int(place) for place in np.linspace(0, len(cases) - 1, ask.most)}) if cases else []
    drawn = []
    for number, place in enumerate(chosen):
        drawn.append(_draw(cases[place], Path(ask.out) / f"{number}.png"))
        report((number + 1) / len(chosen), f"Drawn {number + 1} of {len(chosen)} cases")
    report(1.0, "Done")
    return {"thumbnails": drawn, "cases": len(cases)}


def _draw(files: CaseFiles, path: Path) -> dict[str, Any]:
    from io import BytesIO

    from app.core.segment.contact_sheet import draw_thumbnail

    told: dict[str, Any] = {"case": files.id, "files": files.model_dump(mode="json"), "picture": None, "message": ""}
    first = next(iter(files.images))
    alone = files.model_copy(update={"images": {first: files.images[first]}})
    try:
        case = load_case(alone)
        if case.mask is None:
            return {**told, "message": "It has no outline."}
        volume = next(iter(case.images.values()))
        picture = draw_thumbnail(volume, place_mask(case.mask, volume))
    except AppError as error:
        return {**told, "message": str(error)}
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue())
    return {**told, "picture": str(path)}
