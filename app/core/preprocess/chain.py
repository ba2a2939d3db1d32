"""The preprocessing story of a case: place the outline, correct, normalise, resample, crop; each step is traced."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from app.core.data import Case, Caution, Mask, Prepared, TraceEntry, Volume
from app.core.errors import EmptyMask
from app.core.preprocess.crop import crop
from app.core.preprocess.follow import place_mask
from app.core.preprocess.n4 import correct_bias
from app.core.preprocess.normalise import normalise
from app.core.preprocess.resample import resample, resample_mask
from app.core.recipe import PrepRecipe, ResampleRecipe

if TYPE_CHECKING:
    from app.core.jobs import Report

ANISOTROPIC = 5.0


def prepare(case: Case, recipe: PrepRecipe, report: Report | None = None) -> Prepared:
    """Make a case ready to be measured.

    Parameters
    ----------
    case : Case
        Images each on its own grid, RAS+ mm, and the outline.
    recipe : PrepRecipe
        Which steps, with their settings.
    report : callable, optional
        Receives (fraction, message); may raise `Cancelled`.

    Returns
    -------
    Prepared
        Each image with the outline on its grid; a trace entry per step and sequence ('n4 t1'); every caution of the
        case and of the steps, each once.

    Raises
    ------
    EmptyMask
        The case has no outline, or nothing of it is left on an image's grid.
    GeometryMismatch
        The outline cannot be placed on an image.
    InputError
        A step cannot work with the image.
    """
    if case.mask is None:
        raise EmptyMask(f"The case {case.id} has no tumour outline, and a tumour outline is needed.",
                        "Add an outline: a mask image, an RTSTRUCT or a DICOM SEG.")
    several = len(case.images) > 1
    images: dict[str, Volume] = {}
    masks: dict[str, Mask] = {}
    trace: list[TraceEntry] = []
    cautions: list[Caution] = [*case.mask.cautions]
    for index, (sequence, volume) in enumerate(case.images.items()):
        prefix = f"{sequence}: " if several else ""
        part = _part(report, index / len(case.images), 1 / len(case.images), prefix)
        images[sequence], masks[sequence], found = _prepare_one(sequence, volume, case.mask, recipe, trace, part)
        cautions += _prefixed((c for c in found if c not in case.mask.cautions), prefix)
    if report is not None:
        report(1.0, "Prepared")
    return Prepared(case.id, images, masks, tuple(trace), tuple(dict.fromkeys(cautions)))


def _prepare_one(sequence: str, volume: Volume, outline: Mask, recipe: PrepRecipe, trace: list[TraceEntry],
                 report: Report) -> tuple[Volume, Mask, list[Caution]]:
    report(0.0, "Placing the outline")
    found = [*volume.cautions, *_anisotropy(volume)]
    with _traced(trace, f"place outline {sequence}", resampled=not outline.geometry.matches(volume.geometry)):
        mask = place_mask(outline, volume)
        found += mask.cautions
    if recipe.n4 is not None:
        with _traced(trace, f"n4 {sequence}", **recipe.n4.model_dump(mode="json")) as settings:
            corrected = correct_bias(volume, recipe.n4, report=_part(report, 0.05, 0.75))
            settings |= {"shrink_used": list(corrected.shrink), "cv_before": corrected.cv_before,
                         "cv_after": corrected.cv_after, "levels_reached": corrected.levels}
            volume = corrected.volume
            found += volume.cautions
    if recipe.normalise is not None:
        report(0.85, "Normalising grey values")
        with _traced(trace, f"normalise {sequence}", **recipe.normalise.model_dump(mode="json")):
            volume = normalise(volume, recipe.normalise, mask)
    if recipe.resample is not None:
        report(0.9, "Resampling")
        with _traced(trace, f"resample {sequence}", **recipe.resample.model_dump(mode="json")):
            volume = resample(volume, recipe.resample)
            mask = resample_mask(mask, volume.geometry, keep_ties=True)
            _check_left(mask, recipe.resample)
    if recipe.crop_margin_mm is not None:
        with _traced(trace, f"crop {sequence}", margin_mm=recipe.crop_margin_mm):
            volume, mask = crop(volume, mask, recipe.crop_margin_mm)
    return volume, mask, found


@contextmanager
def _traced(trace: list[TraceEntry], step: str, **settings: Any) -> Iterator[dict[str, Any]]:
    started = time.perf_counter()
    yield settings
    trace.append(TraceEntry(step, settings, time.perf_counter() - started))


def _anisotropy(volume: Volume) -> tuple[Caution, ...]:
    ratio = volume.geometry.anisotropy
    if ratio <= ANISOTROPIC:
        return ()
    return (Caution("anisotropy", f"Slices are {ratio:.1f} times thicker than the pixels are wide: volume, shape "
                                  "and texture across slices are coarse."),)


def _check_left(mask: Mask, recipe: ResampleRecipe) -> None:
    if not mask.voxels.any():
        sizes = " x ".join(f"{size:g}" for size in recipe.spacing)
        raise EmptyMask(f"At a voxel size of {sizes} mm nothing is left of the outline.", "Choose smaller voxels.")


def _prefixed(cautions: Iterable[Caution], prefix: str) -> list[Caution]:
    return [Caution(caution.code, prefix + caution.message) for caution in cautions]


def _part(report: Report | None, start: float, length: float, prefix: str = "") -> Report:
    """Give a part of the work its own scale from 0 to 1."""

    def inner(fraction: float, message: str) -> None:
        if report is not None:
            report(start + fraction * length, prefix + message)
    return inner
