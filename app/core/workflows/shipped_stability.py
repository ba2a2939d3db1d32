"""The marks of stability that ship with the catalogue, measured on the program's own phantom."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

from app.core.files import write_atomically
from app.core.jobs import Report
from app.core.paths import program_folder
from app.core.phantom.case import make_case
from app.core.phantom.cohort import write_case
from app.core.phantom.parameters import draw_parameters
from app.core.phantom.sites import make_sites
from app.core.recipe import RadiomicsRecipe, Recipe
from app.core.requests import CaseFiles
from app.core.workflows.stability import judge, measure_changes

CASES, SITES, SEED = 10, 43, 2019
MOST_ML = 150.0
"""Larger tumours take long, and hardly change with their outline: without them the marks are on the safe side."""


def ship_stability(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Measure every feature of the shipped recipes under changed outlines and write the catalogue's table anew.

    The phantom's first `cases` tumours of at most 150 ml are measured as `measure_stability` does it. A column that
    several recipes give, binned differently, gets the lowest of its figures.

    Parameters
    ----------
    request : dict
        `out`, the table (CSV: name, icc, low); `cases` and `seed`, by default those of the shipped table; `jobs`.
    report : callable
        Told after each case; may raise `Cancelled`, which writes nothing.

    Returns
    -------
    dict
        `written`, `cases`, `features` and `stable` (numbers).
    """
    jobs, seed = int(request.get("jobs", 1)), int(request.get("seed", SEED))
    folder = program_folder() / "resources" / "recipes"
    recipes = [Recipe.parse(path) for path in sorted(folder.glob("*.json"))]
    recipes = [recipe for recipe in recipes if recipe.network is None]
    lowest: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        cases = [_write(Path(scratch), index, seed) for index in islice(_small(seed), int(request.get("cases", CASES)))]
        for number, recipe in enumerate(recipes):
            for each in _measure(cases, recipe, jobs, _part(report, number, len(recipes), recipe.name)):
                known = lowest.setdefault(each["name"], each)
                if _rank(each) < _rank(known):
                    lowest[each["name"]] = each
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["name", "icc", "low"])
    table.writerows([each["name"], _rounded(each["icc_jitter"]), _rounded(each["low_jitter"])]
                    for each in lowest.values())
    write_atomically(request["out"], text.getvalue().encode())
    return {"written": [request["out"]], "cases": len(cases), "features": len(lowest),
            "stable": sum(each["stable"] for each in lowest.values())}


def _small(seed: int) -> Iterator[int]:
    """Number the phantom's tumours that are small enough."""
    return (index for index in count() if draw_parameters(index, seed=seed, signal=1.0).volume_ml <= MOST_ML)


def _write(folder: Path, index: int, seed: int) -> CaseFiles:
    case = make_case(index, seed=seed, signal=1.0, sites=make_sites(SITES, seed))
    written = write_case(folder / case.id, case)
    return CaseFiles(id=case.id, images={"image": written["image"]}, mask=written["mask"])


def _measure(cases: list[CaseFiles], recipe: Recipe, jobs: int, report: Report) -> list[dict[str, Any]]:
    every = (recipe.features or RadiomicsRecipe()).model_copy(update={"stable_only": False})
    answers = measure_changes(cases, recipe.model_copy(update={"features": every}), jobs, report)
    return judge([answer["columns"] for answer in answers if "columns" in answer])


def _rank(each: dict[str, Any]) -> float:
    """Order by the interval's lower end; what cannot be judged comes first."""
    return float("-inf") if each["low_jitter"] is None else float(each["low_jitter"])


def _rounded(figure: float | None) -> str:
    return "" if figure is None else f"{figure:.4f}"


def _part(report: Report, number: int, total: int, name: str) -> Report:
    def inner(fraction: float, message: str) -> None:
        report((number + fraction) / total, f"{name}: {message}")
    return inner
