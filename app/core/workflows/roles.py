"""What the columns of a feature table are: kept beside it, so that only features are ever learned from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.core.errors import InputError
from app.core.files import write_atomically

ACQUISITION_PREFIX = "acquisition_"
"""How the columns begin that say how an image was made."""


def roles_file(table: str | Path) -> Path:
    """Name the file of a table's roles: 'features.roles.json' for 'features.csv'."""
    table = Path(table)
    return table.with_name(f"{table.stem}.roles.json")


def write_roles(table: str | Path, columns: Sequence[str], features: Sequence[str]) -> Path:
    """Write what each column is.

    Parameters
    ----------
    table : path
        The feature table.
    columns : sequence of str
        All its columns.
    features : sequence of str
        Those that were measured on the image.

    Returns
    -------
    Path
        JSON: `patient`, `label` and `site` name a column each, where there is one; `metadata` and `feature` list the
        others.
    """
    measured = set(features)
    others = [name for name in columns if name not in measured]
    roles: dict[str, Any] = {role: role for role in ("patient", "label", "site") if role in others}
    roles["metadata"] = [name for name in others if name not in roles]
    roles["feature"] = list(features)
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
