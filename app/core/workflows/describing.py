"""A validated model in figures: what it is worth on patients, sites and subgroups that it had not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.audit import list_fits
from app.core.evaluate.comparators import compare
from app.core.evaluate.crossvalidate import OutOfFold
from app.core.evaluate.performance import measure_performance
from app.core.evaluate.sites import measure_new_sites
from app.core.evaluate.subgroups import measure_subgroups
from app.core.evaluate.utility import measure_utility
from app.core.workflows.cohort import Cohort
from app.core.workflows.pictures import CASE, OWNER
from app.core.workflows.saving import DEFAULT_POINT
from app.core.workflows.validating import Validated

MOST_LEVELS = 6
_SHARES = ("accuracy", "sensitivity", "specificity")


def describe_model(validated: Validated, cohort: Cohort) -> dict[str, Any]:
    """Put a model's held-out answers into figures.

    Returns
    -------
    dict
        As `measure_performance` gives it, with plain numbers for `brier` and at the default operating point;
        `auc_new_site` where sites were held out; `by_site`, `subgroups`, `decision_curve`; `unharmonised` where the
        recipe harmonises; `fits`; and `out_of_fold`, the probabilities of every repeat for each case.
    """
    found = validated.found
    figures = measure_performance(found)
    brier, point = figures["brier"], figures["points"][DEFAULT_POINT]
    fixed = found.folds.scheme == "fixed"
    told = {
        **figures,
        "target": "the test patients of the splits given" if fixed else "new patients of the same sites",
        "point": DEFAULT_POINT,
        **{name: point[name]["value"] for name in _SHARES},
        "threshold": point["threshold"]["mean"],
        "brier": brier["value"],
        "brier_interval": brier["interval"],
        "by_site": _lines(found, {"site": _sites(cohort)}) if cohort.site_names else [],
        "subgroups": _lines(found, find_subgroups(cohort)),
        "decision_curve": measure_utility(found).json,
        "harmonised": validated.recipe.harmonise.method != "none",
        "fits": list(list_fits(found, weights=True)),
        "out_of_fold": found.probabilities.T.tolist(),
    }
    if validated.new_sites is not None and cohort.sites is not None:
        told["auc_new_site"] = measure_new_sites(validated.new_sites, cohort.sites).json
    if validated.plain is not None:
        difference = compare(found, validated.plain, "the same model without harmonisation")
        told["unharmonised"] = {
            "auc": validated.plain.auc_summary(found.folds),
            "difference": {**difference.json, "sentence": difference.sentence},
        }
    return told


def find_subgroups(cohort: Cohort) -> dict[str, NDArray[Any]]:
    """Split the cases by what is known beside the features: by value, or above and up to the median.

    Columns with a value for nearly every case, such as names, say nothing.
    """
    groups: dict[str, NDArray[Any]] = {}
    for name in cohort.table.columns:
        if name in (*cohort.features, "site", CASE, OWNER):
            continue
        column = cohort.table[name]
        levels = column.dropna().unique()
        if 2 <= len(levels) <= MOST_LEVELS:
            groups[str(name)] = np.array([None if cell != cell else cell for cell in column.tolist()], dtype=object)
        elif column.dtype.kind in "iuf" and len(levels) > MOST_LEVELS:
            values = column.to_numpy(dtype=float)
            middle = float(np.nanmedian(values))
            words = np.where(values > middle, f"above {middle:g}", f"up to {middle:g}").astype(object)
            words[~np.isfinite(values)] = None
            groups[str(name)] = words
    return groups


def _sites(cohort: Cohort) -> NDArray[Any]:
    return np.array([site or None for site in ([] if cohort.sites is None else cohort.sites.tolist())], dtype=object)


def _lines(found: OutOfFold, variables: dict[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """A line for each level, without the one of the whole cohort."""
    return [each.json for each in measure_subgroups(found, variables)[1:]] if variables else []
