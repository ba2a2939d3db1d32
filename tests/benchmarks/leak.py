"""Harmonising the whole table with the diagnosis as covariate, beside harmonising training rows only: AUC on noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from app.core.harmonise.combat import Combat, estimate_combat
from tests.benchmarks.timing import Row

CASES, FEATURES, SITES, COHORTS = 85, 92, 43, 24
NAMES = tuple(f"f{place}" for place in range(FEATURES))


def main() -> list[Row]:
    """Mean AUC of a linear SVM over cohorts without any signal, ten folds each."""
    figures: dict[str, list[float]] = {}
    for seed in range(COHORTS):
        table, labels = make_noise(seed)
        for name, area in measure(table, labels, seed).items():
            figures.setdefault(name, []).append(area)
    return [{"what": name, "cohorts": COHORTS, "auc": float(np.mean(areas)), "sd": float(np.std(areas, ddof=1)),
             "mc_error": float(np.std(areas, ddof=1) / np.sqrt(COHORTS))} for name, areas in figures.items()]


def make_noise(
    seed: int, cases: int = CASES, features: int = FEATURES, sites: int = SITES, even: float | None = None
) -> tuple[pd.DataFrame, np.ndarray]:
    """Cases of many sites, features of ten latent factors with shifts and scales per site, labels by lot.

    Parameters
    ----------
    seed, cases, features, sites : int
        40 % of the labels are positive.
    even : float, optional
        Concentration of the sizes of sites: below 1 a few hold most cases. By default all are equally likely.

    Returns
    -------
    table : DataFrame
        Columns f0, f1 ..., and `site`.
    labels : array of int, shape (cases,)
    """
    rng = np.random.default_rng(seed)
    share = None if even is None else rng.dirichlet(np.full(sites, even))
    own = np.concatenate([np.arange(sites), rng.choice(sites, cases - sites, p=share)])
    values = rng.normal(size=(cases, 10)) @ rng.normal(size=(10, features)) / np.sqrt(10)
    values = values + 0.5 * rng.normal(size=values.shape)
    values = values * rng.uniform(0.7, 1.4, (sites, features))[own] + rng.normal(size=(sites, features))[own]
    table = pd.DataFrame(values, columns=[f"f{place}" for place in range(features)])
    return table.assign(site=[f"s{site}" for site in own]), (rng.permutation(cases) < 0.4 * cases).astype(int)


def measure(table: pd.DataFrame, labels: np.ndarray, seed: int) -> dict[str, float]:
    """AUC of each way to harmonise, on the same folds."""
    values, design = table[list(NAMES)].to_numpy(), labels[:, np.newaxis].astype(float)
    counts = table.site.value_counts()
    merged = table.site.where(table.site.map(counts) > 1, "single")
    found = {"none": cross_validate(table, labels, seed, None)}
    for name, sites in (("naive, single-case sites merged", merged), ("naive, each site its own batch", table.site)):
        harmonised = table.copy()
        harmonised[list(NAMES)] = estimate_combat(values, sites, design).apply(values, sites, design)
        found[name] = cross_validate(harmonised, labels, seed, None)
    for small in ("leave", "merge"):
        combat = Combat(NAMES, unseen="leave", small=small)
        found[f"honest, small sites: {small}"] = cross_validate(table, labels, seed, combat)
    return found


def cross_validate(table: pd.DataFrame, labels: np.ndarray, seed: int, combat: Combat | None) -> float:
    """Mean AUC of a linear SVM within ten folds; the harmonisation, if any, is fitted on their training rows."""
    areas = []
    for train, test in StratifiedKFold(10, shuffle=True, random_state=seed).split(labels, labels):
        seen, unseen = (table[list(NAMES)].to_numpy()[rows] for rows in (train, test))
        if combat is not None:
            combat.fit(table.iloc[train], labels[train])
            seen, unseen = combat.transform(table.iloc[train]), combat.transform(table.iloc[test])
        model = make_pipeline(StandardScaler(), SVC(kernel="linear")).fit(seen, labels[train])
        areas.append(roc_auc_score(labels[test], model.decision_function(unseen)))
    return float(np.mean(areas))
