"""Exporting a score that was computed before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.core.jobs import Report
from app.core.report import write_report


def export_report(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write a score as HTML, PDF or JSON, by the ending of `out`.

    Parameters
    ----------
    request : dict
        `score` (JSON of a score), `out` (path), `pictures` (PNG paths, optional), `identity` (fields of an `Identity`,
        optional: only when the user said so; it goes into HTML and PDF, never into JSON).

    Returns
    -------
    dict
        `written`, the paths.
    """
    report(0.1, "Writing the report")
    out = Path(request["out"])
    write_report(request["score"], out, [Path(picture) for picture in request.get("pictures", [])],
                 request.get("identity"))
    report(1.0, "Done")
    return {"written": [str(out)]}
