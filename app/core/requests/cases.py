"""Requests about cases: which files they are, what they look like, and what a model says of them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from app.core.recipe import PrepRecipe, Settings


class CaseFiles(Settings):
    """Which files make a case, and every choice the user made about them.

    Keys of `images` are sequence names ('t1', 't2', 't1_fs_gd' ...; 'image' when there is but one).
    `series` maps a sequence name (or 'mask') to a DICOM SeriesInstanceUID within its path.
    """

    id: str
    images: dict[str, str]
    mask: str | None = None
    mask_2: str | None = Field(None, description="a second reader's outline of the same tumour")
    series: dict[str, str] = Field(default_factory=dict)
    roi: str | None = None
    label: int | None = None
    orientation: Literal["las", "ras"] | None = Field(None, description="Analyze 7.5: which side is stored first")
    site: str | None = None
    reading: dict[str, str | float] = Field(default_factory=dict, description="clinical and reader's variables")


class IdentifyRequest(Settings):
    """Sort dropped paths into cases."""

    paths: list[str]


class ViewRequest(Settings):
    """Read a case for the viewer; arrays are written as .npy files into `folder`."""

    case: CaseFiles
    folder: str
    prep: PrepRecipe | None = Field(None, description="also write the images after these steps, for before/after")
    n4_mask: str | None = Field(None, description="an outline of where N4 estimates the field, in place of prep's mask")


class ThumbnailsRequest(Settings):
    """Draw a picture of some cases of a table or folder, spread over it; PNG files go into `out`."""

    source: str
    out: str
    most: int = Field(12, ge=1, le=100)


class DiametersRequest(Settings):
    """Measure a tumour's diameters on an outline as the viewer has it: `mask` (.npy of bool), its affine, RAS+ mm."""

    mask: str
    affine: list[list[float]]


class ScoreRequest(Settings):
    """Score one case with one model; `anonymise` leaves out what tells whose it is, in the result and in `out`."""

    case: CaseFiles
    model: str
    prep: PrepRecipe | None = Field(
        None, description="replaces the model's own, for viewing its effect; never for a trained model"
    )
    prevalence: float | None = Field(None, gt=0, lt=1)
    error_rate: float = Field(0.05, gt=0, lt=0.5)
    threshold: float | None = Field(None, gt=0, lt=1)
    out: str | None = None
    anonymise: bool = False


class ScoreCohortRequest(Settings):
    """Score every row of a table."""

    table: str
    model: str
    prevalence: float | None = Field(None, gt=0, lt=1)
    error_rate: float = Field(0.05, gt=0, lt=0.5)
    threshold: float | None = Field(None, gt=0, lt=1)
    out: str | None = None
    anonymise: bool = False
    jobs: int = Field(1, ge=1)


class ExplainRequest(Settings):
    """Show on the slices of a case where a model's networks looked.

    `gradcam` shows the places that speak for the answer, `occlusion` how much of the answer is lost when a place is
    covered, which takes longer.
    """

    case: CaseFiles
    model: str
    method: Literal["gradcam", "occlusion"] = "gradcam"
