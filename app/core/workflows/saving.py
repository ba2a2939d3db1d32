"""The model that is saved: refitted on all cases, with its rules from predictions that no case had a part in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import app
from app.core.bundle import (
    Bundle,
    ConformalQuantiles,
    PipelineEstimator,
    Specification,
    Threshold,
    Training,
    TrainingSpace,
    write_bundle,
)
from app.core.bundle.card import write_card
from app.core.bundle.writing import pack
from app.core.classify.final import FinalRules, apply_rules, settle_rules
from app.core.classify.formula import LogitFormula, fit_formula
from app.core.classify.resampled import refit_resamples
from app.core.classify.tuned import TunedClassifier
from app.core.data import OperatingPoint
from app.core.evaluate.crossvalidate import OutOfFold
from app.core.evaluate.folds import Folds
from app.core.evaluate.space import measure_space
from app.core.harmonise.step import build_harmonisation
from app.core.recipe import ModelRecipe, Recipe
from app.core.requests import TrainRequest
from app.core.workflows.class_names import name_class
from app.core.workflows.cohort import Cohort
from app.core.workflows.cohort_problems import name_others

DEFAULT_POINT = "sensitivity 95%"
MOST_BYTES = 12 * 2**20
"""Of the refits on resamples together: a bundle stays below about 20 MB."""


def save_model(
    ask: TrainRequest, recipe: Recipe, cohort: Cohort, found: OutOfFold, result: Mapping[str, Any]
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

    Returns
    -------
    Bundle
        As it reads back, in the folder asked for.
    """
    rules = settle_rules(found, calibrate=recipe.model.calibrate == "platt")
    model = refit(ask, recipe, cohort)
    resamples = refit_resamples(
        model,
        model_rows(model, cohort),
        cohort.labels,
        cohort.patients,
        np.random.default_rng(ask.seed),
        lambda fit: len(pack(fit)),
        MOST_BYTES,
    )
    apply_rules(model, rules)
    specification = describe_model(ask, recipe, cohort, found.folds, rules, result)
    card = write_card(specification.model_dump(mode="json"), result)
    return write_bundle(
        Path(ask.out), specification, card, evaluation_of(ask, recipe, cohort, result), model, resamples
    )


def refit(ask: TrainRequest, recipe: Recipe, cohort: Cohort) -> TunedClassifier:
    """The recipe fitted on all cases: its search, and its harmonisation, see them all."""
    step = build_harmonisation(recipe.harmonise, cohort.features)
    model = TunedClassifier(recipe.model, cohort.features, step, ask.seed)
    return model.fit(cohort.table, cohort.labels, cohort.patients)


def model_rows(model: TunedClassifier, cohort: Cohort) -> Any:
    """The training rows after the model's harmonisation, shape (cases, features)."""
    first = getattr(model.fitted_, "members", [model.fitted_])[0]
    return first.steps[0][1].transform(cohort.table)


def describe_model(
    ask: TrainRequest, recipe: Recipe, cohort: Cohort, folds: Folds, rules: FinalRules, result: Mapping[str, Any]
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
        recipe=recipe,
        features=cohort.features,
        estimator=PipelineEstimator(),
        training=describe_training(cohort, folds, (negative, positive)),
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
        versions=describe_versions(recipe.model),
    )


def describe_versions(recipe: ModelRecipe) -> dict[str, str]:
    """What the model was fitted with."""
    kinds = [member.kind for member in recipe.members or (recipe,)]
    used = [name for kind, name in (("xgb", "xgboost"), ("mlp", "torch")) if kind in kinds]
    found = {name: str(import_module(name).__version__) for name in used}
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


def describe_training(cohort: Cohort, folds: Folds, classes: tuple[str, str]) -> Training:
    """What the model has seen, without a single identifier."""
    negatives, positives = (int((cohort.labels == label).sum()) for label in (0, 1))
    space = measure_space(cohort.rows, folds)
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
            centre=tuple(space.centre.tolist()),
            scale=tuple(space.scale.tolist()),
            axes=tuple(map(tuple, space.axes.tolist())),
            variances=tuple(space.variances.tolist()),
            rest=space.rest,
            limit=space.limit,
        ),
    )


def evaluation_of(ask: TrainRequest, recipe: Recipe, cohort: Cohort, result: Mapping[str, Any]) -> dict[str, Any]:
    """The run's result as it travels with the model: without a name of a case or of a place on this machine."""
    left_out = ("failed", "bundle")
    return {
        **{name: value for name, value in result.items() if name not in left_out},
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
