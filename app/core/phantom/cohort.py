"""Phantom cases on disk: the demo case, and cohorts with their table, case by case and several at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from app.core.files import staged_folder, write_atomically
from app.core.io.nifti import write_nifti
from app.core.jobs import Report
from app.core.phantom.case import LABELS, PhantomCase, make_case, name_case
from app.core.phantom.parameters import LOCATIONS, draw_parameters, draw_split
from app.core.phantom.sites import choose_site, make_sites
from app.core.requests import DemoRequest

COLUMNS = ("patient", "image", "mask", "label", "site", "vendor", "field_strength", "split", "age", "sex", "location")
DEMO_SEED, DEMO_INDEX = 3, 686
"""An intramuscular ALT/WDL of the thigh whose septa and nodule can be seen."""


def write_demo(request: DemoRequest, report: Report) -> dict[str, Any]:
    """Write what the request asks for: the demo case or a cohort."""
    if request.kind == "cohort":
        return write_cohort(request, report)
    report(0.0, "Drawing the demo case")
    return write_case(request.out)


def make_demo_case() -> PhantomCase:
    """Draw the demo case: always the same, whatever seed or signal a cohort has."""
    case = make_case(DEMO_INDEX, seed=DEMO_SEED, signal=1.0, sites=make_sites(43, DEMO_SEED))
    return replace(case, id="demo")


def write_case(folder: str | Path, case: PhantomCase | None = None) -> dict[str, Any]:
    """Write image.nii.gz and mask.nii.gz, each whole or not at all.

    Parameters
    ----------
    folder : path
        Made if missing.
    case : PhantomCase, optional
        The demo case when absent.

    Returns
    -------
    dict
        `written` (paths), `image`, `mask`, `patient`, `label`, `site`, `reading`.
    """
    case = make_demo_case() if case is None else case
    image = write_nifti(Path(folder) / "image.nii.gz", case.image)
    mask = write_nifti(Path(folder) / "mask.nii.gz", case.mask)
    return {"written": [str(image), str(mask)], "image": str(image), "mask": str(mask), "patient": case.id,
            "label": LABELS[case.label], "site": case.site.name, "reading": case.reading}


def write_cohort(request: DemoRequest, report: Report) -> dict[str, Any]:
    """Write a folder per case and `cohort.csv`.

    Parameters
    ----------
    request : DemoRequest
        Where, how many cases and sites, signal, seed and processes.
    report : callable
        Told after each case; what it raises stops the work and leaves whole cases only, and no table.

    Returns
    -------
    dict
        `table` and `written` (paths), `cases`, `sites` (number that sent cases), `labels` (count of each), `signal`,
        `seed`.

    Raises
    ------
    Cancelled
        When the reporter asks to stop.
    """
    out = Path(request.out)
    out.mkdir(parents=True, exist_ok=True)
    report(0.0, f"Drawing {request.cases} phantom cases")
    for done, patient in enumerate(_draw_all(request), start=1):
        report(done / request.cases, f"{patient}: {done} of {request.cases}")
    rows = [describe_case(index, request) for index in range(request.cases)]
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_atomically(out / "cohort.csv", text.getvalue().encode())
    files = [str(out / str(row[kind])) for row in rows for kind in ("image", "mask")]
    return {"table": str(out / "cohort.csv"), "written": [str(out / "cohort.csv"), *files], "cases": request.cases,
            "sites": len({row["site"] for row in rows}), "signal": request.signal, "seed": request.seed,
            "labels": {label: sum(row["label"] == label for row in rows) for label in LABELS}}


def describe_case(index: int, request: DemoRequest) -> dict[str, str | float]:
    """Fill the case's row in `cohort.csv`; nothing in it tells the class but the label, age and location."""
    parameters = draw_parameters(index, seed=request.seed, signal=request.signal)
    site = choose_site(index, seed=request.seed, sites=make_sites(request.sites, request.seed))
    patient = name_case(index)
    return {
        "patient": patient, "image": f"{patient}/image.nii.gz", "mask": f"{patient}/mask.nii.gz",
        "label": LABELS[parameters.label], "site": site.name, "vendor": site.vendor,
        "field_strength": site.field_strength, "split": draw_split(index, request.seed),
        "age": round(parameters.age), "sex": parameters.sex, "location": LOCATIONS[parameters.location],
    }


def _draw_all(request: DemoRequest) -> Iterator[str]:
    """Patients in the order in which they are finished."""
    if min(request.jobs, request.cases) == 1:
        for index in range(request.cases):
            yield _draw_one(index, request)
        return
    workers = min(request.jobs, request.cases, 60)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_use_one_thread) as pool:
        futures: list[Future[str]] = [pool.submit(_draw_one, index, request) for index in range(request.cases)]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _draw_one(index: int, request: DemoRequest) -> str:
    case = make_case(index, seed=request.seed, signal=request.signal, sites=make_sites(request.sites, request.seed))
    with staged_folder(Path(request.out) / case.id, replace=True) as folder:
        write_case(folder, case)
    return case.id


def _use_one_thread() -> None:
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1)
