"""LipoScope: reads an MRI and a tumour outline, says how likely the tumour is malignant and how far to trust it."""

import os
import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec

__version__ = "0.1.0"

# ONNX Runtime reports to its makers once it is imported, unless it is told before
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# pydicom and ants load an HTTP client to fetch samples, and loading it tries the network; an empty one tries nothing
sys.modules.setdefault("requests", module_from_spec(ModuleSpec("requests", None)))
