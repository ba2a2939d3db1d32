"""The program's own cases: a demonstration case for the first start, and cohorts of any size."""

from __future__ import annotations

from typing import Any

from app.core.jobs import Report
from app.core.paths import data_folder
from app.core.requests import CaseFiles, DemoRequest

DEMONSTRATION = "Demonstration"


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
    from app.core.phantom import write_demo

    return write_demo(DemoRequest.parse(request), report)


def demo_case(_request: dict[str, Any], report: Report) -> dict[str, Any]:
    """The demonstration case of the user's data folder, made at its first use.

    Returns
    -------
    dict
        `case`, a `CaseFiles`.
    """
    folder = data_folder() / "demo" / DEMONSTRATION
    image, mask = folder / "image.nii.gz", folder / "mask.nii.gz"
    if not (image.exists() and mask.exists()):
        make_demo({"kind": "case", "out": str(folder)}, report)
    files = CaseFiles(id=DEMONSTRATION, images={"image": str(image)}, mask=str(mask), site="phantom")
    return {"case": files.model_dump(mode="json")}
