"""One case under several outlines: its own, the same slightly changed, and a second reader's; measured alike."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from app.core.data import Case, Mask, Prepared, Volume
from app.core.errors import AppError, EmptyMask, RecipeError
from app.core.io.case import load_case
from app.core.io.mask import load_mask
from app.core.jobs import describe_failure
from app.core.preprocess.chain import prepare
from app.core.preprocess.crop import crop
from app.core.preprocess.follow import place_mask
from app.core.preprocess.resample import resample_mask
from app.core.radiomics.extract import extract
from app.core.recipe import PrepRecipe, Recipe
from app.core.requests import CaseFiles
from app.core.segment.jitter import jitter_masks
from app.core.workflows.measuring import explain

OWN, SECOND = "own", "second reader"
CHANGES = ("erode", "dilate", *(f"shift {sign}{axis}" for axis in "ijk" for sign in "+-"))


def measure_outlines(task: dict[str, Any]) -> dict[str, Any]:
    """Measure a case under each outline; the work of a process.

    Parameters
    ----------
    task : dict
        `case` (`CaseFiles`) and `recipe`.

    Returns
    -------
    dict
        `values`: by outline (`OWN`, those of `CHANGES` that leave something, `SECOND` if there is one) the features by
        name, None where they could not be measured; `second`, why a second outline could not be used, or null; or
        `error`, a sentence.
    """
    try:
        return _measure(CaseFiles.parse(task["case"]), Recipe.parse(task["recipe"]))
    except Exception as error:  # noqa: BLE001 - whatever a case meets is told of it and ends no other
        return explain(error)


def _measure(files: CaseFiles, recipe: Recipe) -> dict[str, Any]:
    if recipe.features is None:
        raise RecipeError(f"The recipe '{recipe.name}' measures nothing.", "Choose one with features.")
    case = load_case(files)
    if case.mask is None:
        raise EmptyMask(f"The case {files.id} has no outline.", "Add one.")
    outlines = {OWN: case.mask, **dict(jitter_masks(case.mask))}
    trouble = None
    try:
        outlines |= _second(files, case)
    except AppError as error:
        trouble = describe_failure(error).message
    measured: dict[str, dict[str, float | None]] = {}
    for name, prepared in prepare_outlines(case, outlines, recipe.prep):
        row = extract(prepared, recipe.features).as_dict()
        measured[name] = {key: value if math.isfinite(value) else None for key, value in row.items()}
    return {"values": measured, "second": trouble}


def prepare_outlines(case: Case, outlines: dict[str, Mask], recipe: PrepRecipe) -> Iterator[tuple[str, Prepared]]:
    """Prepare a case under each outline, doing once what does not depend on it.

    Parameters
    ----------
    case : Case
        With images, RAS+ mm.
    outlines : dict of str to Mask
        Each on a grid of its own.
    recipe : PrepRecipe
        As `prepare` takes it; the result is what `prepare` gives with that outline.

    Yields
    ------
    (str, Prepared)
        The outline's name, images and masks. A changed outline of which nothing can be placed is left out; the case's
        own raises as `prepare` does.
    """
    by_tumour = recipe.normalise is not None and recipe.normalise.region == "around_tumour"
    later = {"crop_margin_mm": None, **({"normalise": None, "resample": None} if by_tumour else {})}
    own = Case(case.id, case.images, outlines[OWN], case.acquisition)
    base = prepare(own, recipe.model_copy(update=later))
    for name, outline in outlines.items():
        try:
            if by_tumour:
                changed = Case(case.id, base.images, outline, case.acquisition)
                yield name, prepare(changed, recipe.model_copy(update={"n4": None}))
            else:
                yield name, _lay(case, base, outline, recipe)
        except AppError:
            if name == OWN:
                raise


def _lay(case: Case, base: Prepared, outline: Mask, recipe: PrepRecipe) -> Prepared:
    images: dict[str, Volume] = {}
    masks: dict[str, Mask] = {}
    for sequence, volume in base.images.items():
        mask = place_mask(outline, case.images[sequence])
        if recipe.resample is not None:
            mask = resample_mask(mask, volume.geometry, keep_ties=True)
        if not mask.voxels.any():
            raise EmptyMask("Nothing is left of the outline.")
        if recipe.crop_margin_mm is not None:
            volume, mask = crop(volume, mask, recipe.crop_margin_mm)
        images[sequence], masks[sequence] = volume, mask
    return Prepared(case.id, images, masks)


def _second(files: CaseFiles, case: Case) -> dict[str, Mask]:
    if files.mask_2 is None:
        return {}
    second = load_mask(files.mask_2, roi=files.roi, label=files.label, images=case.images,
                       orientation=files.orientation)
    for volume in case.images.values():
        place_mask(second, volume)
    return {SECOND: second}
