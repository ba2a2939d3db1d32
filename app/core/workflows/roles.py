"""What the columns of a feature table are: kept beside it, so that only features are ever learned from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.core.errors import InputError
from app.core.files import write_atomically
from app.core.recipe import PrepRecipe, RadiomicsRecipe, Recipe
from app.core.requests import TrainRequest

MEASURED_WITH = "measured_with"
"""The entry that says how the features were measured: a recipe's `prep` and `features`."""
ACQUISITION_PREFIX = "acquisition_"
"""How the columns begin that say how an image was made."""


def roles_file(table: str | Path) -> Path:
    """Name the file of a table's roles: 'features.roles.json' for 'features.csv'."""
    table = Path(table)
    return table.with_name(f"{table.stem}.roles.json")


def write_roles(
    table: str | Path, columns: Sequence[str], features: Sequence[str], measured_with: dict[str, Any] | None = None
) -> Path:
    """Write what each column is.

    Parameters
    ----------
    table : path
        The feature table.
    columns : sequence of str
        All its columns.
    features : sequence of str
        Those that were measured on the image.
    measured_with : dict, optional
        How: `describe_measurement()`.

    Returns
    -------
    Path
        JSON: `patient`, `label` and `site` name a column each, where there is one; `metadata` and `feature` list the
        others; `measured_with` is as given.
    """
    measured = set(features)
    others = [name for name in columns if name not in measured]
    roles: dict[str, Any] = {role: role for role in ("patient", "label", "site") if role in others}
    roles["metadata"] = [name for name in others if name not in roles]
    roles["feature"] = list(features)
    roles |= {MEASURED_WITH: measured_with} if measured_with else {}
    path = roles_file(table)
    write_atomically(path, (json.dumps(roles, indent=1, ensure_ascii=False) + "\n").encode())
    return path


def read_roles(table: str | Path) -> dict[str, Any] | None:
    """Read what a table's columns are; None when nothing is kept beside it.

    Raises
    ------
    InputError
        The file beside it cannot be read.
    """
    path = roles_file(table)
    if not path.is_file():
        return None
    try:
        roles = json.loads(path.read_text(encoding="utf-8"))
        return {**roles, "feature": [str(name) for name in roles["feature"]]}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path.name}, which says what the columns of {Path(table).name} are, cannot be read.",
            "Write the table again with 'extract', or remove this file.",
        ) from error


def describe_measurement(recipe: Recipe) -> dict[str, Any]:
    """Put what a recipe does to images, and measures on them, as a table's roles keep it."""
    return recipe.model_dump(mode="json", include={"prep", "features"})


def learn_as_measured(ask: TrainRequest) -> tuple[TrainRequest, bool]:
    """Give the recipes of a run the settings that its table was measured with: a score must measure the same.

    Parameters
    ----------
    ask : TrainRequest

    Returns
    -------
    ask : TrainRequest
        Each recipe with the table's `prep` and `features`, of these only the names that it asks for itself.
    known : bool
        Whether the table says how it was measured; if not, the recipes are as they were.
    """
    kept = (read_roles(ask.table) or {}).get(MEASURED_WITH)
    if not isinstance(kept, dict) or not {"prep", "features"} <= kept.keys():
        return ask, False
    prep, features = PrepRecipe.parse(kept["prep"]), RadiomicsRecipe.parse(kept["features"] or {})
    recipes = [
        recipe
        if recipe.network and not recipe.features  # pictures are cut anew, whatever was measured
        else recipe.model_copy(
            update={
                "prep": prep,
                "features": features.model_copy(update={"names": recipe.features.names if recipe.features else None}),
            }
        )
        for recipe in ask.recipes
    ]
    return ask.model_copy(update={"recipes": recipes}), True
