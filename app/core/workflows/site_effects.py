"""What a cohort's sites mean for its models: advice on harmonising them, and how unequal they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.core.data import Caution
from app.core.evaluate.sites import measure_imbalance
from app.core.harmonise.advisor import advise
from app.core.workflows.cohort import Cohort


def describe_sites(cohort: Cohort, *, harmonised: bool) -> tuple[dict[str, Any], list[Caution]]:
    """Look at the sites before anything is learned.

    Parameters
    ----------
    cohort : Cohort
    harmonised : bool
        Whether a recipe of the run harmonises: it is then warned of label and site going together.

    Returns
    -------
    result : dict
        `advice` (fields of an `Advice`), `imbalance` (spread, p_value); empty without a site column or a second site.
    cautions : list of Caution
    """
    if cohort.sites is None or len(cohort.site_names) < 2:
        return {}, []
    found = advise(cohort.sites.tolist(), cohort.labels, cohort.table[list(cohort.features)])
    known = np.flatnonzero(cohort.sites != "")
    _, first = np.unique(cohort.patients[known], return_index=True)
    unequal = measure_imbalance(cohort.labels[known][first], cohort.sites[known][first])
    cautions = [unequal.caution] if unequal.caution else []
    if harmonised and found.confounded:
        cautions.append(Caution("site_confounded", found.recommendation))
    result = {"advice": dict(vars(found)), "imbalance": {"spread": unequal.spread, "p_value": unequal.p}}
    return result, cautions
