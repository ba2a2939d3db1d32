"""Our own feature classes, where pyradiomics has none: each is a module with one function, `measure`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from numpy.typing import NDArray

from app.core.data import Mask, Volume

# Classes of the outline, or of intensities that a filter would make meaningless: never measured on filtered images.
ORIGINAL_ONLY = frozenset({"shape", "shape2D", "morphology", "local", "diameters", "slices", "margin", "fat"})
OWN_CLASSES = {
    "morphology": "morphology",
    "local": "local_intensity",
    "statistics": "statistics",
    "histogram": "histogram",
    "ivh": "volume_histogram",
    "gldzm": "distance_zones",
    "ngldm": "dependence",
    "diameters": "diameters",
    "slices": "slice_sizes",
    "margin": "margin",
    "fat": "fat",
}


SETTINGS = {"morphology": ("counted",), "gldzm": ("gathering",), "ngldm": ("gathering",), "ivh": ("origin", "width")}
"""What a recipe can change in a class."""


def measure_family(name: str, volume: Volume, mask: Mask, levels: NDArray[Any] | None,
                   **settings: Any) -> dict[str, float]:
    """Measure one of our own classes.

    Parameters
    ----------
    name : str
        A key of `OWN_CLASSES`.
    volume, mask : Volume, Mask
        On one grid, shape (i, j, k), RAS+ mm.
    levels : array of int, shape (i, j, k), optional
        Grey levels from 1 inside the outline, 0 outside, for the classes that count them.
    **settings
        The class's own, as `SETTINGS` names them.

    Returns
    -------
    dict of str to float
        By the feature's name within its class; a feature that the outline does not allow is left out.
    """
    module = import_module(f"app.core.radiomics.{OWN_CLASSES[name]}")
    measured: dict[str, float] = module.measure(volume, mask, levels, **settings)
    return measured
