"""What a network would see of one of the user's own cases: its picture, and variants as training would draw them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from app.core.data import Prepared
from app.core.errors import InputError, RecipeError
from app.core.jobs import Report
from app.core.network_recipe import CropRecipe, NetworkRecipe
from app.core.recipe import Recipe
from app.core.requests import CaseFiles, CohortSource
from app.core.settings import Settings
from app.core.workflows.finished import FinishedCases, program_digest
from app.core.workflows.gathering import gather_cases

if TYPE_CHECKING:
    from app.core.deep.image_set import ImageSet

_WINDOW = (0.5, 99.5)
"""Percentiles of the picture that are black and white."""
_CASE = "case"
Array = NDArray[np.float32]


class PreviewPicturesRequest(Settings):
    """Show what a network would see of a case: number `place` of those with an outline at `source`, counted around.

    `folder` takes the arrays, and keeps the case's pictures for another look with other variants.
    """

    source: str
    recipe: Recipe
    folder: str
    place: int = Field(0, ge=0)
    seed: int = Field(0, ge=0)
    count: int = Field(8, ge=0, le=64, description="variants")


def preview_pictures(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Prepare a case as a network's recipe asks, cut its pictures, and vary one of them.

    Parameters
    ----------
    request : dict
        A `PreviewPicturesRequest`.

    Returns
    -------
    dict
        `case`; `place`, its number, of `cases`; `pictures`, path of an array (.npy, float32, shape (1 + variants, y,
        x)): the picture as it is cut, then its variants, of a volume the middle slice; `outlines`, path of where the
        tumour is on each (bool, same shape); `window`, grey values that are black and white; `count`, how many
        pictures the case has; `varied`, which of the variants differ from the picture; `shape` of what the network
        takes.

    Raises
    ------
    InputError
        There is no case with an outline, or this one cannot be cut.
    RecipeError
        The recipe has no network.
    """
    ask = PreviewPicturesRequest.parse(request)
    if ask.recipe.network is None:
        raise RecipeError(f"The recipe '{ask.recipe.name}' has no network.", "Choose a recipe with one.")
    report(0.0, "Looking at the cases")
    cases = [case for case in gather_cases(CohortSource(source=ask.source)).cases if case.mask]
    if not cases:
        raise InputError(f"{Path(ask.source).name} lists no case with an outline.", "Choose a table that does.")
    place = ask.place % len(cases)
    network, folder = ask.recipe.network, Path(ask.folder)
    images = _cut(cases[place], ask.recipe, network.crop, folder, report)
    report(0.9, "Varying the picture")
    shown = _vary(images, network, ask.seed, ask.count)
    grey, outlines = shown[:, 0], shown[:, 1] >= 0.5
    low, high = (float(value) for value in np.percentile(grey[0], _WINDOW))
    np.save(folder / "variants.npy", grey)
    np.save(folder / "outlines.npy", outlines)
    report(1.0, "Done")
    return {
        "case": cases[place].id,
        "place": place,
        "cases": len(cases),
        "pictures": str(folder / "variants.npy"),
        "outlines": str(folder / "outlines.npy"),
        "window": [low, high if high > low else low + 1.0],
        "count": images.count(_CASE),
        "varied": [bool((variant != shown[0]).any()) for variant in shown[1:]],
        "shape": list(network.crop.shape),
    }


def _cut(files: CaseFiles, recipe: Recipe, crop: CropRecipe, folder: Path, report: Report) -> ImageSet:
    """Cut a case's pictures into the folder, unless they lie there."""
    from app.core.deep.image_set import Source, build_image_set
    from app.core.io.case import load_case
    from app.core.preprocess.chain import prepare

    def prepare_case() -> Prepared:
        report(0.1, "Reading the images")
        return prepare(load_case(files), recipe.prep, lambda share, told: report(0.2 + 0.6 * share, told))

    pictures = folder / "pictures"
    key = FinishedCases(pictures, program_digest()).key(files, recipe.model_copy(update={"features": None}))
    return build_image_set(pictures, [Source(_CASE, key, prepare_case)], crop)


def _vary(images: ImageSet, network: NetworkRecipe, seed: int, count: int) -> Array:
    """The picture where the tumour is largest and its variants, each with its outline; shape (1 + count, 2, y, x)."""
    from app.core.deep.augment import vary_picture

    outlines, crop = images.outlines(_CASE), network.crop
    largest = int(outlines.reshape(len(outlines), -1).sum(axis=1).argmax())
    # the outline goes along as a channel, whether or not the network sees it
    whole = crop.model_copy(update={"mask_channel": True})
    picture = np.concatenate(
        [images.read(_CASE, largest)[: crop.channels], outlines[largest][None].astype(np.float32)])  # fmt: skip
    varied = [] if network.augment is None else [
        vary_picture(picture, seed + number, network.augment, whole) for number in range(count)]  # fmt: skip
    return np.stack([_flatten(each[[crop.channels // 2, -1]]) for each in (picture, *varied)])


def _flatten(picture: Array) -> Array:
    """Channels of a picture (c, y, x), of a volume (c, z, y, x) its middle slice."""
    return picture[:, picture.shape[1] // 2] if picture.ndim == 4 else picture
