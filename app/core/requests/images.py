"""Requests that change images, or look at a cohort of them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from app.core.recipe import N4Recipe, NormaliseRecipe, PositiveFloat, Settings
from app.core.requests.cases import CaseFiles


class ConvertRequest(Settings):
    """Any readable image, folder or tree to NIfTI."""

    source: str
    target: str
    roi: str | None = None
    label: int | None = None
    orientation: Literal["las", "ras"] | None = None
    jobs: int = Field(1, ge=1)


class N4Request(Settings):
    """Correct one image's bias field."""

    image: str
    out: str
    mask: str | None = None
    field: str | None = None
    settings: N4Recipe = N4Recipe()


class PreviewBiasRequest(Settings):
    """Correct the bias of an image that is on view; arrays go into `folder` as .npy.

    `array` is the view's image, `mask` an own outline of where the field is estimated (a file of any kind), `region` a
    painted region as a boolean .npy on the image's grid. `fit` names the .npy in which the voxels of the fit are kept
    from one preview to the next: read if it is there, else found and written. `tumour` is the view's outline (.npy).
    """

    array: str
    affine: list[list[float]]
    folder: str
    settings: N4Recipe = N4Recipe()
    mask: str | None = None
    region: str | None = None
    fit: str | None = None
    tumour: str | None = None


class MeasureBiasRequest(Settings):
    """Judge a correction that a preview has made: .npy files of one grid, and the preview's `scale`."""

    array: str
    corrected: str
    mask: str
    scale: PositiveFloat = 1.0
    region: str | None = None
    tumour: str | None = None


class CorrectCohortRequest(Settings):
    """Correct the bias of every image of some cases; NIfTI files go into `out`."""

    cases: list[CaseFiles]
    out: str
    settings: N4Recipe = N4Recipe()
    jobs: int = Field(1, ge=1)


class NormaliseRequest(Settings):
    """Normalise one image's intensities."""

    image: str
    out: str
    mask: str | None = None
    settings: NormaliseRecipe = NormaliseRecipe()


class LandmarksRequest(Settings):
    """Learn the standard histogram (Nyul) of one sequence of a cohort."""

    table: str
    out: str
    sequence: str | None = None
    region: Literal["image", "body"] = "body"


class BoxesRequest(Settings):
    """Bounding boxes of every tumour of a cohort; `table` is a table of cases or a folder of images and outlines."""

    table: str
    out: str
    jobs: int = Field(1, ge=1)


class DemoRequest(Settings):
    """Write phantom cases."""

    kind: Literal["case", "cohort"] = "case"
    out: str
    cases: int = Field(85, ge=1, le=20000)
    sites: int = Field(43, ge=1, le=2000)
    signal: float = Field(1.0, ge=0, le=1)
    seed: int = 2019
    jobs: int = Field(1, ge=1)
