"""Making the models that ship: from published coefficients, and from the program's own phantom."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from app.core.bundle import Specification, write_bundle
from app.core.jobs import Report
from app.core.paths import program_folder
from app.core.recipe import Recipe
from app.core.workflows.demo import make_demo
from app.core.workflows.training import train

CASES, SITES, SEED = 170, 43, 2019


def ship_models(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write every shipped bundle anew.

    Parameters
    ----------
    request : dict
        `out`, the folder that holds the bundles; `jobs`, processes.

    Returns
    -------
    dict
        `written`, the bundles' folders.
    """
    out, sources = Path(request["out"]), program_folder() / "resources" / "shipped"
    written = []
    for source in sorted(path for path in sources.iterdir() if (path / "specification.json").exists()):
        report(0.0, f"Writing {source.name}")
        written.append(str(_from_coefficients(source, out / source.name)))
    written.append(str(_from_phantom(sources / "phantom-demo.json", out, int(request.get("jobs", 1)), report)))
    return {"written": written}


def _from_coefficients(source: Path, folder: Path) -> Path:
    specification = Specification.parse(source / "specification.json")
    evaluation = json.loads((source / "evaluation.json").read_text(encoding="utf-8"))
    return write_bundle(folder, specification, (source / "card.md").read_text(encoding="utf-8"), evaluation).folder


def _from_phantom(settings: Path, out: Path, jobs: int, report: Report) -> Path:
    wanted = json.loads(settings.read_text(encoding="utf-8"))
    recipe = Recipe.parse(wanted["recipe"])
    with tempfile.TemporaryDirectory() as scratch:
        cohort = Path(scratch) / "cohort"
        make_demo(
            {
                "kind": "cohort",
                "out": str(cohort),
                "cases": CASES,
                "sites": SITES,
                "signal": 1.0,
                "seed": SEED,
                "jobs": jobs,
            },
            report,
        )
        train(
            {
                "table": str(cohort / "cohort.csv"),
                "label": "label",
                "positive": wanted["positive"],
                "patient": "patient",
                "site": "site",
                "recipe": recipe.model_dump(mode="json"),
                "out": str(out / wanted["name"]),
                "seed": SEED,
                "jobs": jobs,
                "demonstration": True,
                "purpose": wanted["purpose"],
            },
            report,
        )
    return out / str(wanted["name"])
