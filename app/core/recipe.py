"""Recipes: frozen, validated settings, JSON in and out. They parametrise steps and never compute."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from app.core.network_recipe import NetworkRecipe
from app.core.settings import PositiveFloat as PositiveFloat
from app.core.settings import Settings as Settings


class N4Recipe(Settings):
    """Bias-field correction (Tustison et al. 2010, 10.1109/TMI.2010.2046908)."""

    engine: Literal["fast", "itk", "ants"] = Field(
        "fast", description="fast is itk's algorithm in array operations; itk is the reference; ants the 2019 study's"
    )
    mask: Literal["otsu", "body", "whole"] = Field("otsu", description="where the field is estimated")
    levels: int = Field(4, ge=1, le=8, description="fitting levels")
    iterations: int | tuple[int, ...] = Field(50, description="iterations at each level, or one number per level")
    mesh: int | tuple[int, int, int] = Field(1, description="spline spans of the first level, or along (i, j, k)")
    shrink: int | tuple[int, int, int] = Field(
        4, description="N in plane and 1 along the coarsest axis, or three factors"
    )
    tolerance: float = Field(0.001, ge=0, description="convergence threshold")
    fwhm: PositiveFloat = Field(0.15, description="bias field full width at half maximum, in log intensity")
    noise: PositiveFloat = Field(0.01, description="Wiener filter noise")
    bins: int = Field(200, ge=8, le=4096, description="histogram bins")
    mean_one: bool = Field(
        False, description="scale the field to a mean of 1 where it is estimated; ITK leaves its scale to chance"
    )

    @field_validator("iterations")
    @classmethod
    def _check_iterations(cls, value: int | tuple[int, ...], info: ValidationInfo) -> int | tuple[int, ...]:
        numbers = value if isinstance(value, tuple) else (value,)
        levels = info.data.get("levels", len(numbers))
        if isinstance(value, tuple) and len(value) != levels:
            raise ValueError(f"{len(value)} numbers for {levels} levels")
        if not all(1 <= number <= 2000 for number in numbers):
            raise ValueError("every level takes 1 to 2000 iterations")
        return value

    @field_validator("mesh")
    @classmethod
    def _check_mesh(cls, value: int | tuple[int, int, int]) -> int | tuple[int, int, int]:
        if not all(1 <= spans <= 64 for spans in (value if isinstance(value, tuple) else (value,))):
            raise ValueError("an axis takes 1 to 64 spans")
        return value

    @property
    def iterations_per_level(self) -> tuple[int, ...]:
        """The most iterations of each level."""
        return self.iterations if isinstance(self.iterations, tuple) else (self.iterations,) * self.levels

    @property
    def mesh_along(self) -> tuple[int, int, int]:
        """Spans of the first level along (i, j, k)."""
        return self.mesh if isinstance(self.mesh, tuple) else (self.mesh,) * 3


class NormaliseRecipe(Settings):
    """Intensity normalisation."""

    method: Literal["zscore", "percentile", "nyul"] = "zscore"
    region: Literal["image", "body", "around_tumour"] = Field("body", description="voxels the statistics come from")
    low: float = Field(1.0, ge=0, lt=50, description="lower percentile (percentile method)")
    high: float = Field(99.0, gt=50, le=100, description="upper percentile (percentile method)")
    landmarks: tuple[float, ...] | None = Field(None, description="standard histogram landmarks (nyul method)")
    margin_mm: PositiveFloat = Field(20.0, description="ring around the tumour (around_tumour region)")


class ResampleRecipe(Settings):
    """New voxel spacing in mm along (i, j, k); 0 keeps an axis as it is."""

    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    interpolation: Literal["linear", "bspline"] = "bspline"


class PrepRecipe(Settings):
    """Preprocessing, applied in this order; None leaves a step out."""

    n4: N4Recipe | None = None
    normalise: NormaliseRecipe | None = None
    resample: ResampleRecipe | None = None
    crop_margin_mm: float | None = Field(None, ge=0, description="crop to the tumour's box plus this margin")


class QuantisedRecipe(Settings):
    """Texture after equal-probability quantisation: every grey level holds the same number of voxels."""

    levels: tuple[int, ...] = Field((8, 16, 24, 32, 40, 48, 64), description="numbers of grey levels")
    classes: tuple[str, ...] = Field(("glcm", "glrlm", "glszm", "ngtdm"), description="texture matrices at each")
    keep_levels: bool = Field(False, description="a feature per number of levels, in place of the mean over them")


class GaborRecipe(Settings):
    """A bank of Gabor filters, in plane."""

    scales: int = Field(5, ge=1, le=12, description="wavelengths, each the root of 2 longer than the last")
    orientations: int = Field(6, ge=1, le=36, description="directions over half a turn")
    wavelength: PositiveFloat = Field(3.0, description="shortest wavelength, voxels")
    keep_orientations: bool = Field(False, description="a feature per direction, in place of the mean over them")


class RadiomicsRecipe(Settings):
    """What to measure, and by whose definitions: pyradiomics 3.0.1's or the IBSI reference manual's."""

    standard: Literal["pyradiomics", "ibsi"] = Field(
        "pyradiomics", description="whose definitions hold where the two differ"
    )
    classes: tuple[str, ...] = ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
    bin_width: PositiveFloat | None = Field(None, description="width of a grey level, in the image's unit")
    bin_count: int | None = Field(None, ge=2, le=1024, description="number of grey levels, in place of a width")
    bin_origin: float | None = Field(
        None, description="where the first grey level begins (ibsi); by default the lowest intensity of the tumour"
    )
    aggregation: Literal["average", "merge"] = Field(
        "average", description="measure each direction and average, or merge the directions' matrices first"
    )
    force_2d: bool = Field(False, description="texture within slices only")
    slices: Literal["merge", "average"] = Field(
        "merge", description="texture within slices: merge the slices' matrices, or measure each slice and average"
    )
    largest_slice: bool = Field(False, description="also measure the slice where the tumour is largest, in 2D")
    filters: dict[str, dict[str, Any]] = Field({"Original": {}}, description="filters, with their settings")
    quantised: QuantisedRecipe | None = Field(None, description="texture after equal-probability quantisation")
    gabor: GaborRecipe | None = Field(None, description="responses of a bank of Gabor filters")
    stable_only: bool = Field(False, description="keep only features that a second outline would reproduce")
    names: tuple[str, ...] | None = Field(None, description="keep only these features")


Choice = float | int | str | bool | None | tuple[int, ...]


class SelectRecipe(Settings):
    """Which features reach the classifier, decided on training rows alone, in this order."""

    only: tuple[str, ...] | None = Field(None, description="a fixed list, such as the features found stable")
    correlation: float | None = Field(
        None, gt=0, lt=1, description="of two features whose Spearman correlation exceeds this, the later one goes"
    )
    method: Literal["none", "univariate", "rfe", "l1", "pca"] = Field(
        "none", description="univariate AUC, recursive elimination by a linear SVM, L1 penalty, principal components"
    )
    numbers: tuple[int, ...] = Field((5, 10, 20, 40, 80), description="features kept (univariate, rfe): searched")
    shares: tuple[float, ...] = Field((0.85, 0.9, 0.95, 0.99), description="variance kept (pca): searched")
    strengths: tuple[PositiveFloat, ...] = Field((0.1,), description="C of the SVM or the L1 penalty that selects")
    step: float = Field(0.1, gt=0, description="features eliminated at a time (rfe): a share of all, or a number")


class SearchRecipe(Settings):
    """What the inner cross-validation chooses among; the outer one never sees how."""

    folds: int = Field(5, ge=2, le=20, description="inner folds, stratified and grouped by patient")
    repeats: int = Field(1, ge=1, le=10, description="of the inner folds")
    candidates: int | None = Field(None, ge=1, description="try this many combinations, drawn at random; all if none")
    grid: tuple[dict[str, tuple[Choice, ...]], ...] = Field(
        (), description="settings of the classifier and their values; several grids where they exclude each other"
    )


class HarmoniseRecipe(Settings):
    """Removing site effects from features inside the training folds; off unless asked for."""

    method: Literal["none", "combat"] = "none"
    batch: str = Field("site", description="column of the site")
    covariates: tuple[str, ...] = Field((), description="numbers whose effect is kept; never the outcome")
    categorical: tuple[str, ...] = Field((), description="categories whose effect is kept; never the outcome")
    eb: bool = Field(True, description="shrink a site's estimates towards their mean over the features")
    parametric: bool = Field(True, description="normal and inverse gamma priors, or the features' own distribution")
    mean_only: bool = Field(False, description="correct locations, leave variances")
    reference: str | None = Field(None, description="site that the others are brought to")
    unseen: Literal["refuse", "nearest", "leave", "estimate"] = Field(
        "leave", description="sites not in training: an error, their protocol's sites, nothing, or from their own cases"
    )
    small: Literal["leave", "merge", "mean_only"] = Field("leave", description="training sites with too few cases")
    group_by: tuple[str, ...] = Field(
        (), validate_default=True, description="columns that name a protocol, the most important first"
    )
    at_least: int = Field(5, ge=5, description="training cases from which a site is harmonised")
    estimate_from: int = Field(5, ge=2, description="cases from which a new site is estimated, without their outcome")

    @field_validator("group_by")
    @classmethod
    def _check_group(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("unseen") == "nearest" and not value:
            raise ValueError("the nearest protocol group needs columns that name the protocol")
        return value


class ModelRecipe(Settings):
    """The classifier, everything that is fitted with it, and how it is validated."""

    kind: Literal["logistic", "svm", "rf", "extra", "mlp", "xgb", "average"] = Field(
        "logistic", description="average: the mean calibrated log odds of the members"
    )
    strength: PositiveFloat = Field(0.1, description="inverse of the L2 penalty (C) where no grid says otherwise")
    folds: int = Field(10, ge=2, le=50)
    repeats: int = Field(5, ge=1, le=20)
    resamples: int = Field(50, ge=0, le=1000, description="bootstrap refits kept for the interval")
    impute: Literal["median", "mean", "neighbours"] = Field("median", description="what stands in for missing values")
    select: SelectRecipe = SelectRecipe()
    scale: Literal["standard", "normal", "none"] = Field(
        "standard", description="mean 0 and standard deviation 1, or normal scores of the ranks"
    )
    balance: Literal["none", "weights", "over", "under", "smote"] = Field(
        "none", description="against unequal classes: weights, or resampling of the training rows"
    )
    calibrate: Literal["platt", "none"] = Field("platt", description="probabilities from inner held-out scores")
    search: SearchRecipe = SearchRecipe()
    members: tuple[ModelRecipe, ...] = Field((), description="models that are averaged")

    @model_validator(mode="after")
    def _check_members(self) -> Self:
        if (self.kind == "average") != bool(self.members):
            raise ValueError("an average has members, and nothing else has")
        if any(member.members for member in self.members):
            raise ValueError("a member cannot be an average itself")
        return self


def _is_absent(network: NetworkRecipe | None) -> bool:
    """Leave the network out of the JSON of a recipe without one, so that it reads as before there were any."""
    return network is None


class Recipe(Settings):
    """Everything between a case and its score."""

    name: str
    description: str = ""
    prep: PrepRecipe = PrepRecipe()
    features: RadiomicsRecipe | None = RadiomicsRecipe()
    harmonise: HarmoniseRecipe = HarmoniseRecipe()
    model: ModelRecipe = ModelRecipe()
    network: NetworkRecipe | None = Field(
        None, exclude_if=_is_absent, description="a network that scores pictures, or whose features `model` learns from"
    )
    comparator: str | None = Field(None, description="a simpler model of the library, always shown beside this one")

    @model_validator(mode="after")
    def _check_harmonise(self) -> Self:
        if self.network is not None and self.harmonise.method != "none":
            raise ValueError("site effects are removed from features, not from the pictures of a network")
        return self
