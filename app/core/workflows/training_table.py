"""The table that a model is trained from: as it was chosen, or put together from a folder of cases and their labels."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.errors import CohortError, InputError
from app.core.io.identify import identify
from app.core.io.pairing import pair
from app.core.io.table import names_a_person, read_table
from app.core.io.tabulate import write_table
from app.core.paths import data_folder
from app.core.requests import CohortSource
from app.core.workflows.gathering import Gathered, gather_cases
from app.core.workflows.learning_columns import as_words
from app.core.workflows.measured_table import holds_images
from app.core.workflows.roles import MEASURED_WITH, read_roles, write_roles

if TYPE_CHECKING:
    import pandas as pd


def find_table(source: Path, labels: Path | None = None) -> Path:
    """Name the table that is learned from.

    Parameters
    ----------
    source : Path
        A table of features or of cases, or a folder of cases.
    labels : Path, optional
        A table that knows more about the same patients; its columns are put beside the source's.

    Returns
    -------
    Path
        The source itself, the one table in the folder, or a table written to the user's data folder.

    Raises
    ------
    InputError
        There is nothing, or no column of `labels` names the patients of the source.
    CohortError
        The folder holds no case.
    """
    if not source.exists():
        raise InputError(f"There is nothing at {source.name}.", "Choose the table or the folder again.")
    if source.is_dir():
        tables = pair(identify([source])).tables
        if len(tables) == 1 and labels is None:
            return Path(tables[0])
        found = gather_cases(CohortSource(source=str(source)))
        frame, roles, features = _list_cases(found), None, None
    elif labels is None:
        return source
    else:
        frame, roles = read_table(source), read_roles(source)
        features = None if roles is None else roles["feature"]
        if holds_images(frame) and roles is None:
            frame = _list_cases(gather_cases(CohortSource(source=str(source))))
    frame = frame if labels is None else _join(frame, read_table(labels), labels.name)
    frame = frame[[name for name in frame.columns if not names_a_person(str(name))]]
    digest = hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()
    target = data_folder() / "training" / "tables" / f"{source.stem}-{digest[:12]}.csv"
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_table(target, frame)
    if features is not None:
        write_roles(target, [str(name) for name in frame.columns], features, (roles or {}).get(MEASURED_WITH))
    return target


def _list_cases(found: Gathered) -> pd.DataFrame:
    """A row per case with an outline: its id, its files, what is known about it."""
    import pandas as pd

    several = found.sequences != ("image",)
    rows = []
    for place, case in enumerate(found.cases):
        if case.mask is None:
            continue
        images = {f"image_{name}" if several else "image": path for name, path in case.images.items()}
        known = found.frame.iloc[place].drop("patient", errors="ignore").to_dict()
        rows.append({"patient": case.id, **images, "mask": case.mask, **known})
    if not rows:
        raise CohortError("None of the cases has an outline.", [], "Put an outline beside each image.")
    return pd.DataFrame(rows)


def _join(frame: pd.DataFrame, more: pd.DataFrame, name: str) -> pd.DataFrame:
    """Put the columns of the second table beside the first's, by the ids that both have."""
    pairs = [
        (len(set(as_words(frame[left])) & set(as_words(more[right])) - {""}), left, right)
        for left in frame.columns
        for right in more.columns
        if len(set(as_words(more[right]))) == len(more)
    ]
    shared, left, right = max(pairs, default=(0, "", ""), key=lambda each: each[0])
    if shared < max(2, len(frame) // 2):
        raise InputError(
            f"No column of {name} names the patients of the cases.",
            "Give it a row per patient and a column with the same ids.",
        )
    own = more.drop(columns=[column for column in more.columns if column in frame.columns and column != right])
    own = own.assign(_key=as_words(own[right])).drop(columns=[right])
    return frame.assign(_key=as_words(frame[left])).merge(own, on="_key", how="left").drop(columns=["_key"])
