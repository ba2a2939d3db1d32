"""Each feature alone against the label: AUC with its interval, Mann-Whitney test, and what many tests do to p values.

Everything here is in-sample: the best of many features is better here than it will be on other patients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.core.evaluate.delong import area_interval, measure_areas
from app.core.evaluate.variation import varies

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Univariate:
    """What each feature alone says about the label, shape (features,); NaN where it cannot be judged.

    Parameters
    ----------
    auc, low, high : array of float64
        Below one half where small values go with the positive class; the interval is of one feature chosen beforehand.
    p : array of float64
        Two-sided Mann-Whitney, as if this were the only feature.
    bonferroni : array of float64
        p times the number of features tested, 1 at most: chance of any such feature among unrelated ones.
    q : array of float64
        Benjamini and Hochberg's: the share of false ones expected among the features with a q up to this one's.
    cases : array of int, shape (features, 2)
        Cases of the other class and of the positive one in which the feature is known.
    """

    auc: Array
    low: Array
    high: Array
    p: Array
    bonferroni: Array
    q: Array
    cases: NDArray[np.int_]


def judge_features(rows: ArrayLike, labels: ArrayLike, level: float = 0.95) -> Univariate:
    """Judge each feature by itself.

    Parameters
    ----------
    rows : array, shape (cases, features)
        NaN where missing: a feature is judged on the cases that have it.
    labels : array, shape (cases,)
        1 for the positive class, 0 for the other.
    level : float
        Of the intervals of the AUCs.

    Returns
    -------
    Univariate
        NaN for a feature known in fewer than two cases of a class, or with one value only.

    References
    ----------
    Mann and Whitney 1947, 10.1214/aoms/1177730491. Benjamini and Hochberg 1995, 10.1111/j.2517-6161.1995.tb02031.x.
    """
    table, truth = np.asarray(rows, dtype=np.float64), np.asarray(labels) == 1
    known = np.isfinite(table)
    cases = np.stack([(known & (truth == side)[:, None]).sum(axis=0) for side in (False, True)], axis=1)
    found = np.full((3, table.shape[1]), np.nan)
    judged = (cases >= 2).all(axis=1) & varies(table)
    for pattern in np.unique(known[:, judged], axis=1).T:
        same = judged & (known == pattern[:, None]).all(axis=0)
        areas = measure_areas(truth[pattern], table[pattern][:, same])
        found[:, same] = np.stack([areas.values, *area_interval(areas, level)])
    p = _test(table, truth, judged)
    return Univariate(found[0], found[1], found[2], p, *adjust(p), cases)


def adjust(p: ArrayLike) -> tuple[Array, Array]:
    """Adjust p values for their number.

    Parameters
    ----------
    p : array, shape (tests,)
        NaN where no test was made; such tests do not count.

    Returns
    -------
    bonferroni, q : array, shape (tests,)
        By Bonferroni, and by Benjamini and Hochberg (the false discovery rate).
    """
    from scipy.stats import false_discovery_control

    values = np.asarray(p, dtype=np.float64)
    made = np.isfinite(values)
    q = np.full_like(values, np.nan)
    if made.any():
        q[made] = false_discovery_control(values[made])
    return np.minimum(values * made.sum(), 1.0), q


def _test(table: Array, truth: NDArray[np.bool_], judged: NDArray[np.bool_]) -> Array:
    from scipy.stats import mannwhitneyu

    p = np.full(table.shape[1], np.nan)
    for feature in np.flatnonzero(judged):
        column = table[:, feature]
        known = np.isfinite(column)
        p[feature] = mannwhitneyu(column[known & truth], column[known & ~truth]).pvalue
    return p
