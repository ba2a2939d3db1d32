"""The audit of a run: what looking at every case would have shown, what chance alone shows, what was fitted on what.

Nothing made here can be saved as a model: functions return figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.classify.selection import Elimination, Univariate
from app.core.classify.tuned import TunedClassifier
from app.core.evaluate.audit import describe_naive, list_fits, naive_figure, permuted_figure
from app.core.evaluate.crossvalidate import OutOfFold
from app.core.evaluate.folds import Folds, make_folds
from app.core.harmonise.estimation import estimate_combat
from app.core.recipe import ModelRecipe, Recipe, SelectRecipe
from app.core.requests import TrainRequest
from app.core.workflows.course import expect_seconds
from app.core.workflows.making import make_model
from app.core.workflows.validating import Plan, Trial, Validated

NAIVE_FEATURES = 20
Array = NDArray[np.float64]
Labels = NDArray[np.int_]


def expect_audit(ask: TrainRequest, recipe: Recipe, plan: Plan) -> float:
    """How long the audit takes on a middling table, s."""
    return (ask.permutations + 1) * _folds_of_a_repeat(ask, plan) * expect_seconds(recipe)


def audit_model(trial: Trial, validated: Mapping[str, Validated], name: str, plan: Plan) -> dict[str, Any]:
    """Audit one model of a run.

    Returns
    -------
    dict
        `naive` (null of a network, which selects no features), `permuted`, and `fits` of every model: what was
        fitted, on how many rows of which fold.
    """
    chosen = validated[name]
    return {
        "naive": None if chosen.recipe.network else measure_naive(trial, chosen, plan),
        "permuted": measure_permuted(trial, chosen, plan),
        "fits": [
            {"model": title, **fit}
            for own, each in validated.items()
            for title, found in _all_fits(own, each).items()
            for fit in list_fits(found)
        ],
    }


def measure_naive(trial: Trial, validated: Validated, plan: Plan) -> dict[str, Any]:
    """Harmonise with the label as a covariate and select on the whole table, then cross-validate the classifier."""
    cohort, recipe = trial.cohort, validated.recipe
    folds = plan.folds
    if folds.scheme == "patients":
        folds = Folds(folds.splits[: folds.k], folds.k, 1)
    told = trial.course.follow(
        trial.runner, "audit, everything seen", len(folds.splits), expect_seconds(recipe)
    )
    naive = naive_figure(
        cohort.rows,
        cohort.labels,
        folds,
        partial(TunedClassifier, classifier_alone(recipe.model), random_state=trial.ask.seed),
        partial(harmonise_with_labels, sites=cohort.sites),
        partial(select_with_labels, recipe=recipe.model),
        cohort.patients,
        runner=told,
    )
    return describe_naive(validated.found, naive, harmonised=len(cohort.site_names) > 1)


def measure_permuted(trial: Trial, validated: Validated, plan: Plan) -> dict[str, Any]:
    """Run the whole pipeline under permuted labels, one repeat of new folds each."""
    ask, cohort, recipe = trial.ask, trial.cohort, validated.recipe
    k, found = _folds_of_a_repeat(ask, plan), validated.found
    own = plan.folds.scheme == "patients"
    observed = float(np.nanmean(found.aucs[:k])) if own else None
    rounds = ask.permutations + (0 if own else 1)
    told = trial.course.follow(
        trial.runner, "audit, permuted labels", rounds * k, expect_seconds(recipe)
    )
    return permuted_figure(
        make_model(recipe, cohort, ask),
        cohort.table,
        cohort.labels,
        cohort.patients,
        lambda labels: make_folds(labels, cohort.patients, k, 1, ask.seed),
        ask.permutations,
        np.random.default_rng(ask.seed),
        runner=told,
        observed=observed,
    ).json


def harmonise_with_labels(rows: Array, labels: Labels, sites: NDArray[Any] | None) -> Array:
    """ComBat on all rows with the outcome as its covariate; as measured where there are no two sites to tell apart.

    Rows without a site form one of their own. Where the label can be told from the site, it is no covariate.
    """
    if sites is None or len(set(sites.tolist()) - {""}) < 2:
        return rows
    names, design = sites.tolist(), labels[:, None].astype(float)
    try:
        return estimate_combat(rows, names, design).apply(rows, names, design)
    except ValueError:
        return estimate_combat(rows, names).apply(rows, names)


def select_with_labels(rows: Array, labels: Labels, recipe: ModelRecipe) -> Array:
    """Keep what looks best on all rows: by recursive elimination for a support vector machine, else one by one."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    number = min(NAIVE_FEATURES, rows.shape[1])
    select = Elimination(number) if recipe.kind == "svm" else Univariate(number)
    prepare = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    prepared = prepare.fit_transform(np.where(np.isfinite(rows), rows, np.nan))
    return np.asarray(select.fit(prepared, labels).transform(prepared))


def classifier_alone(recipe: ModelRecipe) -> ModelRecipe:
    """The recipe with every selection of features taken out."""
    members = tuple(classifier_alone(member) for member in recipe.members)
    return recipe.model_copy(update={"select": SelectRecipe(), "members": members})


def _all_fits(name: str, validated: Validated) -> dict[str, OutOfFold]:
    found = {
        name: validated.found,
        f"{name} unharmonised": validated.plain,
        f"{name} at new sites": validated.new_sites,
    }
    return {title: each for title, each in found.items() if each is not None}


def _folds_of_a_repeat(ask: TrainRequest, plan: Plan) -> int:
    return plan.folds.k if plan.folds.scheme == "patients" else (ask.folds or ask.recipe.model.folds)
