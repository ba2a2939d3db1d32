"""The values that flow: frozen records, numpy only. World coordinates are RAS+ in mm, voxel order is the file's own."""

from app.core.data.cases import Acquisition, Case, FeatureRow, Identity, Prepared
from app.core.data.grids import Affine, Box, FloatArray, Geometry, Gridded, Mask, MaskArray, Volume
from app.core.data.remarks import Caution, TraceEntry
from app.core.data.scores import (
    Comparator,
    Contribution,
    LookedAt,
    NetworkFacts,
    OperatingPoint,
    Prevalence,
    Score,
)

__all__ = [
    "Acquisition",
    "Affine",
    "Box",
    "Case",
    "Caution",
    "Comparator",
    "Contribution",
    "FeatureRow",
    "FloatArray",
    "Geometry",
    "Gridded",
    "Identity",
    "LookedAt",
    "Mask",
    "MaskArray",
    "NetworkFacts",
    "OperatingPoint",
    "Prepared",
    "Prevalence",
    "Score",
    "TraceEntry",
    "Volume",
]
