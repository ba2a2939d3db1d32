"""A trained model as a directory of data, no code: `bundle.json` says everything, and every byte has its hash."""

from app.core.bundle.model import Bundle
from app.core.bundle.pictures import PictureModel
from app.core.bundle.predicting import Context, Harmonisation, Prediction, Seen, sigmoid
from app.core.bundle.specification import (
    CARD,
    EVALUATION,
    PIPELINE,
    RESAMPLES,
    SCHEMA,
    SPECIFICATION,
    WEIGHTS,
    ConformalQuantiles,
    NetworkEstimator,
    PipelineEstimator,
    Specification,
    TensorShape,
    Threshold,
    TrainedNetwork,
    Training,
    TrainingSpace,
    WeightsOrigin,
)
from app.core.bundle.tensors import describe_contract, describe_shapes, pack_tensors
from app.core.bundle.writing import check_target, find_bundles, write_bundle

__all__ = [
    "CARD",
    "EVALUATION",
    "PIPELINE",
    "RESAMPLES",
    "SCHEMA",
    "SPECIFICATION",
    "WEIGHTS",
    "Bundle",
    "ConformalQuantiles",
    "Context",
    "Harmonisation",
    "NetworkEstimator",
    "PictureModel",
    "PipelineEstimator",
    "Prediction",
    "Seen",
    "Specification",
    "TensorShape",
    "Threshold",
    "TrainedNetwork",
    "Training",
    "TrainingSpace",
    "WeightsOrigin",
    "check_target",
    "describe_contract",
    "describe_shapes",
    "find_bundles",
    "pack_tensors",
    "sigmoid",
    "write_bundle",
]
