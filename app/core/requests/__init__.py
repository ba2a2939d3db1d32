"""Requests: what a job is asked to do, as JSON that can be kept, shown and replayed."""

from app.core.requests.cases import (
    CaseFiles,
    DiametersRequest,
    ExplainRequest,
    IdentifyRequest,
    ScoreCohortRequest,
    ScoreRequest,
    ThumbnailsRequest,
    ViewRequest,
)
from app.core.requests.images import (
    BoxesRequest,
    ConvertRequest,
    CorrectCohortRequest,
    DemoRequest,
    LandmarksRequest,
    MeasureBiasRequest,
    N4Request,
    NormaliseRequest,
    PreviewBiasRequest,
)
from app.core.requests.learning import PreviewTrainingRequest, TrainRequest
from app.core.requests.models import EvaluateRequest, ExchangeRequest, FinishModelRequest, ResultsRequest
from app.core.requests.tables import (
    CohortSource,
    ExploreRequest,
    ExtractRequest,
    QualityRequest,
    StabilityRequest,
    TableRequest,
)

__all__ = [
    "BoxesRequest",
    "CaseFiles",
    "CohortSource",
    "ConvertRequest",
    "CorrectCohortRequest",
    "DemoRequest",
    "DiametersRequest",
    "EvaluateRequest",
    "ExchangeRequest",
    "ExplainRequest",
    "ExploreRequest",
    "ExtractRequest",
    "FinishModelRequest",
    "IdentifyRequest",
    "LandmarksRequest",
    "MeasureBiasRequest",
    "N4Request",
    "NormaliseRequest",
    "PreviewBiasRequest",
    "PreviewTrainingRequest",
    "QualityRequest",
    "ResultsRequest",
    "ScoreCohortRequest",
    "ScoreRequest",
    "StabilityRequest",
    "TableRequest",
    "ThumbnailsRequest",
    "TrainRequest",
    "ViewRequest",
]
