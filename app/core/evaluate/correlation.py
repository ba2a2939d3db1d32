"""Correlations of features with each other and with one variable, on the cases that have both; order by likeness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.core.evaluate.variation import varies

Array = NDArray[np.float64]
Method = Literal["pearson", "spearman"]
FEWEST = 3
OPTIMAL_UP_TO = 2000
"""Features whose order is optimised; beyond, the tree's own order stands, because optimising takes minutes."""
ALIKE = 0.7
"""Features are drawn as one group where their mean |r| reaches this."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """Features by likeness.

    Parameters
    ----------
    order : array of int, shape (features,)
        Positions, alike ones side by side; features without any correlation come last.
    groups : array of int, shape (features,)
        For each place of that order, its group's number, from 0; -1 where there is no correlation.
    """

    order: NDArray[np.int_]
    groups: NDArray[np.int_]


def correlate(rows: ArrayLike, method: Method) -> Array:
    """Correlate every feature with every other.

    Parameters
    ----------
    rows : array, shape (cases, features)
        NaN where missing: each pair is correlated over the cases that have both, and for Spearman ranked among these.
    method : {'pearson', 'spearman'}
        Of values, or of ranks.

    Returns
    -------
    array of float64, shape (features, features)
        NaN for a pair with fewer than three common cases, or of which one does not vary there.
    """
    table = _varying(rows)
    if method == "pearson":
        return _pearson(table, table)
    known = np.isfinite(table)
    patterns, which = np.unique(known, axis=1, return_inverse=True)
    which = which.reshape(-1)
    found = np.full((table.shape[1],) * 2, np.nan)
    for first in range(patterns.shape[1]):
        for second in range(first, patterns.shape[1]):
            both = patterns[:, first] & patterns[:, second]
            if both.sum() >= FEWEST:
                left, right = np.flatnonzero(which == first), np.flatnonzero(which == second)
                block = _pearson(_rank(table[both][:, left]), _rank(table[both][:, right]))
                found[np.ix_(left, right)] = block
                found[np.ix_(right, left)] = block.T
    return found


def correlate_with(rows: ArrayLike, variable: ArrayLike, method: Method) -> Array:
    """Correlate every feature with one variable, over the cases that have both.

    Parameters
    ----------
    rows : array, shape (cases, features)
        NaN where missing.
    variable : array, shape (cases,)
        A label of 0 and 1 gives the point-biserial correlation (Pearson).
    method : {'pearson', 'spearman'}
        Of values, or of ranks.

    Returns
    -------
    array of float64, shape (features,)
        NaN as for `correlate`.
    """
    table, other = _varying(rows), np.asarray(variable, dtype=np.float64)
    known = np.isfinite(table) & np.isfinite(other)[:, None]
    found = np.full(table.shape[1], np.nan)
    for pattern in np.unique(known, axis=1).T:
        same = (known == pattern[:, None]).all(axis=0)
        left, right = table[pattern][:, same], other[pattern][:, None]
        if method == "spearman" and len(right):
            left, right = _rank(left), _rank(right)
        found[same] = _pearson(left, right)[:, 0]
    return found


def correlate_beyond(rows: ArrayLike, label: ArrayLike, held: ArrayLike) -> tuple[Array, Array]:
    """Correlate every feature with the label at equal values of a third variable: Spearman's partial correlation.

    Parameters
    ----------
    rows : array, shape (cases, features)
        NaN where missing.
    label : array, shape (cases,)
        For example 0 and 1.
    held : array, shape (cases,)
        What is held equal, as the tumour's volume; regressed, in ranks, out of the feature and of the label.

    Returns
    -------
    rho, p : array, shape (features,)
        NaN where the feature is fully determined by the variable held, where nothing varies, or with four cases or
        fewer. p is two-sided, from t with cases - 3 degrees of freedom.

    References
    ----------
    Conover, Practical Nonparametric Statistics, 3rd edition (1999), 5.4.
    """
    from scipy.stats import t

    table, truth = _varying(rows), np.asarray(label, dtype=np.float64)
    other = np.asarray(held, dtype=np.float64)
    known = np.isfinite(table) & (np.isfinite(truth) & np.isfinite(other))[:, None]
    cases = known.sum(axis=0)
    rho = np.full(table.shape[1], np.nan)
    for pattern in np.unique(known[:, cases > FEWEST + 1], axis=1).T:
        same = (known == pattern[:, None]).all(axis=0)
        features, outcome, size = (
            _rank(each[pattern].reshape(pattern.sum(), -1)) for each in (table[:, same], truth, other)
        )
        to_label, to_size = _pearson(features, outcome)[:, 0], _pearson(features, size)[:, 0]
        between = _pearson(outcome, size)[0, 0]
        left = (1 - to_size**2) * (1 - between**2)
        with np.errstate(invalid="ignore", divide="ignore"):
            rho[same] = np.where(left > 1e-9, (to_label - to_size * between) / np.sqrt(left), np.nan)
    rho = np.clip(rho, -1, 1)
    with np.errstate(divide="ignore"):
        p = 2 * t.sf(np.abs(rho) * np.sqrt(np.maximum(cases - 3, 1) / (1 - rho**2)), np.maximum(cases - 3, 1))
    return rho, p


def cluster(matrix: ArrayLike) -> Clusters:
    """Order features so that alike ones stand side by side.

    Parameters
    ----------
    matrix : array, shape (features, features)
        Correlations, of which the sign is ignored; a pair without one counts as unlike.

    Returns
    -------
    Clusters
        By average linkage of 1 - |r|; the leaves in the order of least distance between neighbours.

    References
    ----------
    Bar-Joseph, Gifford and Jaakkola, Bioinformatics 17 (2001), 10.1093/bioinformatics/17.suppl_1.S22.
    """
    from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
    from scipy.spatial.distance import squareform

    strengths = np.abs(np.asarray(matrix, dtype=np.float64))
    known = np.flatnonzero(np.isfinite(np.diag(strengths)))
    without = np.setdiff1d(np.arange(len(strengths)), known)
    if len(known) < 2:
        return Clusters(np.concatenate([known, without]), np.concatenate([known * 0, without * 0 - 1]))
    distance = np.clip(1 - np.nan_to_num(strengths[np.ix_(known, known)]), 0, 1)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=len(known) <= OPTIMAL_UP_TO)
    leaves = leaves_list(tree)
    flat = fcluster(tree, 1 - ALIKE, "distance")[leaves]
    starts = np.concatenate([[0], (np.diff(flat) != 0).cumsum()])
    return Clusters(np.concatenate([known[leaves], without]), np.concatenate([starts, np.full(len(without), -1)]))


def _varying(rows: ArrayLike) -> Array:
    """The table with NaN in place of features that do not vary."""
    table = np.asarray(rows, dtype=np.float64)
    return np.where(varies(table), table, np.nan)


def _rank(table: Array) -> Array:
    from scipy.stats import rankdata

    return np.asarray(rankdata(table, axis=0), dtype=np.float64)


def _pearson(left: Array, right: Array) -> Array:
    """Correlation of each column of one table with each of another, over the rows where both are finite."""
    if min(len(left), left.shape[1], right.shape[1]) == 0:
        return np.full((left.shape[1], right.shape[1]), np.nan)
    (x, known_x), (y, known_y) = _standardise(left), _standardise(right)
    if known_x.all() and known_y.all():  # no gaps: a sixth of the memory
        found = np.clip(x.T @ y / len(x), -1, 1)
        found[~x.any(axis=0)] = np.nan
        found[:, ~y.any(axis=0)] = np.nan
        return found if len(x) >= FEWEST else np.full_like(found, np.nan)
    cases = known_x.T @ known_y
    sum_x, sum_y = x.T @ known_y, known_x.T @ y
    with np.errstate(divide="ignore", invalid="ignore"):
        spread_x = (x**2).T @ known_y - sum_x**2 / cases
        spread_y = known_x.T @ y**2 - sum_y**2 / cases
        found = (x.T @ y - sum_x * sum_y / cases) / np.sqrt(spread_x * spread_y)
    defined = (cases >= FEWEST) & (spread_x > 1e-9) & (spread_y > 1e-9)
    return np.asarray(np.where(defined, np.clip(found, -1, 1), np.nan))


def _standardise(table: Array) -> tuple[Array, Array]:
    """Columns of mean 0 and spread 1 with 0 where missing, and 1 where known; a constant column is 0."""
    known = np.isfinite(table)
    counts = np.maximum(known.sum(axis=0), 1)
    scale = np.abs(np.where(known, table, 0)).max(axis=0)
    scaled = np.where(known, table, 0) / np.where(scale > 0, scale, 1)
    centred = np.where(known, scaled - scaled.sum(axis=0) / counts, 0)
    spread = np.sqrt((centred**2).sum(axis=0) / counts)
    return np.where(spread > 1e-9, centred / np.where(spread > 0, spread, 1), 0.0), known.astype(np.float64)
