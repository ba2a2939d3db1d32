"""From a table's file to a frame of text, and from text to numbers, in every dialect that a spreadsheet writes."""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null",
            "#N/A", "#NAME?", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NULL!")
_NUMBER = r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?"
_PADDED = r"[+-]?0\d+"
_EXPECTED = "Choose a CSV, XLSX or Parquet table."
_PIECE = 2**20
MOST_COLUMNS, MOST_CELLS, MOST_SHEET_BYTES = 16_384, 20_000_000, 2**28
"""What a table may have: a damaged sheet announces billions of cells, and each would be made."""
_DAMAGED = (ValueError, OSError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError, SyntaxError,
            EOFError, RuntimeError, csv.Error, zlib.error, zipfile.BadZipFile)
"""What the libraries say of a damaged table; a sheet's XML that is none is a `SyntaxError`."""


def read_cells(path: Path) -> pd.DataFrame:
    """Read a table's cells: text from CSV and XLSX, the stored types from Parquet.

    Parameters
    ----------
    path : Path
        '.csv', '.tsv', '.xlsx' (first sheet) or '.parquet'.

    Returns
    -------
    pandas.DataFrame
        Empty cells are missing.

    Raises
    ------
    InputError
        It is no table.
    """
    import pandas as pd

    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        if path.suffix.lower() == ".xlsx":
            return pd.read_excel(_check_sheet(path), dtype=str, keep_default_na=False, na_values=[""])
        header, rows = _split(decode(path), path.name)
        if len(header) > MOST_COLUMNS:
            raise InputError(f"{path.name} has {len(header)} columns, up to {MOST_COLUMNS} are read.", _EXPECTED)
    except _DAMAGED as error:
        raise InputError(f"{path.name} cannot be read as a table.", _EXPECTED) from error
    frame = pd.DataFrame(rows, columns=header, dtype=object)
    return frame.mask(frame == "")


def _check_sheet(path: Path) -> io.BytesIO:
    """Unpack a spreadsheet to what it states and no further, and refuse one of more cells than a table has.

    Returns
    -------
    io.BytesIO
        The same, not compressed: a member that unpacks to more than it states is cut there.

    Raises
    ------
    InputError
        It is too large.
    """
    import openpyxl  # type: ignore[import-untyped]

    too_large = InputError(f"The sheet of {path.name} is larger than any table of cases; it may be damaged.", _EXPECTED)
    plain = io.BytesIO()
    with zipfile.ZipFile(path) as packed, zipfile.ZipFile(plain, "w") as unpacked:
        if sum(entry.file_size for entry in packed.infolist()) > MOST_SHEET_BYTES:
            raise too_large
        for entry in packed.infolist():
            with packed.open(entry) as source, unpacked.open(entry.filename, "w") as target:
                while piece := source.read(_PIECE):  # asked for as a whole, it would be unpacked as a whole
                    target.write(piece)
    book = openpyxl.load_workbook(plain, read_only=True, data_only=True)
    sheet, rows, width = book.worksheets[0], 0, 0
    sheet.reset_dimensions()
    for row in sheet.iter_rows(values_only=True):
        rows, width = rows + 1, max(width, len(row))
        if rows * width > MOST_CELLS:
            raise too_large
    plain.seek(0)
    return plain


def decode(path: Path) -> str:
    """Decode a text file: UTF-8, UTF-16 with its mark, or the Western code page that spreadsheets still write."""
    raw = path.read_bytes()
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def separator_of(line: str) -> str:
    """Find the separator: the one among comma, semicolon and tab that the line has most of, outside quotes."""
    bare = re.sub(r'"[^"]*"', "", line)
    return max(",;\t", key=bare.count)


def as_text(column: pd.Series) -> pd.Series:
    """Make ids and paths text: whole numbers without a fraction, white space cut, empty cells missing."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        whole = column.dropna().mod(1).eq(0).all()
        column = column.astype("Int64") if whole else column
    text = column.astype(object).where(column.notna(), "").map(lambda value: str(value).strip())
    return text.mask(text == "", None)


def as_numbers(column: pd.Series) -> pd.Series:
    """Turn text into numbers where every cell is one, with a decimal point or comma; '007' is an id and stays text."""
    import pandas as pd

    if not (pd.api.types.is_object_dtype(column) or pd.api.types.is_string_dtype(column)):
        return column
    text = column.astype(object).where(column.notna(), "").map(lambda value: str(value).strip())
    missing = text.isin(_MISSING)
    stated = text[~missing]
    if stated.empty or not stated.str.fullmatch(_NUMBER).all() or stated.str.fullmatch(_PADDED).any():
        return text.mask(missing, None)
    return pd.to_numeric(text.mask(missing, None).str.replace(",", ".", regex=False))


def _split(content: str, name: str) -> tuple[list[str], list[list[str]]]:
    first = next((line for line in content.splitlines() if line.strip()), "")
    rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=separator_of(first), skipinitialspace=True))
    while rows and not any(cell.strip() for cell in rows[0]):
        rows.pop(0)
    if not rows:
        raise InputError(f"The table {name} is empty.", _EXPECTED)
    header = [cell.strip() for cell in rows[0]]
    while header and not header[-1]:
        header.pop()
    width = len(header)
    for number, row in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in row[width:]):
            raise InputError(f"Row {number} of {name} has {len(row)} values, its header {width} columns.",
                             "Put values that hold the separator between quotes.")
    named = [cell or f"Unnamed: {number}" for number, cell in enumerate(header)]
    return named, [(row + [""] * width)[:width] for row in rows[1:]]
