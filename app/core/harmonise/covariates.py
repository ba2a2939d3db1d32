"""Which covariates the training rows can carry; in a fold of a sound cohort some may not be, by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.errors import RecipeError
from app.core.harmonise.design import build_design, refuse_outcome

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Carried:
    """Covariates whose effect is kept, and the others.

    Parameters
    ----------
    continuous : tuple of str
    levels : mapping of str to sequence of str
        Of the categorical ones.
    left_out : mapping of str to str
        Why, as a clause: 'the training cases cannot tell it from the site'.
    """

    continuous: tuple[str, ...]
    levels: Mapping[str, Sequence[str]]
    left_out: Mapping[str, str]


def carry_covariates(
    table: pd.DataFrame,
    outcome: Any,
    continuous: Sequence[str],
    levels: Mapping[str, Sequence[str]],
    batches: Sequence[str],
) -> Carried:
    """Leave out covariates until the rest can be carried: each is kept only if it goes with those before it.

    Parameters
    ----------
    table, outcome, continuous, levels, batches
        As for `design.refuse_outcome`.

    Returns
    -------
    Carried
        What is kept neither determines the outcome nor is a function of the site.
    """
    if not _obstacle(table, outcome, continuous, levels, batches):
        return Carried(tuple(continuous), dict(levels), {})
    numbers: list[str] = []
    words: dict[str, Sequence[str]] = {}
    left_out: dict[str, str] = {}
    for name in (*continuous, *levels):
        wider = ([*numbers, name], words) if name in continuous else (numbers, {**words, name: levels[name]})
        reason = _obstacle(table, outcome, *wider, batches)
        if reason:
            left_out[name] = reason
        else:
            numbers, words = wider
    return Carried(tuple(numbers), words, left_out)


def _obstacle(
    table: pd.DataFrame,
    outcome: Any,
    continuous: Sequence[str],
    levels: Mapping[str, Sequence[str]],
    batches: Sequence[str],
) -> str:
    """Why these covariates cannot be kept together, or nothing."""
    harmonised = np.array(batches, dtype=object) != ""
    design = build_design(table[harmonised], continuous, levels)
    if design.shape[1] and design.size and is_collinear(design, np.array(batches, dtype=object)[harmonised]):
        return "the training cases cannot tell it from the site or from another covariate"
    if outcome is None:
        return ""
    try:
        refuse_outcome(table, outcome, continuous, levels, batches)
    except RecipeError:
        return "it determines the outcome of the training cases"
    return ""


def is_collinear(design: NDArray[np.float64], batches: NDArray[np.object_]) -> bool:
    """Whether batches and covariates, NaN counting as the column's mean, leave no single answer."""
    known = np.isfinite(design)
    mean = np.where(known, design, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    spread = np.where(known, design - mean, 0.0)
    members = (batches[:, np.newaxis] == np.unique(batches.astype(str))).astype(np.float64)
    full = np.hstack([members, spread])
    return bool(np.linalg.matrix_rank(full) < full.shape[1])
