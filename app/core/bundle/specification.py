"""The content of `bundle.json`: what a model is, what it has seen, and what its answers mean."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from app.core.classify.formula import LogitFormula
from app.core.recipe import Recipe, Settings

SCHEMA = 1
SPECIFICATION = "bundle.json"
PIPELINE, RESAMPLES, EVALUATION, CARD = "pipeline.skops", "resamples.skops", "evaluation.json", "card.md"
WEIGHTS = "weights.safetensors"
"""As `app.core.deep.weights` calls it, which is not imported here: it waits for torch."""


class PipelineEstimator(Settings):
    """The model is the fitted classifier beside the specification."""

    kind: Literal["pipeline"] = "pipeline"


class TensorShape(Settings):
    """What a tensor of the weights' file must be."""

    shape: tuple[int, ...]
    dtype: Literal["float32", "int64"] = "float32"


class TrainedNetwork(Settings):
    """One network of a model, and how its training went; `epoch` is the one whose weights are kept."""

    kind: str
    parameters: int = Field(ge=1)
    epochs: int | None = None
    epoch: int | None = None


class WeightsOrigin(Settings):
    """A file of weights that a training started from; `found` tells what of it fitted."""

    file: str
    sha256: str
    origin: str = ""
    licence: str = ""
    found: str = ""


class NetworkEstimator(Settings):
    """The model is one or several networks; their tensors lie beside the specification.

    `tensors` are those of the file, each named after its network's number and its own name there ("0/head.1.weight");
    `contract` says what the networks take and give, in the words of MONAI's bundles. `slope` and `intercept` lead from
    their joint score to log odds; there are none where the pipeline beside them answers, from pooled features.
    """

    kind: Literal["network"] = "network"
    networks: tuple[TrainedNetwork, ...] = Field(min_length=1)
    contract: dict[str, Any]
    tensors: dict[str, TensorShape]
    slope: float | None = None
    intercept: float | None = None
    device: str = Field("", description="that the networks were trained on")
    weights: tuple[WeightsOrigin, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """Of all networks together."""
        return sum(network.parameters for network in self.networks)


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
    """Where the training cases lie in the scaled space of the model's features, or of its networks' pooled features.

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
    estimator: Annotated[LogitFormula | PipelineEstimator | NetworkEstimator, Field(discriminator="kind")]
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
    def has_pipeline(self) -> bool:
        """Whether a fitted classifier lies beside the specification."""
        network = self.recipe.network
        return self.estimator.kind == "pipeline" or (
            self.estimator.kind == "network" and network is not None and network.use == "features"
        )

    @property
    def default_threshold(self) -> Threshold:
        """The operating point used unless the user chooses another."""
        return next((point for point in self.thresholds if point.default), self.thresholds[0])
