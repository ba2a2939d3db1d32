"""Covariates as columns of a design, and the refusal of those that give the outcome away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.errors import InputError, RecipeError

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
# A covariate that orders or sorts the classes this well stands for the outcome, whatever its name.
DETERMINES = 0.99


def learn_levels(table: pd.DataFrame, categorical: Sequence[str]) -> dict[str, list[str]]:
    """Levels of each categorical covariate in the training rows, in order; the first is the baseline."""
    return {name: sorted({word for word in words(table, name) if word}) for name in categorical}


def words(table: pd.DataFrame, name: str) -> list[str]:
    """A column as text, length rows; empty where it is missing, and everywhere when the column is."""
    if name not in table:
        return [""] * len(table)
    return ["" if missing else as_word(value) for value, missing in zip(table[name], table[name].isna(), strict=True)]


def as_word(value: Any) -> str:
    """Text of a table's cell; a column of numbers turns to floats when one is missing, and 3 and 3.0 stay one site."""
    whole = isinstance(value, (float, np.floating)) and float(value).is_integer()
    return str(int(value)) if whole else str(value).strip()


def build_design(table: pd.DataFrame, continuous: Sequence[str], levels: Mapping[str, Sequence[str]]) -> FloatArray:
    """Covariates as numbers.

    Parameters
    ----------
    table : DataFrame
        May lack columns: covariates of new cases are often unknown.
    continuous : sequence of str
        One column each.
    levels : mapping of str to sequence of str
        One column for each level of a categorical covariate but the first.

    Returns
    -------
    array, shape (rows, columns)
        NaN where the value is missing or the level was not seen in training.

    Raises
    ------
    InputError
        A continuous covariate holds text.
    """
    columns: list[FloatArray] = []
    for name in continuous:
        try:
            column = table[name].to_numpy(dtype=np.float64, na_value=np.nan) if name in table else None
        except (TypeError, ValueError) as error:
            raise InputError(
                f"The covariate '{name}' holds text where numbers are expected.", "Declare it categorical."
            ) from error
        columns.append(np.full(len(table), np.nan) if column is None else np.where(np.isfinite(column), column, np.nan))
    for name, known in levels.items():
        found = np.array(words(table, name), dtype=object)
        seen = np.isin(found, list(known))
        columns += [np.where(seen, (found == level).astype(np.float64), np.nan) for level in known[1:]]
    return np.column_stack(columns) if columns else np.empty((len(table), 0))


def refuse_outcome(
    table: pd.DataFrame,
    outcome: Any,
    continuous: Sequence[str],
    levels: Mapping[str, Sequence[str]],
    batches: Sequence[str],
) -> None:
    """Refuse covariates that determine the outcome, one by one, together, and within sites.

    Parameters
    ----------
    table : DataFrame
        Training rows.
    outcome : array, shape (rows,)
        Class of each row.
    continuous, levels
        As for `build_design`.
    batches : sequence of str, length rows
        Batch of each row; empty where a row is not harmonised.

    Raises
    ------
    RecipeError
        Names the covariates.

    Notes
    -----
    Keeping the effect of the outcome through harmonisation writes it into the features. One covariate is refused when
    it separates the classes (AUC of a number, or share of the commonest class within levels, of at least 0.99); several
    when the classes are linearly separable by them, when every combination of levels holds one class, or when the
    classes are a linear function of them within sites.
    """
    classes, labels = np.unique(np.asarray(outcome), return_inverse=True)
    if len(classes) < 2:
        return
    for place in range(len(classes) if len(classes) > 2 else 1):
        positive = labels == (place if len(classes) > 2 else 1)
        for name in continuous:
            if _ordering(build_design(table, [name], {})[:, 0], positive) >= DETERMINES:
                raise _refusal([name])
        for name in levels:
            if _purity(words(table, name), positive) >= DETERMINES:
                raise _refusal([name])
        names = [*continuous, *levels]
        if not names:
            continue
        crossed = ["|".join(parts) for parts in zip(*(words(table, name) for name in levels), strict=True)]
        if len(levels) > 1 and 2 * len(set(crossed)) <= len(crossed) and _purity(crossed, positive) >= DETERMINES:
            raise _refusal(list(levels))
        design = build_design(table, continuous, levels)
        design = np.where(np.isnan(design), np.nan_to_num(_column_means(design)), design)
        if _explained_within(design, positive, batches) >= DETERMINES or _separable(design, positive):
            raise _refusal(names)


def _refusal(names: Sequence[str]) -> RecipeError:
    told = ", ".join(f"'{name}'" for name in names)
    one = len(names) == 1
    return RecipeError(
        f"The covariate{'' if one else 's'} {told} determine{'s' if one else ''} the outcome of the training cases; "
        "keeping the effect through harmonisation would write the outcome into the features.",
        f"Leave {'it' if one else 'at least one of them'} out of the covariates.",
    )


def _column_means(design: FloatArray) -> FloatArray:
    known = np.isfinite(design)
    return np.asarray(np.where(known, design, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))


def _ordering(values: FloatArray, positive: NDArray[np.bool_]) -> float:
    """AUC of a number in its better direction, on the rows that have it; 0 where a class is missing."""
    from scipy.stats import rankdata

    known = np.isfinite(values)
    n, m = int((known & positive).sum()), int((known & ~positive).sum())
    if min(n, m) == 0:
        return 0.0
    area = float((rankdata(values[known])[positive[known]].sum() - n * (n + 1) / 2) / (n * m))
    return max(area, 1 - area)


def _purity(levels: Sequence[str], positive: NDArray[np.bool_]) -> float:
    """How much of each class is sorted by levels that hold mostly one: balanced share of the commonest class."""
    _, which = np.unique(np.array(levels, dtype=str), return_inverse=True)
    shares = np.stack([np.bincount(which, positive), np.bincount(which, ~positive)])
    shares = shares / shares.sum(axis=1, keepdims=True)
    return float(shares.max(axis=0).sum() / 2)


def _explained_within(design: FloatArray, positive: NDArray[np.bool_], batches: Sequence[str]) -> float:
    """Share of the outcome's variance within batches that the covariates explain linearly; 0 where none varies."""
    labels = np.array(batches, dtype=str)
    _, which = np.unique(labels[labels != ""], return_inverse=True)
    counts = np.bincount(which)[:, np.newaxis]
    both = np.column_stack([positive.astype(np.float64), design])[labels != ""]
    sums = np.zeros((len(counts), both.shape[1]))
    np.add.at(sums, which, both)
    centred = both - (sums / counts)[which]
    target, columns = centred[:, 0], centred[:, 1:]
    total = float(target @ target)
    if total < 1e-9:
        return 0.0
    residual = target - columns @ np.linalg.lstsq(columns, target, rcond=None)[0]
    return 1.0 - float(residual @ residual) / total


def _separable(design: FloatArray, positive: NDArray[np.bool_]) -> bool:
    """Whether a plane in the covariates' space has either class on its own side."""
    from scipy.optimize import linprog

    varying = design[:, np.ptp(design, axis=0) > 0]
    if not varying.shape[1]:
        return False
    scaled = (varying - varying.mean(axis=0)) / varying.std(axis=0)
    sign = np.where(positive, 1.0, -1.0)[:, np.newaxis]
    rows = -sign * np.hstack([scaled, np.ones((len(scaled), 1))])
    found = linprog(np.zeros(rows.shape[1]), A_ub=rows, b_ub=-np.ones(len(rows)), bounds=(None, None), method="highs")
    return bool(found.status == 0)
