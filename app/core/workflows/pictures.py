"""The pictures that a cohort's networks learn from: cut once from each case, beside the finished cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Prepared
from app.core.errors import InputError
from app.core.jobs import Report
from app.core.network_recipe import CropRecipe
from app.core.paths import data_folder
from app.core.recipe import PrepRecipe, Recipe
from app.core.requests import CaseFiles
from app.core.workflows.finished import PREPARED_BY, FinishedCases, default_cache, program_digest
from app.core.workflows.measuring import explain, lose_case
from app.core.workflows.parallel import run_each

if TYPE_CHECKING:
    import pandas as pd

CASE, OWNER = "case", "patient of the case"
"""Columns of a cohort's table that name each case as its pictures do, and its patient by a number."""
_CODE = (*PREPARED_BY, "app/core/network_recipe.py", "app/core/deep/crops.py")


def picture_folder() -> Path:
    """Where the pictures of every cohort lie."""
    return default_cache() / "pictures"


def training_folder() -> Path:
    """Where features of frozen networks, and states of trainings that no run keeps, lie."""
    return data_folder() / "cache" / "networks"


def cut_pictures(
    cases: Sequence[CaseFiles], recipes: Sequence[Recipe], report: Report, jobs: int
) -> list[dict[str, Any]]:
    """Cut the pictures of every case for every network, unless they lie there already.

    Parameters
    ----------
    cases : sequence of CaseFiles
    recipes : sequence of Recipe
        Those with a network.
    report : callable
        Told after each case; may raise `Cancelled`, which leaves the finished cases' pictures.
    jobs : int
        Processes.

    Returns
    -------
    list of dict
        For each case `keys`, what its pictures are called after for each recipe's name, or `error`, a sentence.
    """
    asked = {recipe.name: {"prep": recipe.prep.model_dump(mode="json"), "crop": _crop(recipe).model_dump(mode="json")}
             for recipe in recipes}  # fmt: skip
    program = program_digest(code=_CODE)
    requests = [{"case": files.model_dump(mode="json"), "asked": asked, "program": program} for files in cases]
    return run_each(cut_case, requests, jobs, report, "Cutting pictures of case", lost=lose_case)


def cut_case(request: dict[str, Any]) -> dict[str, Any]:
    """Cut one case's pictures; the work of a worker process.

    Parameters
    ----------
    request : dict
        `case`; `asked`, for each recipe's name its `prep` and `crop`; `program`.
    """
    from app.core.deep.crops import make_crops
    from app.core.deep.image_set import name_pictures, write_pictures
    from app.core.io.case import load_case
    from app.core.preprocess.chain import prepare

    files, keys = CaseFiles.parse(request["case"]), {}
    finished, known = FinishedCases(default_cache(), request["program"]), dict[str, Prepared]()
    try:
        for name, ask in request["asked"].items():
            prep, crop = PrepRecipe.parse(ask["prep"]), CropRecipe.parse(ask["crop"])
            key = keys[name] = finished.key(files, Recipe(name="pictures", prep=prep, features=None))
            folder = picture_folder() / name_pictures(key, crop)
            if (folder / "details.json").is_file():
                continue
            if key not in known:
                known[key] = prepare(load_case(files), prep)
            write_pictures(folder, make_crops(known[key], crop), crop)
    except Exception as error:  # noqa: BLE001 - whatever a case meets is told in its own row and ends no other
        return explain(error)
    return {"keys": keys}


def list_pictures(cut: Sequence[Mapping[str, Any]], recipes: Sequence[Recipe]) -> dict[str, Path]:
    """Write the index of each recipe's pictures; cases are called by their place.

    Parameters
    ----------
    cut : sequence of mapping
        From `cut_pictures`, without those that failed.
    recipes : sequence of Recipe

    Returns
    -------
    dict
        Path of the index by the recipe's name.
    """
    from app.core.deep.image_set import Source, build_image_set

    found = {}
    for recipe in recipes:
        sources = [Source(str(place), each["keys"][recipe.name], _gone) for place, each in enumerate(cut)]
        found[recipe.name] = build_image_set(picture_folder(), sources, _crop(recipe)).path
    return found


def name_cases(table: pd.DataFrame, patients: NDArray[Any]) -> pd.DataFrame:
    """Add the columns by which a network finds each row's pictures, and rows of one patient."""
    _, numbers = np.unique(patients, return_inverse=True)
    return table.assign(**{CASE: [str(place) for place in range(len(table))], OWNER: [f"p{each}" for each in numbers]})


def _crop(recipe: Recipe) -> CropRecipe:
    return recipe.network.crop if recipe.network else CropRecipe()


def _gone() -> Prepared:
    raise InputError("Pictures of a case are gone from the disk.", "Train again.")
