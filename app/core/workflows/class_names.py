"""Names of a model's classes: a bare code of a column, such as 1, is named with its column, 'metastasis = 1'."""

from __future__ import annotations

_IS = " = "


def name_class(column: str, value: str) -> str:
    """Name a label's value so that it is understood without its column.

    Parameters
    ----------
    column : str
        Of the label.
    value : str

    Returns
    -------
    str
        The value itself where it is a word, 'column = value' where it is a number.
    """
    return f"{column}{_IS}{value}" if _is_code(value) else value


def value_of(name: str) -> str:
    """The label's value that a class was named after: the inverse of `name_class`."""
    _, sign, value = name.rpartition(_IS)
    return value if sign and _is_code(value) else name


def _is_code(value: str) -> bool:
    return value.replace(".", "", 1).removeprefix("-").isdigit()
