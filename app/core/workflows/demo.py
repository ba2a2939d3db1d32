"""The program's own cases: a demonstration case for the first start, and cohorts of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.core.files import staged_folder
from app.core.jobs import Report
from app.core.paths import data_folder
from app.core.phantom import DEMONSTRATION_ID, write_case, write_cohort
from app.core.requests import CaseFiles, DemoRequest


def make_demo(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write a phantom case or cohort.

    Parameters
    ----------
    request : dict
        A `DemoRequest`.

    Returns
    -------
    dict
        What was written and where.
    """
    ask = DemoRequest.parse(request)
    if ask.kind == "cohort":
        return write_cohort(ask, report)
    report(0.0, "Making the demonstration case")
    with staged_folder(ask.out) as staged:
        write_case(staged)
    return {"case": _files(Path(ask.out)).model_dump(mode="json"), "written": ask.out}


def demo_case(_request: dict[str, Any], report: Report) -> dict[str, Any]:
    """The demonstration case of the user's data folder, made at its first use.

    Returns
    -------
    dict
        `case`, a `CaseFiles`.
    """
    folder = data_folder() / "demo" / DEMONSTRATION_ID
    if not (folder / "image.nii.gz").exists():
        make_demo({"kind": "case", "out": str(folder)}, report)
    return {"case": _files(folder).model_dump(mode="json")}


def _files(folder: Path) -> CaseFiles:
    return CaseFiles(id=folder.name, images={"image": str(folder / "image.nii.gz")}, mask=str(folder / "mask.nii.gz"),
                     site="phantom")
