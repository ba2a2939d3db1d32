"""The library of models: those shipped with the program and those of the user's data folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.core.bundle import Bundle, find_bundles
from app.core.errors import AppError, BundleError
from app.core.jobs import Report
from app.core.paths import data_folder, program_folder


def library_folders() -> list[Path]:
    """Where models are looked for: the user's own first, then the shipped ones."""
    return [data_folder() / "models", program_folder() / "models"]


def open_bundle(name: str) -> Bundle:
    """Load a model by its name in the library or by its folder.

    Raises
    ------
    BundleError
        No such model, or it does not verify.
    """
    return Bundle.load(find_bundle(name))


def find_bundle(name: str) -> Path:
    """Where a model lies, by its name in the library or by its folder.

    Raises
    ------
    BundleError
        There is no such model.
    """
    found = find_bundles(library_folders())
    if name in found:
        return found[name]
    if Path(name).is_dir():
        return Path(name)
    raise BundleError(
        f"There is no model '{name}'; the library has {', '.join(sorted(found)) or 'none'}.",
        "Choose one of these, or give a model's folder.",
    )


def list_models(_request: dict[str, Any], _report: Report) -> dict[str, Any]:
    """Every model of the library with its state of verification; demonstrations come last."""
    summaries = [_summary(name, folder) for name, folder in sorted(find_bundles(library_folders()).items())]
    return {"models": sorted(summaries, key=lambda model: bool(model.get("demonstration")))}


def _summary(name: str, folder: Path) -> dict[str, Any]:
    try:
        bundle = Bundle.load(folder)
    except BundleError as error:
        return {"name": name, "title": name, "verified": False, "problem": str(error)}
    specification = bundle.specification
    return {
        "name": name,
        "title": specification.title,
        "version": specification.version,
        "verified": True,
        "purpose": specification.purpose,
        "demonstration": specification.demonstration,
        "classes": list(specification.classes),
        "description": specification.training.description,
        "thresholds": [point.model_dump() for point in specification.thresholds],
        "error_rates": [each.error_rate for each in specification.conformal],
        "training": {"counts": specification.training.counts, "prevalence": specification.training.prevalence},
        "prep": specification.recipe.prep.model_dump(mode="json"),
        "auc": bundle.evaluation().get("auc"),
    }


def show_model(request: dict[str, Any], _report: Report) -> dict[str, Any]:
    """A model's card, specification and evaluation."""
    bundle = open_bundle(str(request["model"]))
    return {
        "name": bundle.specification.name,
        "card": bundle.card(),
        "evaluation": bundle.evaluation(),
        "specification": bundle.specification.model_dump(mode="json"),
    }


def verify_models(request: dict[str, Any], _report: Report) -> dict[str, Any]:
    """Check every byte of one model, or of all."""
    wanted = request.get("model")
    found = {str(wanted): find_bundle(str(wanted))} if wanted else find_bundles(library_folders())
    rows = []
    for name, folder in sorted(found.items()):
        try:
            bundle = Bundle.load(folder)
            if bundle.specification.estimator.kind == "pipeline":
                _ = bundle.pipeline, bundle.resamples
            rows.append({"name": name, "verified": True, "digest": bundle.specification.digest})
        except AppError as error:
            rows.append({"name": name, "verified": False, "problem": str(error)})
    return {"models": rows, "ok": all(row["verified"] for row in rows)}
