"""Recipes of networks: what pictures are cut from a case, how they are varied, which network learns from them, how."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.core.settings import PositiveFloat, Settings

SMALLEST_DENSENET = 32
"""Pixels below which DenseNet has halved the picture away before its last layer."""


class CropRecipe(Settings):
    """Pictures of the tumour and what surrounds it, cut across the slices of one sequence."""

    set: Literal["largest_slice", "slices", "neighbours", "volume"] = Field(
        "largest_slice",
        description="where the tumour is largest; every slice with tumour; every slice with those before and after it "
        "as channels; or one volume",
    )
    sequence: str = Field("", description="which sequence, where a case has several")
    size: int = Field(128, ge=16, le=512, description="pixels of a side")
    depth: int = Field(32, ge=8, le=256, description="slices of a volume")
    margin_mm: float = Field(10.0, ge=0, le=200, description="around the tumour's box, mm")
    field_mm: PositiveFloat | None = Field(
        None, description="side of the picture, mm, the same for every case, so that size shows; else box and margin"
    )
    square: bool = Field(True, description="widen the shorter side instead of stretching it")
    scale: Literal["zscore", "percentile", "unit", "nyul"] = Field(
        "zscore",
        description="mean 0 and standard deviation 1; percentiles 1 to 99, or lowest to highest, to 0 to 1; the "
        "standard histogram of the preparation to 0 to 1: of all pictures of a case together",
    )
    channels: Literal[1, 3] = Field(1, description="3: the grey picture three times, or a slice and its neighbours")
    mask_channel: bool = Field(False, description="the outline as a further channel")
    smallest: float = Field(0.0, ge=0, lt=1, description="leave out slices with less than this share of the largest")
    most: int | None = Field(None, ge=1, description="at most so many slices of a case, evenly spaced")

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        if self.set == "neighbours" and self.channels != 3:
            raise ValueError("a slice and its two neighbours are 3 channels")
        return self

    @property
    def inputs(self) -> int:
        """Channels of a picture, the outline included."""
        return self.channels + self.mask_channel

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a picture: (channels, y, x), or (channels, z, y, x) of a volume."""
        plane = (self.size, self.size)
        return (self.inputs, self.depth, *plane) if self.set == "volume" else (self.inputs, *plane)


class AugmentRecipe(Settings):
    """Random variants of a training picture; each figure is the furthest, drawn evenly to both sides."""

    flip: Literal["none", "horizontal", "both"] = Field("both", description="mirrored half of the time along an axis")
    zoom: float = Field(0.15, ge=0, le=0.5, description="share of the size")
    rotate: float = Field(15.0, ge=0, le=180, description="degrees, in plane")
    shift: float = Field(0.1, ge=0, le=0.5, description="share of the side")
    noise: float = Field(0.05, ge=0, le=1, description="standard deviation, as a share of the picture's")
    gamma: float = Field(0.2, ge=0, le=2, description="logarithm of the exponent applied between darkest and brightest")
    share: float = Field(0.9, ge=0, le=1, description="of the pictures that are varied at all")


class PhaseRecipe(Settings):
    """A stretch of the training with some layers frozen."""

    unfreeze: Literal["head", "last", "all"] = Field(
        "all", description="the layers after the pooled features; also the last block before them; everything"
    )
    epochs: int = Field(20, ge=1, le=2000)
    rate: PositiveFloat = Field(1e-3, description="learning rate")


class FitRecipe(Settings):
    """How a network is trained; what stops it is watched on patients set aside from the training rows."""

    optimiser: Literal["adam", "adamw", "sgd"] = Field("adam", description="sgd has Nesterov momentum of 0.9")
    rate: PositiveFloat = Field(1e-3, description="learning rate, where there are no phases")
    earlier: float = Field(
        1.0, gt=0, le=1, description="learning rate of a block as a share of that of the block after it"
    )
    weight_decay: float = Field(0.0, ge=0, le=1)
    epochs: int = Field(100, ge=1, le=2000, description="at most, where there are no phases")
    phases: tuple[PhaseRecipe, ...] = Field((), description="one after the other, in place of `rate` and `epochs`")
    batch: int = Field(32, ge=2, le=1024, description="pictures; halved when memory runs out")
    watched: float = Field(0.2, ge=0, le=0.5, description="share of the training patients that are watched")
    plateau_patience: int = Field(10, ge=0, description="epochs without a lower watched loss until the rate falls")
    plateau_factor: float = Field(0.5, gt=0, lt=1, description="by which the rate then falls")
    stop_patience: int = Field(15, ge=1, description="epochs without a lower watched loss until training stops")
    imbalance: Literal["none", "weights", "oversample", "focal"] = Field(
        "weights", description="against unequal classes: in the loss, by drawing, or by the focal loss"
    )
    focal_gamma: float = Field(2.0, ge=0, le=5, description="how little the focal loss minds what is already right")
    mixed_precision: bool = Field(True, description="half precision where a CUDA device trains")


class NetworkRecipe(Settings):
    """A network, its pictures and its training."""

    kind: Literal["cnn-2019", "cnn-small", "resnet18", "resnet50", "densenet121", "resnet10-3d", "resnet18-3d"] = (
        "cnn-small"
    )
    use: Literal["score", "features"] = Field(
        "score", description="the network's own probability, or its pooled features for the recipe's `model`"
    )
    tune: bool = Field(
        True, description="train before features are taken; else they are those of the weights' file, and soon there"
    )
    weights: str | None = Field(
        None,
        description="file to start from (.pth, .safetensors), by its path or its name in the data folder's `weights`, "
        "or a saved model's folder",
    )
    weights_sha256: str = Field("", description="what the file must hash to, where it is known")
    weights_origin: str = Field("", description="who made the weights, and from what pictures")
    weights_licence: str = ""
    standardise: Literal["none", "imagenet"] = Field(
        "none", description="imagenet: pictures from 0 to 1 get the mean and deviation that its weights expect"
    )
    head: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
        (), description="units of dense blocks between the pooled features and the answer"
    )
    dropout: float = Field(0.5, ge=0, lt=1, description="share of features silenced while training")
    crop: CropRecipe = CropRecipe()
    augment: AugmentRecipe | None = AugmentRecipe()
    fit: FitRecipe = FitRecipe()
    aggregate: Literal["mean", "max"] = Field("mean", description="the slices' probabilities to the case's")
    copies: int = Field(1, ge=1, le=20, description="networks trained from different seeds")
    members: tuple[NetworkRecipe, ...] = Field((), description="other networks, asked about the same pictures")
    combine: Literal["mean", "majority"] = Field("mean", description="the answers of copies and members to one")
    views: int = Field(8, ge=0, le=64, description="varied pictures of a scored case, whose spread is shown")

    @model_validator(mode="after")
    def _check_pictures(self) -> Self:
        crop = self.crop
        if self.kind.endswith("-3d") != (crop.set == "volume"):
            raise ValueError(f"{self.kind} does not learn from the crops '{crop.set}'")
        if self.kind == "densenet121" and crop.size < SMALLEST_DENSENET:
            raise ValueError(f"{self.kind} needs pictures of at least {SMALLEST_DENSENET} pixels")
        if self.standardise == "imagenet" and (crop.channels != 3 or crop.scale == "zscore"):
            raise ValueError("ImageNet's weights expect 3 channels between 0 and 1")
        return self

    @model_validator(mode="after")
    def _check_members(self) -> Self:
        if any(member.members for member in self.members):
            raise ValueError("a member cannot have members itself")
        if any(member.crop != self.crop for member in self.members):
            raise ValueError("members look at the same pictures")
        if self.use == "features" and (self.members or self.copies > 1):
            raise ValueError("features come from one network")
        if not self.tune and (self.use != "features" or self.weights is None):
            raise ValueError("a network that is not trained gives features, and those of weights that were")
        return self
