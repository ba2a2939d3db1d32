"""Which columns of a table are learned from, which only describe a case or its acquisition, which hold its size."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.io.table import names_a_person
from app.core.workflows.roles import ACQUISITION_PREFIX

if TYPE_CHECKING:
    import pandas as pd

METADATA = frozenset(
    {
        "patient",
        "image",
        "mask",
        "label",
        "site",
        "vendor",
        "manufacturer",
        "model",
        "field_strength",
        "split",
        "grade",
        "age",
        "sex",
        "location",
        "mask_ml",
        "histology",
    }
)
"""Columns that describe a case or its acquisition; they never become features by themselves."""
ROW_NAMES = re.compile(
    r"unnamed.*|index|row|id|fold|(patient|subject|case|study|scan)[ _-]?(id|name|number|nr|no)?", re.IGNORECASE
)
"""What numbers the rows; sorted by class, such a column gives the class away."""
DIAGNOSTICS = "diagnostics_"
"""Part of the names by which pyradiomics tells of versions, settings and the image itself."""
VOLUMES = ("volume_ml", "original_shape_VoxelVolume", "original_shape_MeshVolume")
DIAMETERS = ("longest_diameter_mm", "original_shape_Maximum3DDiameter")
CONTEXT = {"vendor": ("vendor", "manufacturer"), "field_strength": ("field_strength",)}
"""What is known of a scanner, and the columns that may say it, alone or after 'acquisition_...'."""


@dataclass(frozen=True, eq=False)
class Size:
    """The size of every tumour: `values`, shape (cases,), in ml or mm unless the column was standardised.

    Parameters
    ----------
    kind : str
        'volume' or 'longest_diameter'.
    column : str
        Where it was found.
    values : array of float64, shape (cases,)
        NaN where missing.
    """

    kind: str
    column: str
    values: NDArray[np.float64]

    @property
    def is_absolute(self) -> bool:
        """Whether every known value is positive: a standardised column ranks tumours and has no unit."""
        known = self.values[np.isfinite(self.values)]
        return bool(known.size and known.min() > 0)


def choose_features(
    frame: pd.DataFrame, roles: Mapping[str, Any] | None, taken: Collection[str], confirmed: Collection[str]
) -> tuple[str, ...]:
    """Name the columns that are learned from.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table.
    roles : mapping or None
        Where the columns' roles are known, they alone decide.
    taken : collection of str
        Columns with another part: label, patient, site, clinical, ignored.
    confirmed : collection of str
        Columns that the user declares to be features, whatever their names.
    """
    return tuple(
        str(name)
        for name in frame.columns
        if name not in taken
        and (name in confirmed or may_be_feature(str(name), roles))
        and (frame[name].dtype.kind in "fiu" or frame[name].isna().all())
    )


def may_be_feature(name: str, roles: Mapping[str, Any] | None) -> bool:
    """Whether a column may be learned from by its role, or where roles are not known by its name."""
    if roles is not None:
        return name in roles["feature"]
    return (
        name.lower() not in METADATA
        and not name.startswith(ACQUISITION_PREFIX)
        and DIAGNOSTICS not in name
        and not ROW_NAMES.fullmatch(name)
        and not names_a_person(name)
    )


def find_sizes(frame: pd.DataFrame) -> tuple[Size, ...]:
    """Volume and longest diameter of every tumour, as far as the table has them.

    Foreign tables give them as pyradiomics does, with any prefix: mm3 become ml unless they were standardised.
    """
    sizes = []
    for kind, endings in (("volume", VOLUMES), ("longest_diameter", DIAMETERS)):
        column = next((name for end in endings for name in _numeric(frame) if name.endswith(end)), None)
        if column is not None:
            size = Size(kind, column, frame[column].to_numpy(dtype=float, na_value=np.nan))
            foreign = kind == "volume" and not column.endswith(VOLUMES[0])
            sizes.append(Size(kind, column, size.values / 1000) if foreign and size.is_absolute else size)
    return tuple(sizes)


def _numeric(frame: pd.DataFrame) -> Iterable[str]:
    return (str(name) for name in frame.columns if frame[name].dtype.kind in "fiu")


def describe_context(frame: pd.DataFrame, site: str | None) -> dict[str, list[Any]]:
    """What is known of each case's scanner, under the names that harmonisation uses: site, vendor, field_strength."""
    context: dict[str, list[Any]] = {}
    if site:
        context["site"] = as_words(frame[site])
    for name, columns in CONTEXT.items():
        column = next((str(own) for wanted in columns for own in frame.columns if _says(str(own), wanted)), None)
        if column is not None and column != site:
            context[name] = cells_of(frame[column])
    return context


def _says(column: str, wanted: str) -> bool:
    return column.lower() == wanted or (column.startswith(ACQUISITION_PREFIX) and column.endswith(f"_{wanted}"))


def cells_of(column: pd.Series) -> list[Any]:
    """Numbers as floats, NaN where missing; words as text, None where missing."""
    if column.dtype.kind in "fiu":
        return list(column.to_numpy(dtype=float, na_value=np.nan).tolist())
    return [word or None for word in as_words(column)]


def as_words(column: pd.Series) -> list[str]:
    """Each cell as text, whole numbers without a fraction, empty where missing."""
    words = []
    for cell, missing in zip(column.tolist(), column.isna().tolist(), strict=True):
        whole = isinstance(cell, float) and np.isfinite(cell) and cell == int(cell)
        words.append("" if missing else str(int(cell) if whole else cell).strip())
    return words


def list_columns(names: Sequence[str], most: int = 6) -> str:
    """Name a few columns, and say how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
