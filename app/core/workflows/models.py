"""The library of models: those shipped with the program and those of the user's data folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.core.bundle import Bundle, find_bundles
from app.core.errors import AppError, BundleError
from app.core.files import sweep_folder, write_atomically
from app.core.jobs import Report
from app.core.paths import data_folder, program_folder

_IMPORTED = "imported models.json"


def library_folders() -> list[Path]:
    """Where models are looked for: the user's own first, then the shipped ones.

    A model that was being replaced when the program was killed is brought back here.
    """
    own = data_folder() / "models"
    sweep_folder(own)
    return [own, program_folder() / "models"]


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


def note_import(name: str, digest: str) -> None:
    """Remember that a model came from elsewhere."""
    known = {**_imported(), name: digest}
    write_atomically(data_folder() / _IMPORTED, (json.dumps(known, indent=1) + "\n").encode())


def _imported() -> dict[str, str]:
    try:
        known = json.loads((data_folder() / _IMPORTED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _home(folder: Path, digest: str) -> str:
    """Where a model comes from: 'shipped', 'imported' or 'own'."""
    if folder.is_relative_to(program_folder() / "models"):
        return "shipped"
    return "imported" if digest and _imported().get(folder.name) == digest else "own"


def _area(evaluation: dict[str, Any]) -> Any:
    """The AUC that a model is known by, and for whom it holds."""
    saved = (evaluation.get("models") or {}).get(evaluation.get("saved"))
    if not saved:
        return evaluation.get("auc")
    kept = {key: saved["auc"].get(key) for key in ("mean", "sd", "interval")}
    return {**kept, "kind": f"for {saved.get('target', 'new patients of the same sites')}"}


def _network(bundle: Bundle) -> dict[str, Any] | None:
    """The networks of a model: kinds, number, parameters; None where it has none."""
    estimator = bundle.specification.estimator
    if estimator.kind != "network":
        return None
    kinds = list(dict.fromkeys(network.kind for network in estimator.networks))
    return {"kind": ", ".join(kinds), "networks": len(estimator.networks), "parameters": estimator.parameters}


def _summary(name: str, folder: Path) -> dict[str, Any]:
    try:
        bundle = Bundle.load(folder)
    except BundleError as error:
        return {"name": name, "title": name, "verified": False, "problem": str(error), "home": _home(folder, "")}
    specification, evaluation = bundle.specification, bundle.evaluation()
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
        "network": _network(bundle),
        "auc": _area(evaluation),
        "home": _home(folder, specification.digest),
        "digest": specification.digest,
        "has_results": bool(evaluation.get("models")),
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
            bundle.read_all()
            rows.append({"name": name, "verified": True, "digest": bundle.specification.digest})
        except AppError as error:
            rows.append({"name": name, "verified": False, "problem": str(error)})
    return {"models": rows, "ok": all(row["verified"] for row in rows)}
