"""A trained model as a directory of data, no code: `bundle.json` says everything, and every byte has its hash."""

from app.core.bundle.model import Bundle
from app.core.bundle.predicting import Context, Harmonisation, Prediction, sigmoid
from app.core.bundle.specification import (
    CARD,
    EVALUATION,
    PIPELINE,
    RESAMPLES,
    SCHEMA,
    SPECIFICATION,
    ConformalQuantiles,
    PipelineEstimator,
    Specification,
    Threshold,
    Training,
    TrainingSpace,
)
from app.core.bundle.writing import check_target, find_bundles, write_bundle

__all__ = [
    "CARD",
    "EVALUATION",
    "PIPELINE",
    "RESAMPLES",
    "SCHEMA",
    "SPECIFICATION",
    "Bundle",
    "ConformalQuantiles",
    "Context",
    "Harmonisation",
    "PipelineEstimator",
    "Prediction",
    "Specification",
    "Threshold",
    "Training",
    "TrainingSpace",
    "check_target",
    "find_bundles",
    "sigmoid",
    "write_bundle",
]
