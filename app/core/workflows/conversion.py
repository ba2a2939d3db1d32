"""Conversion: one file, a DICOM folder, or a tree of any of them to NIfTI; outlines become masks."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Literal

import app
from app.core.data import Mask, Volume
from app.core.errors import AppError, ChoiceNeeded, CohortError, Failure, InputError
from app.core.io.dicom import load_series
from app.core.io.identify import identify
from app.core.io.mask import load_mask
from app.core.io.nifti import write_nifti
from app.core.io.source import Source, stem_of
from app.core.io.volume import load_volume
from app.core.jobs import Report
from app.core.requests import ConvertRequest
from app.core.workflows.ledger import NAME, Ledger, name_work
from app.core.workflows.parallel import run_each

OUTLINES = ("rtstruct", "seg")
Orientation = Literal["las", "ras"]


def convert(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Convert everything under `source`; a folder target repeats the source's folders.

    Without `roi` every region of an RTSTRUCT or a DICOM SEG becomes a mask of its own in a folder target. What a run
    that was killed or cancelled has written there is not written again while neither source nor file has changed.

    Parameters
    ----------
    request : dict
        A `ConvertRequest`.

    Returns
    -------
    dict
        `written` paths, of which `reused` sources' are an earlier run's; `failed` (path, kind and reason) and
        `cautions` (path and sentence).

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
    orders = _plan(chosen, images, ask, to_file=to_file)
    _spare_sources(sources, [order["path"] for order in orders])
    if len(orders) == 1:
        report(0.0, f"Converting {chosen[0].title}")
        answers = [_convert(orders[0])]
    else:
        answers = _convert_each(orders, ask.jobs, target, report)
    failed = [
        {"path": found.files[0] if found.kind in OUTLINES else found.path, **answer["failed"]}
        for found, answer in zip(chosen, answers, strict=True)
        if "failed" in answer
    ]
    written = [(path, messages) for answer in answers for path, messages in answer.get("written", [])]
    if not written:
        raise CohortError(f"None of the {len(failed)} images could be converted.", [each["message"] for each in failed])
    report(1.0, "Done")
    return {
        "written": [path for path, _ in written],
        "reused": sum(answer.get("reused", False) for answer in answers),
        "failed": failed,
        "cautions": [{"path": path, "message": message} for path, messages in written for message in messages],
    }


def _spare_sources(sources: list[Source], targets: list[Path]) -> None:
    """Refuse to write over what is converted: an image that was written is not its original, and may be all there is.

    Raises
    ------
    InputError
        A result would take the place of a source.
    """
    own = {Path(file).resolve() for found in sources for file in found.files}
    struck = next((path for path in targets if path.resolve() in own), None)
    if struck is not None:
        raise InputError(
            f"The result {struck.name} would take the place of the file that it is made from.",
            "Choose another file or folder.",
        )


def _plan(chosen: list[Source], images: list[Source], ask: ConvertRequest, *, to_file: bool) -> list[dict[str, Any]]:
    """Name every result before anything is read, so that the names depend on nothing that may fail."""
    target, taken = Path(ask.target), set[Path]()
    orders = []
    for found in chosen:
        folder = target if to_file else target / _folder(found, Path(ask.source))
        title = found.title if found.kind in (*OUTLINES, "dicom") else stem_of(found.path)
        path = target if to_file else _free(folder, _file_name(title), taken)
        taken.add(path)
        drawn_on = [image for image in images if image.series in found.refers_to] or [
            image for image in images if image.kind == "dicom"
        ]
        orders.append(
            {
                "source": found,
                "drawn_on": drawn_on if found.kind in OUTLINES else [],
                "path": path,
                "one": to_file,
                "choices": ask.model_dump(mode="json", include={"roi", "label", "orientation"}),
            }
        )
    return [{**order, "taken": frozenset(taken)} for order in orders]


def _convert_each(orders: list[dict[str, Any]], jobs: int, target: Path, report: Report) -> list[dict[str, Any]]:
    """Convert what an earlier run has not; a source that fails is told and ends no other."""
    ledger = Ledger(target / NAME)
    answers: list[dict[str, Any]] = [{} for _ in orders]
    for index, order in enumerate(orders):
        order["work"], order["index"] = _name(order, target), index
        record = ledger.find(order["work"])
        if record is not None and (written := _still_there(record, target)):
            answers[index] = {"written": written, "reused": True}
    left = [order for order in orders if not answers[order["index"]]]
    before = len(orders) - len(left)
    if before:
        report(before / len(orders), f"{before} of {len(orders)} were converted before")

    def tell(order: dict[str, Any], answer: dict[str, Any]) -> str:
        answers[order["index"]] = answer
        name = order["path"].relative_to(target).as_posix()
        if "failed" in answer:
            return f"{name} failed: {answer['failed']['message']}"
        ledger.keep(order["work"], _as_record(answer, target))
        return f"{name} converted"

    run_each(_convert_or_explain, left, jobs, report, "Converting image", tell=tell, lost=_lose, before=before)
    return answers


def _name(order: dict[str, Any], target: Path) -> str:
    """Name a conversion by its files and choices and by where its result goes."""
    sources = [order["source"], *order["drawn_on"]]
    files = [file for source in sources for file in source.files]
    where = order["path"].relative_to(target).as_posix()
    return name_work(files, order["choices"], [source.series for source in sources], where, app.__version__)


def _as_record(answer: dict[str, Any], target: Path) -> dict[str, Any]:
    entries = []
    for path, messages in answer["written"]:
        state = Path(path).stat()
        entries.append([Path(path).relative_to(target).as_posix(), state.st_size, state.st_mtime_ns, messages])
    return {"written": entries}


def _still_there(record: dict[str, Any], target: Path) -> list[tuple[str, list[str]]] | None:
    """List what an earlier run has written; None when a file is gone or is another one by now."""
    written = []
    for name, size, changed, messages in record["written"]:
        path = target / name
        try:
            state = path.stat()
        except OSError:
            return None
        if (state.st_size, state.st_mtime_ns) != (size, changed):
            return None
        written.append((str(path), messages))
    return written


def _convert_or_explain(order: dict[str, Any]) -> dict[str, Any]:
    try:
        return _convert(order)
    except AppError as error:
        return {"failed": {"kind": error.kind, "message": str(error)}}


def _lose(_order: dict[str, Any], failure: Failure) -> dict[str, Any]:
    return {"failed": {"kind": failure.kind, "message": failure.message}}


def _convert(order: dict[str, Any]) -> dict[str, Any]:
    """Convert one source; the work of a worker process."""
    written: dict[Path, list[str]] = {}
    for name, value in _read(order).items():
        path = order["path"]
        if name:
            path = _free(path.parent, f"{stem_of(path)}_{_file_name(name)}", order["taken"] | set(written))
        write_nifti(path, value)
        written[path] = [caution.message for caution in value.cautions]
    return {"written": [(str(path), messages) for path, messages in written.items()]}


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


def _read(order: dict[str, Any]) -> Mapping[str, Volume | Mask]:
    """What a source holds: by region where it holds several, otherwise by an empty name."""
    source, choices = order["source"], order["choices"]
    if source.kind not in OUTLINES:
        return {"": _load(source, choices["orientation"])}
    drawn_on = {image.series: image for image in order["drawn_on"]}
    grids = {series: _load(image, None) for series, image in drawn_on.items()}

    def outline(roi: str | None) -> Mask:
        return load_mask(source.files[0], roi=roi, label=choices["label"], images=grids, image_sources=drawn_on)

    try:
        return {"": outline(choices["roi"])}
    except ChoiceNeeded as question:
        if order["one"] or choices["roi"] is not None or question.field != "roi":
            raise
        return {option.value: outline(option.value) for option in question.options}


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


def _free(folder: Path, base: str, taken: AbstractSet[Path]) -> Path:
    path, number = folder / f"{base}.nii.gz", 1
    while path in taken:
        number += 1
        path = folder / f"{base}_{number}.nii.gz"
    return path
