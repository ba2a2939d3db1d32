"""Reading a whole case: every sequence on its own grid, the outline, and the patient's identity kept apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from app.core.data import Acquisition, Case, Identity, Mask, Volume
from app.core.errors import ChoiceNeeded, InputError
from app.core.io.formats import IMAGE_KINDS
from app.core.io.locate import locate
from app.core.io.mask import load_mask
from app.core.io.source import SUFFIXES, LoadedImage, Source, suffix_of
from app.core.io.volume import find_image, load_volume
from app.core.requests import CaseFiles

Report = Callable[[float, str], None]


def load_case(files: CaseFiles, report: Report | None = None) -> Case:
    """Read a case.

    Parameters
    ----------
    files : CaseFiles
        Its files and the choices made about them.
    report : callable, optional
        Told the fraction done and what is being read; may raise `Cancelled`.

    Returns
    -------
    Case
        Each image of float32 on its own grid, RAS+ mm; the mask on the grid of its own file.

    Raises
    ------
    UnreadableImage, EmptyMask, InputError
        As `load_volume` and `load_mask` do.
    ChoiceNeeded
        With `about` naming the sequence, or the mask's path.
    """
    images, sources = load_images(files, report)
    if report is not None and files.mask is not None:
        report(len(images) / (len(images) + 1), "Reading the outline")
    return make_case(files, images, load_outline(files, images, sources))


def load_images(files: CaseFiles, report: Report | None = None) -> tuple[dict[str, LoadedImage], dict[str, Source]]:
    """Read a case's images; parameters and errors as for `load_case`.

    Returns
    -------
    images : dict of str to LoadedImage
        By sequence.
    sources : dict of str to Source
        Where the DICOM ones came from, by sequence.
    """
    if not files.images:
        raise InputError(f"The case '{files.id}' has no image.", "Choose its image.")
    images: dict[str, LoadedImage] = {}
    sources: dict[str, Source] = {}
    steps = len(files.images) + (files.mask is not None)
    for number, (sequence, path) in enumerate(files.images.items()):
        if report is not None:
            report(number / steps, "Reading the image" if sequence == "image" else f"Reading the image {sequence}")
        try:
            images[sequence], source = _load_image(path, files, sequence)
        except ChoiceNeeded as question:
            question.about = question.about or sequence
            raise
        if source is not None:
            sources[sequence] = source
    return images, sources


def load_outline(files: CaseFiles, images: Mapping[str, LoadedImage], sources: Mapping[str, Source]) -> Mask | None:
    """Read a case's outline; None when it has none. Errors as for `load_case`.

    Parameters
    ----------
    files : CaseFiles
        The case.
    images, sources : mapping
        What `load_images` returned.
    """
    if files.mask is None:
        return None
    volumes: dict[str, Volume] = {sequence: image.volume for sequence, image in images.items()}
    try:
        return load_mask(files.mask, roi=files.roi, label=files.label, series=files.series.get("mask"), images=volumes,
                         image_sources=sources, orientation=files.orientation)
    except ChoiceNeeded as question:
        question.about = question.about or files.mask
        raise


def make_case(files: CaseFiles, images: Mapping[str, LoadedImage], mask: Mask | None) -> Case:
    """Put a case together from its parts."""
    acquisition: dict[str, Acquisition] = {sequence: image.acquisition for sequence, image in images.items()}
    identity = next((image.identity for image in images.values() if image.identity != Identity()), Identity())
    return Case(files.id, {sequence: image.volume for sequence, image in images.items()}, mask, acquisition,
                identity=identity, site=files.site or "", reading=dict(files.reading))


def _load_image(path: str, files: CaseFiles, sequence: str) -> tuple[LoadedImage, Source | None]:
    if not locate(path).is_dir() and SUFFIXES.get(suffix_of(path)) in IMAGE_KINDS:
        return load_volume(path, orientation=files.orientation), None
    source = find_image(Path(path), files.series.get(sequence))
    if source.kind != "dicom":
        return load_volume(source.path, orientation=files.orientation), None
    from app.core.io import dicom

    return dicom.load_series(source), source
