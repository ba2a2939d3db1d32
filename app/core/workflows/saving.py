"""The model that is saved: refitted on all cases, with its rules from predictions that no case had a part in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import app
from app.core.bundle import (
    Bundle,
    ConformalQuantiles,
    NetworkEstimator,
    PipelineEstimator,
    Specification,
    Threshold,
    Training,
    TrainingSpace,
    write_bundle,
)
from app.core.bundle.card import write_card
from app.core.bundle.reading import sha256
from app.core.bundle.writing import pack
from app.core.classify.final import FinalRules, apply_rules, settle_rules
from app.core.classify.formula import LogitFormula, fit_formula
from app.core.classify.resampled import refit_resamples
from app.core.data import OperatingPoint
from app.core.evaluate.crossvalidate import OutOfFold
from app.core.evaluate.folds import Folds
from app.core.evaluate.space import measure_space
from app.core.jobs import Report
from app.core.recipe import Recipe
from app.core.requests import TrainRequest
from app.core.workflows.class_names import name_class
from app.core.workflows.cohort import Cohort
from app.core.workflows.cohort_problems import name_others
from app.core.workflows.making import make_model
from app.core.workflows.saving_networks import (
    describe_backbone,
    describe_networks,
    list_epochs,
    settle_features,
    shorten,
    without_places,
)

DEFAULT_POINT = "sensitivity 95%"
MOST_BYTES = 12 * 2**20
"""Of the refits on resamples together: a bundle stays below about 20 MB."""


def save_model(
    ask: TrainRequest,
    recipe: Recipe,
    cohort: Cohort,
    found: OutOfFold,
    result: Mapping[str, Any],
    report: Report | None = None,
) -> Bundle:
    """Refit a recipe on all cases, settle its final rules, and write the bundle.

    Parameters
    ----------
    ask : TrainRequest
    recipe : Recipe
        The one that is saved, primary or not.
    cohort : Cohort
    found : OutOfFold
        The recipe's held-out predictions. The final calibrator, thresholds and conformal quantiles come from all of
        them, see `app.core.classify.final`.
    result : mapping
        What the run found, as `train` returns it; kept in the bundle without the names of cases.
    report : callable, optional
        Told of a network's epochs; may raise `Cancelled`.

    Returns
    -------
    Bundle
        As it reads back, in the folder asked for.
    """
    calibrate = recipe.model.calibrate == "platt" or _answers_itself(recipe)
    rules = settle_rules(found, calibrate=calibrate)
    model = refit(ask, recipe, cohort, report)
    if _answers_itself(recipe):
        fitted = settle_network(model, cohort, rules)
    else:
        fitted = settle_pipeline(ask, model, cohort, rules)
    specification = describe_model(ask, recipe, cohort, found.folds, rules, result, fitted)
    weights = "" if fitted.weights is None else sha256(fitted.weights)
    card = write_card(specification.model_dump(mode="json"), result, weights)
    evaluation = evaluation_of(ask, recipe, cohort, result)
    if fitted.history:
        evaluation["networks"] = {"history": fitted.history}
    return write_bundle(
        Path(ask.out), specification, card, evaluation, fitted.pipeline, fitted.resamples, fitted.weights
    )


@dataclass(frozen=True, eq=False)
class Fitted:
    """A refitted model, taken apart for its bundle.

    Parameters
    ----------
    estimator : PipelineEstimator or NetworkEstimator
    features : tuple of str
        That its pipeline learned from.
    rows : array, shape (cases, features)
        Of the training cases: these features, or the pooled ones of networks that answer themselves.
    pipeline : fitted TunedClassifier or None
    resamples : sequence
    weights : bytes or None
    history : list
        Of each network, its epochs; empty where none was trained.
    """

    estimator: PipelineEstimator | NetworkEstimator
    features: tuple[str, ...]
    rows: NDArray[np.float64]
    pipeline: Any = None
    resamples: Sequence[Any] = ()
    weights: bytes | None = None
    history: Sequence[Any] = ()


def refit(ask: TrainRequest, recipe: Recipe, cohort: Cohort, report: Report | None = None) -> Any:
    """The recipe fitted on all cases: its search, its harmonisation and its networks see them all."""
    make = make_model(recipe, cohort, ask, f"{recipe.name}, final", report)
    return make().fit(cohort.table, cohort.labels, cohort.patients)


def settle_pipeline(ask: TrainRequest, model: Any, cohort: Cohort, rules: FinalRules) -> Fitted:
    """A refitted classifier with its refits on resamples and its final rules, in place."""
    rows = model_rows(model, cohort)
    rng = np.random.default_rng(ask.seed)
    resamples = refit_resamples(
        model, rows, cohort.labels, cohort.patients, rng, lambda fit: len(pack(fit)), MOST_BYTES
    )
    apply_rules(model, rules)
    if not hasattr(_first_step(model), "beside"):
        return Fitted(PipelineEstimator(), cohort.features, cohort.rows, model, resamples)
    step = settle_features(model)
    network = describe_backbone(step)
    names, epochs = tuple(map(str, step.names_)), list_epochs(getattr(step, "network_", None))
    return Fitted(network.estimator, names, rows, model, resamples, network.weights, epochs)


def settle_network(model: Any, cohort: Cohort, rules: FinalRules) -> Fitted:
    """Refitted networks that answer themselves, with their final rules."""
    apply_rules(model, rules)
    network = describe_networks(model)
    rows = model.embed(cohort.table)
    return Fitted(network.estimator, (), rows, weights=network.weights, history=list_epochs(model))


def model_rows(model: Any, cohort: Cohort) -> NDArray[np.float64]:
    """The training rows after the model's harmonisation, shape (cases, features)."""
    return np.asarray(_first_step(model).transform(cohort.table))


def _first_step(model: Any) -> Any:
    return getattr(model.fitted_, "members", [model.fitted_])[0].steps[0][1]


def _answers_itself(recipe: Recipe) -> bool:
    return recipe.network is not None and recipe.network.use == "score"


def describe_model(
    ask: TrainRequest,
    recipe: Recipe,
    cohort: Cohort,
    folds: Folds,
    rules: FinalRules,
    result: Mapping[str, Any],
    fitted: Fitted,
) -> Specification:
    """Everything about the model but its weights."""
    figures = result["models"][recipe.name]
    negative, positive = name_classes(ask, cohort)
    return Specification(
        name=name_model(Path(ask.out)),
        title=recipe.description or recipe.name,
        version="1",
        demonstration=ask.demonstration,
        purpose=ask.purpose or f"{positive} against {negative}, trained with LipoScope.",
        classes=(negative, positive),
        recipe=without_places(recipe),
        features=fitted.features,
        estimator=fitted.estimator,
        training=describe_training(cohort, folds, (negative, positive), fitted.rows),
        thresholds=tuple(
            Threshold(
                name=point.name,
                threshold=point.threshold,
                sensitivity=_held_out(figures, point, "sensitivity"),
                specificity=_held_out(figures, point, "specificity"),
                default=point.name == DEFAULT_POINT,
            )
            for point in rules.points
        ),
        conformal=tuple(
            ConformalQuantiles(error_rate=rate, negative=low, positive=high)
            for rate, (low, high) in rules.quantiles.items()
        ),
        comparator=recipe.comparator,
        size=fit_size(cohort),
        versions=describe_versions(recipe),
    )


def describe_versions(recipe: Recipe) -> dict[str, str]:
    """What the model was fitted with."""
    kinds = [] if _answers_itself(recipe) else [each.kind for each in recipe.model.members or (recipe.model,)]
    used = [name for kind, name in (("xgb", "xgboost"), ("mlp", "torch")) if kind in kinds]
    used += ["torch", "monai"] if recipe.network else []
    found = {name: str(import_module(name).__version__) for name in dict.fromkeys(used)}
    return {"liposcope": app.__version__, "scikit-learn": version("scikit-learn"), "numpy": version("numpy"), **found}


def _held_out(figures: Mapping[str, Any], point: OperatingPoint, name: str) -> float:
    """A share at an operating point on cases that did not choose the threshold; else on those that did."""
    measured = figures.get("points", {}).get(point.name, {}).get(name, {}).get("value")
    return float(getattr(point, name) if measured is None else measured)


def name_classes(ask: TrainRequest, cohort: Cohort) -> tuple[str, str]:
    """The classes as the model calls them: codes with the name of their column."""
    negative, positive = cohort.classes
    named = name_class(ask.label, positive)
    return name_others(named) if negative == name_others(positive) else name_class(ask.label, negative), named


def describe_training(
    cohort: Cohort, folds: Folds, classes: tuple[str, str], rows: NDArray[np.float64]
) -> Training:
    """What the model has seen, without a single identifier; `rows` are what new cases are held against."""
    negatives, positives = (int((cohort.labels == label).sum()) for label in (0, 1))
    space = measure_space(rows, folds)
    centre, scale, axes = space.centre, space.scale, space.axes
    if cohort.pictures:
        centre, scale, axes = shorten(centre), shorten(scale), shorten(axes)
    return Training(
        description=f"{len(cohort.labels)} cases, {len(set(cohort.patients.tolist()))} patients"
        + (f", {len(cohort.site_names)} sites" if cohort.site_names else ""),
        counts={classes[0]: negatives, classes[1]: positives},
        prevalence=positives / (positives + negatives),
        sites=cohort.site_names,
        fold_digest=folds.digest,
        ranges={
            name: (float(np.nanmin(column)), float(np.nanmax(column)))
            for name, column in zip(cohort.features, cohort.rows.T, strict=True)
            if np.isfinite(column).any()
        },
        space=TrainingSpace(
            centre=tuple(centre.tolist()),
            scale=tuple(scale.tolist()),
            axes=tuple(map(tuple, axes.tolist())),
            variances=tuple(space.variances.tolist()),
            rest=space.rest,
            limit=space.limit,
        ),
    )


def evaluation_of(ask: TrainRequest, recipe: Recipe, cohort: Cohort, result: Mapping[str, Any]) -> dict[str, Any]:
    """The run's result as it travels with the model: without a name of a case or of a place on this machine."""
    left_out = ("failed", "bundle")
    recipes = {name: without_places(Recipe.parse(each)) for name, each in (result.get("recipes") or {}).items()}
    return {
        **{name: value for name, value in result.items() if name not in left_out},
        "recipes": {name: each.model_dump(mode="json") for name, each in recipes.items()},
        "auc": result["models"][recipe.name]["auc"],
        "cases_failed": len(cohort.failed),
        "columns": {"label": ask.label, "patient": ask.patient, "site": ask.site},
    }


def fit_size(cohort: Cohort) -> LogitFormula | None:
    """Tumour volume alone, fitted on all cases, to stand beside every score.

    None where no positive volume is known, or none of one of the classes.
    """
    size = cohort.size("volume")
    if size is None or not size.is_absolute:
        return None
    known = np.isfinite(size.values)
    if len(np.unique(cohort.labels[known])) < 2:
        return None
    return fit_formula("volume_ml", size.values[known], cohort.labels[known])


def name_model(folder: Path) -> str:
    """The model's name from its folder's: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-") or "model"
