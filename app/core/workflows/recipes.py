"""Recipes by name: those the program ships and those the user keeps, each a JSON file named after itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from app.core.errors import InputError, RecipeError
from app.core.files import write_atomically
from app.core.jobs import Report
from app.core.paths import data_folder, program_folder
from app.core.radiomics.catalogue import feature_names
from app.core.radiomics.size import SIZE_NAMES
from app.core.recipe import Recipe
from app.core.settings import shorten

TITLES = {
    "cnn-2019": "Network of the 2019 study",
    "cnn-quick": "Quick network, to try whether all works",
    "cnn-small": "Small network",
    "creatis-2019": "CREATIS 2019",
    "creatis-2019-levels": "CREATIS 2019, every number of levels",
    "default": "Default",
    "ibsi": "IBSI",
    "lgg-shape": "Outline of low-grade glioma",
    "lipoma-2019": "Lipoma 2019, the whole study",
    "logistic": "Logistic regression",
    "mlp": "Dense network",
    "pyradiomics": "pyradiomics",
    "resnet3d": "ResNet-10 in three dimensions",
    "resnet50-2phase": "ResNet-50 in two phases",
    "resnet50-features-xgb": "Gradient boosting on features of ResNet-50",
    "rf": "Random forest",
    "svm-pca": "Support vector machine on principal components",
    "svm-rfe": "Support vector machine with feature elimination",
    "xgb": "Gradient boosting",
}
_NAME = re.compile(r"[^\W_][\w .+-]{0,79}")


def list_recipes(_request: dict[str, Any], _report: Report) -> dict[str, Any]:
    """List the shipped recipes and the user's own.

    Returns
    -------
    dict
        `recipes`: name, title, description, shipped, kind ('network' of pictures, 'model' where the file says how to
        learn from features, else 'features'), features (how many of one sequence; null where none can be measured) and
        the recipe itself; `problems`: name and message of own recipes that cannot be read.
    """
    recipes, problems = [], []
    for shipped, files in ((True, _files(_shipped_folder())), (False, _files(own_folder()))):
        for name, path in files.items():
            try:
                recipe = Recipe.parse(path)
            except RecipeError as error:
                problems.append({"name": name, "message": str(error)})
                continue
            recipes.append(
                {
                    "name": name,
                    "title": TITLES.get(name, name) if shipped else name,
                    "description": recipe.description,
                    "shipped": shipped,
                    "kind": _kind(recipe),
                    "features": _count_features(recipe),
                    "recipe": _settings(recipe),
                }
            )
    return {"recipes": recipes, "problems": problems}


def save_recipe(request: dict[str, Any], _report: Report) -> dict[str, Any]:
    """Keep, rename or delete one of the user's own recipes.

    Parameters
    ----------
    request : dict
        `recipe` (its name is the file's), `replaces` (the name of the own recipe whose place it takes, or null),
        `delete` (whether the recipe of that name goes instead).

    Returns
    -------
    dict
        `name`, `written` (the path; null after a deletion), and `features`, how many of one sequence.

    Raises
    ------
    InputError
        The name is a shipped recipe's, is taken, cannot name a file, or is nobody's.
    RecipeError
        The recipe asks for features that there are not.
    """
    recipe = Recipe.parse(request.get("recipe") or {})
    replaces, own = request.get("replaces"), _files(own_folder())
    _refuse_shipped(recipe.name)
    if request.get("delete"):
        path = own.get(recipe.name)
        if path is None:
            raise InputError(f"There is no own recipe called '{recipe.name}'.", "Choose one from the list.")
        path.unlink(missing_ok=True)
        return {"name": recipe.name, "written": None}
    if not _NAME.fullmatch(recipe.name) or recipe.name.endswith((".", " ")):
        raise InputError(
            f"'{shorten(recipe.name)}' cannot name a recipe.",
            "Use letters, figures, spaces, points, hyphens and underscores, and begin with a letter or a figure.",
        )
    taken = next((name for name in own if name.lower() == recipe.name.lower() and name != replaces), None)
    if taken:
        raise InputError(f"There is already a recipe called '{taken}'.", "Choose another name, or replace that one.")
    if recipe.features is not None:
        feature_names(recipe.features)  # refuses what could never be measured
    path = own_folder() / f"{recipe.name}.json"
    write_atomically(path, (json.dumps(_settings(recipe), indent=1, ensure_ascii=False) + "\n").encode())
    if replaces and replaces != recipe.name and replaces in own:
        _refuse_shipped(replaces)
        if own[replaces].resolve() != path.resolve():
            own[replaces].unlink(missing_ok=True)
    return {"name": recipe.name, "written": str(path), "features": _count_features(recipe)}


def find_recipe(name: str) -> Recipe:
    """Find a recipe: a shipped one or one's own by its name, or a JSON file.

    Raises
    ------
    InputError
        There is none; names those there are.
    RecipeError
        It does not validate.
    """
    known = {**_files(own_folder()), **_files(_shipped_folder())}
    path = known.get(name, Path(name))
    if path.is_file():
        return Recipe.parse(path)
    listed = ", ".join(known)
    raise InputError(f"There is no recipe '{name}'; there are {listed}.", "Choose one of these, or a JSON file.")


def own_folder() -> Path:
    """Where the user's own recipes lie; made when one is saved."""
    return data_folder() / "recipes"


def _shipped_folder() -> Path:
    return program_folder() / "resources" / "recipes"


def _kind(recipe: Recipe) -> str:
    if recipe.network is not None:
        return "network"
    return "model" if "model" in recipe.model_fields_set else "features"


def _count_features(recipe: Recipe) -> int | None:
    """Count what a recipe measures on one sequence, size included."""
    if recipe.features is None:
        return None
    if recipe.features.names is not None:
        return len(recipe.features.names)
    try:
        return len(SIZE_NAMES) + len(feature_names(recipe.features))
    except RecipeError:
        return None


def _settings(recipe: Recipe) -> dict[str, Any]:
    """Give a recipe as JSON; one that says nothing of learning stays so."""
    return recipe.model_dump(mode="json", exclude=None if "model" in recipe.model_fields_set else {"model"})


def _files(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.glob("[!.]*.json"))}


def _refuse_shipped(name: str) -> None:
    if name.lower() in (shipped.lower() for shipped in _files(_shipped_folder())):
        raise InputError(f"'{name}' is a recipe that the program ships.", "Save it under a name of your own.")
