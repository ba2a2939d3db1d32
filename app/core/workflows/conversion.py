"""Conversion: one file, a DICOM folder, or a tree of any of them to NIfTI; outlines become masks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from app.core.data import Mask, Volume
from app.core.errors import AppError, ChoiceNeeded, CohortError, InputError
from app.core.io.dicom import load_series
from app.core.io.identify import identify
from app.core.io.mask import load_mask
from app.core.io.nifti import write_nifti
from app.core.io.source import Source, stem_of
from app.core.io.volume import load_volume
from app.core.jobs import Report
from app.core.requests import ConvertRequest

OUTLINES = ("rtstruct", "seg")
Orientation = Literal["las", "ras"]


def convert(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Convert everything under `source`; a folder target repeats the source's folders.

    Without `roi` every region of an RTSTRUCT or a DICOM SEG becomes a mask of its own in a folder target.

    Parameters
    ----------
    request : dict
        A `ConvertRequest`.

    Returns
    -------
    dict
        `written` paths, `failed` (path, kind and reason) and `cautions` (path and sentence).

    Raises
    ------
    InputError
        Nothing can be converted, or several images are meant for one file.
    """
    ask = ConvertRequest.parse(request)
    source, target = Path(ask.source), Path(ask.target)
    sources = _find(source)
    images = [found for found in sources if found.kind not in OUTLINES]
    to_file = target.name.lower().endswith((".nii", ".nii.gz"))
    chosen = _choose_one(sources, ask, source, target) if to_file else sources
    written: dict[Path, tuple[str, ...]] = {}
    failed = []
    for index, found in enumerate(chosen):
        report(index / len(chosen), f"Converting {found.title}")
        try:
            for name, value in _read(found, images, ask, one=to_file).items():
                path = target if to_file else _free(target / _folder(found, source), _file_name(name), written)
                write_nifti(path, value)
                written[path] = tuple(caution.message for caution in value.cautions)
        except AppError as error:
            if len(chosen) == 1:
                raise
            where = found.files[0] if found.kind in OUTLINES else found.path
            failed.append({"path": where, "kind": error.kind, "message": str(error)})
    if not written:
        raise CohortError(f"None of the {len(failed)} images could be converted.", [each["message"] for each in failed])
    report(1.0, "Done")
    cautions = [{"path": str(path), "message": message} for path, messages in written.items() for message in messages]
    return {"written": [str(path) for path in written], "failed": failed, "cautions": cautions}


def _find(source: Path) -> list[Source]:
    if not source.exists():
        raise InputError(f"There is nothing at {source.name}.", "Check the path.")
    sources = [found for found in identify([source]) if found.kind != "table"]
    if not sources:
        raise InputError(f"{source.name} holds no image that can be read.",
                         "NIfTI, Analyze, NRRD, MetaImage, DICOM, RTSTRUCT and DICOM SEG can be.")
    return sources


def _choose_one(sources: list[Source], ask: ConvertRequest, source: Path, target: Path) -> list[Source]:
    outlines = [found for found in sources if found.kind in OUTLINES]
    images = [found for found in sources if found.kind not in OUTLINES]
    chosen = outlines if (ask.roi is not None and outlines) or not images else images
    if len(chosen) > 1:
        listed = ", ".join(found.title for found in chosen[:5])
        raise InputError(f"{source.name} holds {len(chosen)} images ({listed}{', ...' if len(chosen) > 5 else ''}), "
                         f"{target.name} is one file.", "Give a folder as the target, or one series as the source.")
    return chosen


def _read(source: Source, images: list[Source], ask: ConvertRequest, *, one: bool) -> Mapping[str, Volume | Mask]:
    """What a source holds, by the name its file shall have."""
    if source.kind not in OUTLINES:
        title = source.title if source.kind == "dicom" else stem_of(source.path)
        return {title: _load(source, ask.orientation)}
    drawn_on = {found.series: found for found in images if found.series in source.refers_to} or {
        found.series: found for found in images if found.kind == "dicom"}
    grids = {series: _load(found, None) for series, found in drawn_on.items()}

    def outline(roi: str | None) -> Mask:
        return load_mask(source.files[0], roi=roi, label=ask.label, images=grids, image_sources=drawn_on)

    try:
        return {source.title: outline(ask.roi)}
    except ChoiceNeeded as question:
        if one or ask.roi is not None or question.field != "roi":
            raise
        return {f"{source.title}_{option.value}": outline(option.value) for option in question.options}


def _load(source: Source, orientation: Orientation | None) -> Volume:
    if source.kind == "dicom":
        return load_series(source).volume
    return load_volume(source.path, orientation=orientation).volume


def _folder(found: Source, source: Path) -> Path:
    if source.is_file():
        return Path()
    home = Path(found.path)
    home = home if home.is_dir() else home.parent
    return home.resolve().relative_to(source.resolve())


def _file_name(title: str) -> str:
    words = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in title).strip("._")
    return words or "image"


def _free(folder: Path, base: str, taken: Mapping[Path, Any]) -> Path:
    path, number = folder / f"{base}.nii.gz", 1
    while path in taken:
        number += 1
        path = folder / f"{base}_{number}.nii.gz"
    return path
