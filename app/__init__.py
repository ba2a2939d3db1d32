"""LipoScope: reads an MRI and a tumour outline, says how likely the tumour is malignant and how far to trust it."""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec

__version__ = "0.1.0"

# pydicom and ants load an HTTP client to fetch samples, and loading it tries the network; an empty one tries nothing
sys.modules.setdefault("requests", module_from_spec(ModuleSpec("requests", None)))
