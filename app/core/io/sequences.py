"""Which of a case's images to read, and what to call each: by the header's sequence, the file's name, or its stem."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from app.core.io.names import read_name
from app.core.io.source import Source, stem_of

Named = tuple[dict[str, str], dict[str, str], list[Source], list[str]]


def name_images(case: str, images: Sequence[Source], mask: Source | None) -> Named:
    """Choose and name a case's images.

    Parameters
    ----------
    case : str
        The case's name, for the notes.
    images : sequence of Source
        At least one.
    mask : Source, optional
        The outline; the image it lies on comes first.

    Returns
    -------
    images : dict of str to str
        Sequence to path; 'image' when there is but one.
    series : dict of str to str
        Sequence to SeriesInstanceUID, for the DICOM ones.
    left : list of Source
        Images that were not taken.
    notes : list of str
        Why, a sentence each.
    """
    usable = [image for image in images if not _is_damaged(image)] or list(images)
    left = [image for image in images if image not in usable]
    notes = [f"{image.title} was left out: {image.cautions[-1].message}" for image in left]
    drawn_on = [image for image in usable if mask is not None and _lies_on(mask, image)]
    ordered = drawn_on + [image for image in usable if image not in drawn_on]
    scans = [image for image in ordered if image.kind == "dicom"]
    if len(scans) < len(ordered) or len(ordered) == 1:
        chosen = _name_files(ordered)
    else:
        chosen = _name_series(ordered, bool(drawn_on))
        if not chosen:
            folder = os.path.commonpath([Path(file).parent for scan in scans for file in scan.files])
            return {"image": folder}, {}, left, [*notes, f"{case} has {len(scans)} series; choose the one to read."]
        dropped = [image for image in ordered if image not in chosen.values()]
        left += dropped
        notes += [f"{case}: the series '{image.title}' is not used." for image in dropped]
    if len(chosen) == 1:
        chosen = {"image": next(iter(chosen.values()))}
    paths = {key: image.path for key, image in chosen.items()}
    return paths, {key: image.series for key, image in chosen.items() if image.series}, left, notes


def _name_series(scans: Sequence[Source], first_is_drawn_on: bool) -> dict[str, Source]:
    """Name DICOM series by their weighting; empty when nothing says which of several alike is meant."""
    chosen: dict[str, Source] = {}
    for number, scan in enumerate(scans):
        key = scan.acquisition.sequence
        if number == 0 and first_is_drawn_on:
            chosen[key] = scan
        elif key != "image" and not any(caution.code == "localiser" for caution in scan.cautions):
            if key in chosen and not first_is_drawn_on:
                return {}
            chosen.setdefault(key, scan)
    return chosen


def _name_files(images: Sequence[Source]) -> dict[str, Source]:
    def key_of(image: Source) -> str:
        stated = image.acquisition.sequence if image.acquisition.weighting else ""
        return stated or read_name(stem_of(image.path)).sequence or _slug(stem_of(image.path))

    keys = [key_of(image) for image in images]
    chosen: dict[str, Source] = {}
    for key, image in zip(keys, images, strict=True):
        name = key if keys.count(key) == 1 else _slug(stem_of(image.path))
        while name in chosen:
            name += "_2"
        chosen[name] = image
    return chosen


def _slug(stem: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or "image"


def _is_damaged(image: Source) -> bool:
    return image.geometry is None


def _lies_on(mask: Source, image: Source) -> bool:
    if mask.refers_to:
        return bool(image.series) and image.series.partition("#")[0] in mask.refers_to
    return mask.geometry is not None and image.geometry is not None and image.geometry.matches(mask.geometry, 0.1)
