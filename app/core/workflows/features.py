"""What the models' features are: titles, units, definitions, and where the training cases lie."""

from __future__ import annotations

from typing import Any

from app.core.bundle import Bundle, find_bundles
from app.core.errors import BundleError
from app.core.jobs import Report
from app.core.radiomics.catalogue import describe
from app.core.workflows.models import library_folders


def describe_features(request: dict[str, Any], _report: Report) -> dict[str, Any]:
    """Describe the features of one model, or of every model of the library.

    Parameters
    ----------
    request : dict
        `model` (a name), or nothing for all.

    Returns
    -------
    dict
        `models`: by model's name, by feature's name: title, unit, ibsi, definition, training_range (low, high) or None.
    """
    wanted = request.get("model")
    described: dict[str, Any] = {}
    for name, folder in sorted(find_bundles(library_folders()).items()):
        if wanted not in (None, name):
            continue
        try:
            specification = Bundle.load(folder).specification
        except BundleError:
            continue  # the library says what is wrong with it
        described[name] = {
            feature: _describe(feature, specification.training.ranges.get(feature))
            for feature in specification.features
        }
    return {"models": described}


def _describe(name: str, limits: tuple[float, float] | None) -> dict[str, Any]:
    definition = describe(name)
    return {
        "title": definition.title,
        "unit": definition.unit,
        "ibsi": definition.ibsi,
        "definition": definition.definition,
        "training_range": list(limits) if limits else None,
    }
