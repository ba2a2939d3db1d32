"""Which images lie in a case's files: what the reader chooses sequences from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.core.io.identify import identify
from app.core.io.names import read_name
from app.core.io.source import Source, stem_of
from app.core.jobs import Report
from app.core.requests import IdentifyRequest


def list_images(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """List the images under some paths, each with the sequence it seems to be.

    Parameters
    ----------
    request : dict
        An `IdentifyRequest`.

    Returns
    -------
    dict
        `images`, a list of dicts: `path`, `series` (empty where it is no DICOM), `title`, `details`, `thumbnail`
        (rows of grey values, or null), `sequence` (a key such as 't1_fs_gd'; empty when nothing says).
    """
    ask = IdentifyRequest.parse(request)
    report(0.0, "Looking at the files")
    sources = [source for source in identify(ask.paths) if source.kind != "table" and source.role_hint != "mask"]
    images = []
    for number, source in enumerate(sources):
        report((number + 0.5) / len(sources), "Looking at the images")
        images.append(_describe(source))
    report(1.0, "Done")
    return {"images": images}


def _describe(source: Source) -> dict[str, Any]:
    from app.core.io.dicom.preview import draw_thumbnail

    by_name = "" if source.kind == "dicom" else read_name(stem_of(Path(source.path))).sequence
    return {
        "path": source.path,
        "series": source.series,
        "title": source.title,
        "details": dict(source.details),
        "thumbnail": draw_thumbnail(source) if source.kind == "dicom" else None,
        "sequence": source.acquisition.sequence if source.acquisition.weighting else by_name,
    }
