"""Quality of a cohort before anything is measured: how its images were made, what is odd about images and outlines."""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from app.core.data import Acquisition, Geometry, Mask, Volume
from app.core.errors import AppError, Failure
from app.core.files import name_file, name_files, staged_file, write_atomically
from app.core.io.case import load_images, load_outline
from app.core.io.duplicates import Fingerprint, digest_patient, digest_voxels, find_duplicates
from app.core.io.flags import Flag, as_flags, each_once
from app.core.io.mask import load_mask
from app.core.io.protocol import Scan, check_protocol, compare_protocols, compare_spacing
from app.core.io.source import LoadedImage, Source
from app.core.jobs import Report, describe_failure
from app.core.preprocess.check import check_image, check_surroundings
from app.core.preprocess.follow import place_mask
from app.core.requests import CaseFiles, QualityRequest
from app.core.segment.check import check_label_values, check_outline, compare_outlines
from app.core.workflows.gathering import gather_cases
from app.core.workflows.measuring import explain
from app.core.workflows.parallel import run_each

TAGS = ("modality", "manufacturer", "model", "field_strength", "description", "repetition_time", "echo_time",
        "inversion_time", "flip_angle", "thickness", "slice_gap", "kernel", "weighting", "fat_suppressed",
        "contrast_enhanced")
_COLUMNS = {"vendor": "manufacturer", "tr": "repetition_time", "te": "echo_time", "slice_thickness": "thickness"}


def check_quality(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Look at every image and outline of a cohort.

    Parameters
    ----------
    request : dict
        A `QualityRequest`. With `out`, a contact sheet (PNG) per case and sequence goes into `out`/sheets, the checks
        into `quality.csv` (a row per image) and `flags.csv` (a row per flag).
    report : callable
        Told after each case; raising `Cancelled` stops the rest.

    Returns
    -------
    dict
        `cases` (a row per image: acquisition, grid, `volume_ml`, `flags`, `sheet`), `flags` of the whole cohort with
        their cases, `failed` (what could not be read, and why), `written`.
    """
    ask = QualityRequest.parse(request)
    report(0.0, "Looking for the cases")
    found = gather_cases(ask)
    sheets = str(Path(ask.out) / "sheets") if ask.out else None
    salt = secrets.token_hex(16)
    names = name_files(case.id for case in found.cases)
    tasks = [{"case": case.model_dump(mode="json"), "sheets": sheets, "name": name, "salt": salt}
             for case, name in zip(found.cases, names, strict=True)]
    answers = run_each(_check_or_explain, tasks, ask.jobs, report, "Checked", tell=_tell, lost=_lost)
    failed = [{"case": problem.patient, "message": str(problem)} for problem in found.problems]
    failed += [failure for answer in answers for failure in answer["failed"]]
    rows = [row for answer in answers for row in answer["rows"]]
    scans = [_as_scan(row) for row in rows]
    for row, odd in zip(rows, compare_spacing(scans), strict=True):
        row["flags"] = [_as_json(flag) for flag in each_once([*map(_from_json, row["flags"]), *odd])]
    prints = [Fingerprint(**each) for answer in answers for each in answer["prints"]]
    cohort = [*compare_protocols(scans), *find_duplicates(prints)]
    for row in rows:
        row.pop("affine")
    flags = [{**_as_json(flag), "cases": list(flag.cases)} for flag in cohort]
    written = [row["sheet"] for row in rows if row["sheet"]]
    if ask.out:
        written = [*_write_tables(Path(ask.out), rows, flags, failed), *written]
    report(1.0, "Done")
    return {"cases": rows, "flags": flags, "failed": failed, "written": written}


def _check_or_explain(task: dict[str, Any]) -> dict[str, Any]:
    try:
        return _check_case(task)
    except Exception as error:  # noqa: BLE001 - whatever a case meets is told of it and ends no other
        return _fail(task, explain(error)["error"])


def _check_case(task: dict[str, Any]) -> dict[str, Any]:
    """Check one case; what cannot be read is told and the rest checked."""
    files = CaseFiles.parse(task["case"])
    answer: dict[str, Any] = {"rows": [], "failed": [], "prints": []}
    images: dict[str, LoadedImage] = {}
    sources: dict[str, Source] = {}
    for sequence, path in files.images.items():  # one by one: a bad sequence leaves the others
        try:
            read, source = load_images(files.model_copy(update={"images": {sequence: path}}))
        except AppError as error:
            answer["failed"].append(_failure(files, describe_failure(error), sequence))
            continue
        images |= read
        sources |= source
    outline, outline_flags = _read_outline(files, images, sources, answer)
    for sequence, image in images.items():
        row, mask = _check_sequence(files, sequence, image, sources.get(sequence), outline)
        row["flags"] += [_as_json(flag) for flag in outline_flags]
        row["flags"] = [_as_json(flag) for flag in each_once(map(_from_json, row["flags"]))]
        if task["sheets"]:
            caption = _caption(files.id, sequence, image.volume, mask)
            sheet = Path(task["sheets"]) / f"{task['name']}_{name_file(sequence)}.png"
            row["sheet"] = _write_sheet(sheet, image.volume, mask, caption)
        answer["rows"].append(row)
        first = len(answer["prints"]) == 0
        answer["prints"].append({"case": files.id, "sequence": sequence, "image": digest_voxels(image.volume),
                                 "mask": digest_voxels(outline) if outline is not None and first else "",
                                 "patient": digest_patient(image.identity, task["salt"]) if first else ""})
    return answer


def _read_outline(files: CaseFiles, images: Mapping[str, LoadedImage], sources: Mapping[str, Source],
                  answer: dict[str, Any]) -> tuple[Mask | None, list[Flag]]:
    """Read the outline; what is wrong with it is a flag on the case's images."""
    if files.mask is None:
        return None, [Flag("no_outline", "The case has no outline.", "caution")]
    if not images:
        return None, []
    try:
        mask = load_outline(files, images, sources)
        flags = check_label_values(files.mask, files.label)
    except AppError as error:
        failure = describe_failure(error)
        answer["failed"].append(_failure(files, failure, "outline"))
        kind = "several_labels" if failure.kind == "choice" else failure.kind
        return None, [Flag(kind, failure.message, "problem")]
    return mask, flags


def _check_sequence(files: CaseFiles, sequence: str, image: LoadedImage, source: Source | None, outline: Mask | None,
                    ) -> tuple[dict[str, Any], Mask | None]:
    volume = image.volume
    scan = Scan(files.id, sequence, volume.geometry, _complete(image.acquisition, files.reading))
    flags = [*check_image(volume), *as_flags(volume.cautions), *check_protocol(scan)]
    if source is not None:
        from app.core.io.dicom.mixture import check_series

        flags += check_series(source)
    mask = None
    if outline is not None:
        try:
            mask = place_mask(outline, volume)
            own = check_outline(mask)
            flags += [*own, *as_flags(mask.cautions)]
            if not any(flag.code in ("constant_image", "not_finite") for flag in flags):
                flags += check_surroundings(volume, mask)
            flags += _check_second(files, sequence, image, mask)
        except AppError as error:
            flags.append(Flag(f"outline_{describe_failure(error).kind}", describe_failure(error).message, "problem"))
    row = {"case": files.id, "sequence": sequence, "shape": list(volume.geometry.shape),
           "spacing": [round(size, 4) for size in volume.geometry.spacing],
           "acquisition": {**asdict(scan.acquisition), "sequence": scan.acquisition.sequence},
           "volume_ml": mask.volume_ml if mask is not None else None, "flags": [_as_json(flag) for flag in flags],
           "sheet": None, "affine": volume.affine.tolist()}
    return row, mask


def _check_second(files: CaseFiles, sequence: str, image: LoadedImage, mask: Mask) -> list[Flag]:
    if files.mask_2 is None:
        return []
    try:
        second = place_mask(load_mask(files.mask_2, roi=files.roi, label=files.label,
                                      images={sequence: image.volume}, orientation=files.orientation), image.volume)
    except AppError as error:
        return [Flag("second_outline", f"The second reader's outline cannot be used: "
                                       f"{describe_failure(error).message}", "problem")]
    return compare_outlines(mask, second)


def _complete(known: Acquisition, reading: Mapping[str, str | float]) -> Acquisition:
    """Take from the cohort's table what the image's header does not say."""
    columns = {_COLUMNS.get(name.lower(), name.lower()): value for name, value in reading.items()}
    kinds = {each.name: each.type for each in fields(Acquisition)}
    found: dict[str, Any] = {}
    for name in TAGS:
        value = columns.get(name)
        if value is None or getattr(known, name) not in (None, ""):
            continue
        if kinds[name] == "str":
            found[name] = str(value)
        elif kinds[name] == "float | None" and isinstance(value, (int, float)):
            found[name] = float(value)
    return replace(known, **found)


def _write_sheet(path: Path, volume: Volume, mask: Mask | None, caption: str) -> str:
    from app.core.segment.contact_sheet import draw_sheet

    picture = draw_sheet(volume, mask, caption)
    with staged_file(path) as stage:
        picture.save(stage, compress_level=3)
    return str(path)


def _caption(case: str, sequence: str, volume: Volume, mask: Mask | None) -> str:
    size = " x ".join(str(count) for count in volume.geometry.shape)
    spacing = " x ".join(f"{step:.3g}" for step in volume.geometry.spacing)
    tumour = f" · outline {mask.volume_ml:.3g} ml" if mask is not None else " · no outline"
    return f"{case}{'' if sequence == 'image' else f' · {sequence}'} · {size} voxels of {spacing} mm{tumour}"


def _write_tables(out: Path, rows: list[dict[str, Any]], flags: list[dict[str, Any]],
                  failed: list[dict[str, str]]) -> list[str]:
    images = [["case", "sequence", "shape", "spacing_mm", *TAGS, "volume_ml", "problems", "cautions", "notes"]]
    listed = [["case", "sequence", "severity", "code", "message"]]
    for row in rows:
        codes = {grade: " ".join(flag["code"] for flag in row["flags"] if flag["severity"] == grade)
                 for grade in ("problem", "caution", "note")}
        tags = ["" if row["acquisition"][name] is None else row["acquisition"][name] for name in TAGS]
        images.append([row["case"], row["sequence"], " x ".join(map(str, row["shape"])),
                       " x ".join(f"{size:g}" for size in row["spacing"]), *tags,
                       "" if row["volume_ml"] is None else round(row["volume_ml"], 4), *codes.values()])
        listed += [[row["case"], row["sequence"], flag["severity"], flag["code"], flag["message"]]
                   for flag in row["flags"]]
    listed += [[" ".join(flag["cases"]), "", flag["severity"], flag["code"], flag["message"]] for flag in flags]
    listed += [[each["case"], "", "problem", "failed", each["message"]] for each in failed]
    written = []
    for name, table in (("quality.csv", images), ("flags.csv", listed)):
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(table)
        write_atomically(out / name, text.getvalue().encode())
        written.append(str(out / name))
    return written


def _as_scan(row: dict[str, Any]) -> Scan:
    import numpy as np

    known = {key: value for key, value in row["acquisition"].items() if key != "sequence"}
    i, j, k = row["shape"]
    return Scan(row["case"], row["sequence"], Geometry((i, j, k), np.asarray(row["affine"])), Acquisition(**known))


def _as_json(flag: Flag) -> dict[str, Any]:
    return {"code": flag.code, "message": flag.message, "severity": flag.severity}


def _from_json(flag: dict[str, Any]) -> Flag:
    return Flag(flag["code"], flag["message"], flag["severity"])


def _failure(files: CaseFiles, failure: Failure, where: str) -> dict[str, str]:
    prefix = "" if where == "image" or len(files.images) == 1 else f"{where}: "
    return {"case": files.id, "message": prefix + failure.message}


def _tell(task: dict[str, Any], answer: dict[str, Any]) -> str:
    outcome = "checked" if answer["rows"] or not answer["failed"] else f"failed: {answer['failed'][0]['message']}"
    return f"{task['case']['id']} {outcome}"


def _lost(task: dict[str, Any], failure: Failure) -> dict[str, Any]:
    return _fail(task, failure.message)


def _fail(task: dict[str, Any], message: str) -> dict[str, Any]:
    return {"rows": [], "prints": [], "failed": [{"case": task["case"]["id"], "message": message}]}
