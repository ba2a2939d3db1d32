"""What a cohort's sites allow: their sizes, how they go with the label, and whether to harmonise, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.core.harmonise.design import as_word

if TYPE_CHECKING:
    import pandas as pd

AT_LEAST = 5
SIGNIFICANT = 0.05
NOT_STATED = "not stated"
# Spread of the sites' prevalence, as an SD of log odds, from which within-site figures matter; 1 was simulated.
IMBALANCED = 0.5


@dataclass(frozen=True)
class Advice:
    """What the sites of a cohort allow.

    Parameters
    ----------
    sizes : dict of str to int
        Cases of each site, the largest first.
    too_few : tuple of str
        Sites with fewer than `at_least` cases.
    at_least : int
        Cases that a site needs to be harmonised.
    test : str
        Name of the test of label against site; '' where there is nothing to test.
    p_value : float or None
        Of that test.
    cramers_v : float or None
        Association of label and site, corrected for the number of sites: 0 none, 1 complete.
    prevalence : dict of str to float
        Share of the positive class in each site with enough cases.
    imbalance : float or None
        Standard deviation of the sites' log odds beyond what chance explains; None without two sites of enough cases.
    affected : float or None
        Share of the features that differ between sites with enough cases (Kruskal-Wallis, false discovery rate 5 %).
    recommendation : str
        One sentence.
    cautions : tuple of str
        What else to know, a sentence each.
    """

    sizes: dict[str, int]
    too_few: tuple[str, ...]
    at_least: int
    test: str
    p_value: float | None
    cramers_v: float | None
    prevalence: dict[str, float]
    imbalance: float | None
    affected: float | None
    recommendation: str
    cautions: tuple[str, ...]

    @property
    def confounded(self) -> bool:
        """Whether label and site go together more than chance explains."""
        return self.p_value is not None and self.p_value < SIGNIFICANT


def advise(
    sites: Sequence[Any],
    labels: ArrayLike,
    table: pd.DataFrame | None = None,
    *,
    at_least: int = AT_LEAST,
    rng: np.random.Generator | None = None,
    resamples: int = 1999,
) -> Advice:
    """Look at the sites of a cohort before anything is learned.

    Parameters
    ----------
    sites : sequence, length cases
        Site of each case; None or '' where it is not stated.
    labels : array, shape (cases,)
        Class of each case; the larger value is the positive class.
    table : DataFrame, optional
        Features of the cases, to see how many differ between sites.
    at_least : int
        Cases that a site needs to be harmonised.
    rng : numpy.random.Generator, optional
        Draws the tables of the Monte Carlo test; a fixed one by default, so that advice does not change.
    resamples : int
        Tables drawn.

    Returns
    -------
    Advice

    References
    ----------
    Freeman and Halton 1951, 10.1093/biomet/38.1-2.141; Bergsma 2013, 10.1016/j.jkss.2012.10.002 (Cramér's V).
    """
    names = np.array([NOT_STATED if site is None or site != site or site == "" else as_word(site) for site in sites])
    classes, which = np.unique(np.asarray(labels), return_inverse=True)
    levels, place = np.unique(names, return_inverse=True)
    counts = np.zeros((len(levels), len(classes)), dtype=int)
    np.add.at(counts, (place, which), 1)
    totals = counts.sum(axis=1)
    large = np.flatnonzero((totals >= at_least) & (levels != NOT_STATED))
    p_value = cramers_v = None
    if min(counts.shape) > 1:
        p_value = _test_independence(counts, np.random.default_rng(0) if rng is None else rng, resamples)
        cramers_v = measure_association(counts)
    order = sorted(range(len(levels)), key=lambda index: (-totals[index], levels[index]))
    sizes = {str(levels[index]): int(totals[index]) for index in order}
    prevalence = {str(levels[index]): float(counts[index, -1] / totals[index]) for index in large}
    imbalance = _measure_imbalance(counts[large]) if len(large) > 1 and len(classes) > 1 else None
    members = np.isin(place, large)
    affected = None if table is None or len(large) < 2 else _share_affected(table[members], names[members])
    too_few = tuple(name for name, size in sizes.items() if size < at_least and name != NOT_STATED)
    advice = Advice(
        sizes, too_few, at_least, "Fisher-Freeman-Halton, Monte Carlo" if p_value is not None else "", p_value,
        cramers_v, prevalence, imbalance, affected, "", (),
    )  # fmt: skip
    return Advice(**{**vars(advice), "recommendation": _recommend(advice), "cautions": _caution(advice)})


def measure_association(counts: NDArray[np.int_]) -> float:
    """Cramér's V of a table of counts, shape (sites, classes), corrected for its size; 0 where nothing is left."""
    n, (rows, columns) = counts.sum(), counts.shape
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / n
    squared = float(((counts - expected) ** 2 / expected).sum() / n)
    excess = max(0.0, squared - (rows - 1) * (columns - 1) / (n - 1))
    rows_left, columns_left = rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)
    least = min(rows_left, columns_left) - 1
    return float(min(1.0, np.sqrt(excess / least))) if least > 0 else 0.0


def _test_independence(counts: NDArray[np.int_], rng: np.random.Generator, resamples: int) -> float:
    """Monte Carlo p of the Fisher-Freeman-Halton test: how often a table as unlikely arises from the same margins."""
    from scipy.special import gammaln
    from scipy.stats import random_table

    drawn = random_table(counts.sum(axis=1), counts.sum(axis=0), seed=rng).rvs(resamples)
    likelihoods = -gammaln(drawn + 1.0).sum(axis=(1, 2))
    found = float(-gammaln(counts + 1.0).sum())
    return float((1 + (likelihoods <= found + 1e-9).sum()) / (1 + resamples))


def _measure_imbalance(counts: NDArray[np.int_]) -> float:
    """SD of the sites' log odds, their sampling variance taken off."""
    positive, negative = counts[:, -1] + 0.5, counts[:, :-1].sum(axis=1) + 0.5
    spread = np.log(positive / negative).var(ddof=1) - (1 / positive + 1 / negative).mean()
    return float(np.sqrt(max(0.0, spread)))


def _share_affected(table: pd.DataFrame, names: NDArray[np.str_]) -> float | None:
    from scipy.stats import false_discovery_control, kruskal

    found = []
    for column in table.select_dtypes("number"):
        values = table[column].to_numpy(dtype=float)
        groups = [values[(names == name) & np.isfinite(values)] for name in np.unique(names)]
        groups = [group for group in groups if len(group)]
        if len(groups) > 1 and np.ptp(np.concatenate(groups)) > 0:
            found.append(float(kruskal(*groups).pvalue))
    return float((false_discovery_control(found) < 0.05).mean()) if found else None


def _recommend(advice: Advice) -> str:
    sites = [name for name in advice.sizes if name != NOT_STATED]
    large = len(sites) - len(advice.too_few)
    if len(sites) < 2:
        return "Do not harmonise: the cases come from one site." if sites else "Do not harmonise: no site is stated."
    if large < 2:
        return (
            f"Do not harmonise: {'one' if large else 'none'} of {len(sites)} sites has {advice.at_least} cases or "
            "more, and two are needed."
        )
    if advice.confounded:
        return (
            "Do not harmonise: label and site go together "
            f"(Cramér's V {advice.cramers_v:.2f}, p = {_told(advice.p_value)}), and removing the site would remove "
            "signal."
        )
    if advice.too_few:
        return (
            f"Leave harmonisation off, or try it for the {large} sites with {advice.at_least} cases or more, leave or "
            f"merge the smaller ones ({len(advice.too_few)}), and show it beside the result without it."
        )
    return (
        f"Leave harmonisation off unless it gains within the training folds: with {large} large sites it changed the "
        "AUC by less than 0.01 in simulations; show it beside the result without it."
    )


def _told(p_value: float | None) -> str:
    return "" if p_value is None else f"{p_value:.1g}" if p_value < 0.01 else f"{p_value:.2f}"


def _caution(advice: Advice) -> tuple[str, ...]:
    found = []
    if advice.too_few:
        found.append(
            f"{len(advice.too_few)} of {len(advice.sizes)} sites have fewer than {advice.at_least} cases; harmonising "
            "them one by one costs accuracy."
        )
    if NOT_STATED in advice.sizes:
        found.append(f"{advice.sizes[NOT_STATED]} cases state no site.")
    if advice.confounded or (advice.imbalance is not None and advice.imbalance >= IMBALANCED):
        low, high = min(advice.prevalence.values(), default=0.0), max(advice.prevalence.values(), default=0.0)
        between = f" ({low:.0%} to {high:.0%} in sites with enough cases)" if len(advice.prevalence) > 1 else ""
        found.append(
            f"Prevalence differs between sites{between}: cross-validation over patients can overstate the AUC at new "
            "sites; look at the AUC within held-out sites."
        )
    return tuple(found)
