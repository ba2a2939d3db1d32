"""From a heap of files to sources: series and their stacks, structure sets, segmentations."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from app.core.data import Caution
from app.core.io.dicom.geometry import explain, place_key, plane_name
from app.core.io.dicom.headers import Header, read_header
from app.core.io.dicom.reading import is_dicom, tolerate_odd_values
from app.core.io.dicom.stacks import Stack, sort_stacks
from app.core.io.dicom.tags import as_text, read_acquisition
from app.core.io.source import Source

MOSAIC = "The series is a Siemens mosaic: each image is a sheet of many small slices, not one slice."
_LOCALISER = re.compile(r"locali[sz]er|\bscout|\bsurvey|(^|[^a-z])loc($|[^a-z])|topogram", re.IGNORECASE)


def find_sources(files: Sequence[Path]) -> list[Source]:
    """Sort files into what can be read, from their headers alone.

    Parameters
    ----------
    files : sequence of pathlib.Path
        Files in any order; what is not DICOM, or holds no scan, is passed over.

    Returns
    -------
    list of Source
        One per stack of slices, structure set and segmentation, in the order in which their first file came.
    """
    headers, damaged = read_headers([path for path in files if is_dicom(path)])
    by_series: dict[tuple[str, str], list[Header]] = {}
    for header in headers:
        alone = "" if header.kind == "dicom" and header.series else header.file
        by_series.setdefault((header.series, alone), []).append(header)
    sources: list[Source] = []
    for group in by_series.values():
        if group[0].kind == "dicom":
            sources.extend(describe_stack(stack, damaged) for stack in sort_stacks(group))
        else:
            sources.append(_describe_regions(group[0]))
    return sources


def read_headers(files: Sequence[Path]) -> tuple[list[Header], list[Path]]:
    """Read every header.

    Parameters
    ----------
    files : sequence of pathlib.Path
        DICOM files.

    Returns
    -------
    headers : list of Header
        Of those that hold a scan, a structure set or a segmentation.
    damaged : list of pathlib.Path
        Those that cannot be read.
    """
    headers, damaged = [], []
    for path in files:
        try:
            header = read_header(path)
        except OSError:
            damaged.append(Path(path))
            continue
        if header is not None:
            headers.append(header)
    return headers, damaged


def describe_stack(stack: Stack, damaged: Sequence[Path] = ()) -> Source:
    """Describe a stack of slices.

    Parameters
    ----------
    stack : Stack
        Images of one series that may make a volume.
    damaged : sequence of pathlib.Path
        Files that could not be read; told where they lie beside the stack's own.

    Returns
    -------
    Source
        Without a geometry, and with a caution that says why, when the stack makes no volume.
    """
    header = stack.header
    grid, cautions = (None, (Caution("mosaic", MOSAIC),)) if header.mosaic else explain(stack.planes)
    planes = grid.planes if grid else stack.planes
    files = tuple(dict.fromkeys(plane.file for plane in planes))
    folders = {Path(file).parent for file in files}
    beside = sum(path.parent in folders for path in damaged)
    if beside:
        cautions += (Caution("unreadable_files", f"{beside} of the files beside the series cannot be read."),)
    with tolerate_odd_values():
        gap = grid.geometry.spacing[2] if grid and len(planes) > 1 else None
        acquisition = read_acquisition(planes[len(planes) // 2].tags, gap)
    named = f"{acquisition.description} {as_text(header.tags, 'ImageType')}"
    localiser = _LOCALISER.search(named) is not None
    if localiser:
        cautions += (Caution("localiser", "The series is a localiser: thick, widely spaced slices to plan the scan."),)
    first, modality = planes[0], acquisition.modality or "DICOM"
    title = acquisition.description or f"{modality} series {as_text(header.tags, 'SeriesNumber')}".strip()
    details = {
        "description": acquisition.description, "stack": stack.name or ("localiser" if localiser else ""),
        "sequence": acquisition.sequence if acquisition.weighting else "", "modality": acquisition.modality,
        "TR": _with_unit(acquisition.repetition_time, "ms"), "TE": _with_unit(acquisition.echo_time, "ms"),
        "TI": _with_unit(acquisition.inversion_time, "ms"), "slices": str(len(planes)),
        "matrix": f"{first.columns} x {first.rows}",
        "spacing": " x ".join(f"{s:.3g}" for s in (grid.geometry.spacing if grid else first.spacing or ())) + " mm",
        "thickness": _with_unit(acquisition.thickness, "mm"), "plane": plane_name(first) if first.orientation else ""}
    return Source(
        kind="dicom", path=files[0] if len(files) == 1 else os.path.commonpath(folders), files=files,
        series=stack.series, title=f"{title}, {stack.name}" if stack.name else title, role_hint="image",
        geometry=grid.geometry if grid else None, frame=header.frame,
        details={key: value for key, value in details.items() if value and value != " mm"},
        cautions=cautions + stack.cautions, acquisition=acquisition)


def _describe_regions(header: Header) -> Source:
    name = Path(header.file).name
    details = {"regions": ", ".join(header.regions)} if header.regions else {}
    places = {place_key(plane): plane for plane in header.planes}
    grid = explain(list(places.values()))[0] if places else None
    return Source(kind=header.kind, path=header.file, files=(header.file,), series=header.series,
                  title=header.description or name, role_hint="mask", geometry=grid.geometry if grid else None,
                  frame=header.frame, refers_to=header.refers_to, details=details)


def _with_unit(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.4g} {unit}"
