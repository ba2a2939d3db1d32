"""What stands beside the models: something simpler on the same folds, and what choosing among them is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from app.core.classify.clinical import build_clinical, code_clinical
from app.core.data import Caution
from app.core.evaluate.comparators import compare, describe_comparators, find_headline, run_comparators
from app.core.evaluate.crossvalidate import OutOfFold
from app.core.evaluate.folds import Folds
from app.core.evaluate.selection import correct_selection
from app.core.evaluate.sites import measure_new_sites
from app.core.requests import TrainRequest
from app.core.workflows.cohort import Cohort
from app.core.workflows.validating import Plan, Trial, Validated

NO_SIZE = Caution(
    "no_size", "No column holds the tumour's volume: whether the model does more than measure size is not known."
)


@dataclass(frozen=True, eq=False)
class Comparators:
    """Something simpler on the models' own folds, and on those of sites.

    Parameters
    ----------
    found, new_sites : mapping of str to OutOfFold
        By name; `new_sites` is empty where no sites were held out.
    """

    found: Mapping[str, OutOfFold]
    new_sites: Mapping[str, OutOfFold]

    @property
    def tell(self) -> bool:
        """Whether any of them looks at the case: the prevalence does not."""
        return set(self.found) != {"prevalence"}


def measure_comparators(trial: Trial, plan: Plan) -> Comparators:
    """Cross-validate volume, longest diameter, clinical variables, as far as they are known, and the prevalence."""
    cohort = trial.cohort
    sizes = {size.kind: size.values for size in cohort.sizes}
    others: dict[str, Any] = {}
    if cohort.clinical:
        rows, words = code_clinical(cohort.table[list(cohort.clinical)])
        others["clinical"] = (partial(build_clinical, words), rows)

    def run(folds: Folds) -> dict[str, OutOfFold]:
        return run_comparators(
            sizes, others, cohort.labels, folds, cohort.patients, lambda _done: trial.course.listen(), trial.runner
        )

    trial.course.say("Comparing with something simpler")
    return Comparators(run(plan.folds), {} if plan.site_folds is None else run(plan.site_folds))


def describe_beside(saved: OutOfFold, comparators: Comparators, cohort: Cohort) -> dict[str, Any]:
    """Every comparator and what the saved model adds to it; empty where none looks at the case."""
    if not comparators.tell:
        return {}
    told = describe_comparators(saved, comparators.found)
    for name, found in comparators.found.items():
        told[name]["out_of_fold"] = found.probabilities.T.tolist()
        if cohort.sites is not None and name in comparators.new_sites and name != "prevalence":
            told[name]["auc_new_site"] = measure_new_sites(comparators.new_sites[name], cohort.sites).json
    return told


def describe_headline(found: OutOfFold, comparators: Comparators) -> dict[str, Any]:
    """The difference from the best comparator, which leads, and from every one.

    Returns
    -------
    dict
        `headline` (comparator, mean, interval, p_value, sentence) and `differences`.
    """
    best = find_headline(found, comparators.found)
    return {
        "headline": {"comparator": best.comparator, **best.json, "sentence": best.sentence},
        "differences": {name: compare(found, other, name).json for name, other in comparators.found.items()},
    }


def choose_saved(ask: TrainRequest, validated: Mapping[str, Validated]) -> str:
    """Name the model that is saved: the one declared before the run, unless another was asked for."""
    if ask.save == "best":
        return max(validated, key=lambda name: validated[name].found.auc.value)
    return ask.save or ask.recipe.name


def describe_selection(ask: TrainRequest, validated: Mapping[str, Validated], saved: str) -> dict[str, Any] | None:
    """What choosing the saved model among several added by luck; None where there was no choice."""
    if len(validated) < 2:
        return None
    models = {name: each.found for name, each in validated.items()}
    return correct_selection(models, np.random.default_rng(ask.seed), saved, ask.recipe.name).json
