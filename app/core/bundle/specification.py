"""The content of `bundle.json`: what a model is, what it has seen, and what its answers mean."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from app.core.classify.formula import LogitFormula
from app.core.recipe import Recipe, Settings

SCHEMA = 1
SPECIFICATION = "bundle.json"
PIPELINE, RESAMPLES, EVALUATION, CARD = "pipeline.skops", "resamples.skops", "evaluation.json", "card.md"


class PipelineEstimator(Settings):
    """The model is the fitted classifier beside the specification."""

    kind: Literal["pipeline"] = "pipeline"


class Threshold(Settings):
    """An operating point, measured on predictions of held-out cases."""

    name: str
    threshold: float = Field(gt=0, lt=1)
    sensitivity: float
    specificity: float
    default: bool = False


class ConformalQuantiles(Settings):
    """Quantiles of 1 - p(true class) at an error rate."""

    error_rate: float
    negative: float
    positive: float


class TrainingSpace(Settings):
    """Where the training cases lie in the scaled space of the model's features.

    `centre`, `scale` : shape (features,); `axes` : orthonormal directions of the scaled features along which the cases
    vary most, shape (axes, features); `variances` : of the shrunk covariance along each, shape (axes,); `rest` : the
    same in every other direction; `limit` : distance that one held-out training case in 200 exceeds.
    """

    centre: tuple[float, ...]
    scale: tuple[float, ...]
    axes: tuple[tuple[float, ...], ...]
    variances: tuple[float, ...]
    rest: float
    limit: float


class Training(Settings):
    """What the model has seen, without a single identifier."""

    description: str
    counts: dict[str, int]
    prevalence: float = Field(gt=0, lt=1)
    ranges: dict[str, tuple[float, float]]
    sites: tuple[str, ...] = ()
    fold_digest: str = ""
    space: TrainingSpace | None = None


class Specification(Settings):
    """The content of `bundle.json`."""

    schema_version: Literal[1] = 1
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    version: str
    purpose: str
    demonstration: bool = False
    classes: tuple[str, str]
    recipe: Recipe
    features: tuple[str, ...]
    estimator: Annotated[LogitFormula | PipelineEstimator, Field(discriminator="kind")]
    training: Training
    thresholds: tuple[Threshold, ...]
    conformal: tuple[ConformalQuantiles, ...]
    deployment_prevalence: float | None = Field(None, gt=0, lt=1)
    comparator: str | None = None
    size: LogitFormula | None = Field(None, description="tumour volume alone, fitted on the same cases")
    standing_cautions: dict[str, str] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)
    digest: str = ""

    @property
    def default_threshold(self) -> Threshold:
        """The operating point used unless the user chooses another."""
        return next((point for point in self.thresholds if point.default), self.thresholds[0])
