"""Writing tables: the same file whatever the machine's language, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.core.errors import InputError
from app.core.files import staged_file

if TYPE_CHECKING:
    import pandas as pd

TABLE_SUFFIXES = (".csv", ".tsv", ".xlsx", ".parquet")
_SHEET_COLUMNS, _SHEET_ROWS = 16_384, 1_048_576


def check_table_name(path: str | Path) -> None:
    """Refuse, before the work, a name that no table can be written to.

    Raises
    ------
    InputError
        The ending is no table's, or a folder of that name is there.
    """
    path = Path(path)
    if path.suffix.lower() not in TABLE_SUFFIXES:
        raise InputError(f"{path.name} ends in none of {', '.join(TABLE_SUFFIXES)}.", "Give the table such an ending.")
    if path.is_dir():
        raise InputError(f"{path.name} is a folder.", "Choose another name.")


def write_table(path: str | Path, frame: pd.DataFrame) -> None:
    """Write a table by its ending: decimal points, commas and UTF-8 in a CSV; numbers as numbers elsewhere.

    Parameters
    ----------
    path : str or Path
        '.csv', '.tsv', '.xlsx' or '.parquet'; replaced if it exists.
    frame : pandas.DataFrame
        Its index is not written; missing values become empty cells. Floats are written to the
        last bit, in a spreadsheet to sixteen figures.

    Raises
    ------
    InputError
        The name is no table's, or the table is too large for a spreadsheet.
    """
    path = Path(path)
    check_table_name(path)
    suffix = path.suffix.lower()
    if suffix == ".xlsx" and (frame.shape[1] > _SHEET_COLUMNS or frame.shape[0] >= _SHEET_ROWS):
        raise InputError(
            f"The table has {frame.shape[0]} rows and {frame.shape[1]} columns, a spreadsheet holds {_SHEET_ROWS} and "
            f"{_SHEET_COLUMNS}.",
            "Write .csv or .parquet.",
        )
    with staged_file(path) as stage:
        if suffix == ".xlsx":
            frame.to_excel(stage, index=False, engine="openpyxl")
        elif suffix == ".parquet":
            _plain(frame).to_parquet(stage, index=False)
        else:
            separator = "\t" if suffix == ".tsv" else ","
            frame.to_csv(stage, index=False, sep=separator, encoding="utf-8", lineterminator="\n")


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Make columns of several kinds text: a Parquet column has one."""
    mixed = {
        name: column.map(str, na_action="ignore")
        for name, column in frame.items()
        if column.dtype == object and column.dropna().map(type).nunique() > 1
    }
    return frame.assign(**{str(name): column for name, column in mixed.items()})
