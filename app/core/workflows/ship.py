"""Making the models that ship: from published coefficients, and from the program's own phantom."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.core.bundle import Specification, write_bundle
from app.core.errors import InputError
from app.core.jobs import Report
from app.core.paths import program_folder
from app.core.recipe import Recipe
from app.core.workflows.demo import make_demo
from app.core.workflows.training import train

SEED = 2019
_COHORT = "cohort"


def ship_models(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write the shipped bundles anew.

    Parameters
    ----------
    request : dict
        `out`, the folder that holds the bundles; `jobs`, processes; `model`, the one that is wanted, where not all are.

    Returns
    -------
    dict
        `written`, the bundles' folders.

    Raises
    ------
    InputError
        No shipped model has the name.
    """
    out, jobs, wanted = Path(request["out"]), int(request.get("jobs", 1)), request.get("model")
    sources = {source.name: source for source in sorted(_sources().iterdir()) if source.is_dir()}
    phantoms = {settings["name"]: settings for settings in map(_read, sorted(_sources().glob("*.json")))}
    names = [*sources, *phantoms]
    if wanted and wanted not in names:
        raise InputError(f"No shipped model is named '{wanted}'; there are {', '.join(names)}.", "Choose one of these.")
    written = []
    with tempfile.TemporaryDirectory(prefix="liposcope-") as scratch:
        for name in [wanted] if wanted else names:
            report(0.0, f"Writing {name}")
            if name in sources:
                written.append(str(_from_coefficients(sources[name], out / name)))
            else:
                written.append(str(_from_phantom(phantoms[name], out, Path(scratch), jobs, report)))
    return {"written": written}


def _sources() -> Path:
    return program_folder() / "resources" / "shipped"


def _read(path: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return settings


def _from_coefficients(source: Path, folder: Path) -> Path:
    specification = Specification.parse(source / "specification.json")
    evaluation = json.loads((source / "evaluation.json").read_text(encoding="utf-8"))
    return write_bundle(folder, specification, (source / "card.md").read_text(encoding="utf-8"), evaluation).folder


def _from_phantom(settings: Mapping[str, Any], out: Path, scratch: Path, jobs: int, report: Report) -> Path:
    """Draw the cohort that the settings ask for, unless another model asked for the same, and train on it."""
    drawn = {"kind": "cohort", "signal": 1.0, "seed": SEED, **settings["cohort"]}
    cohort = scratch / f"{_COHORT}-{drawn['cases']}-{drawn['sites']}"
    if not (cohort / "cohort.csv").exists():
        make_demo({**drawn, "out": str(cohort), "jobs": jobs}, report)
    folder = out / str(settings["name"])
    train(
        {
            "table": str(cohort / "cohort.csv"),
            "label": "label",
            "positive": settings["positive"],
            "patient": "patient",
            "site": "site",
            "recipe": Recipe.parse(settings["recipe"]).model_dump(mode="json"),
            "out": str(folder),
            "seed": SEED,
            "jobs": jobs,
            "demonstration": True,
            "purpose": settings["purpose"],
        },
        report,
    )
    return folder
