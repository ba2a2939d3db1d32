"""Training: a table of features, or of cases, to a validated and saved model."""

from __future__ import annotations

import re
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import app
from app.core.bundle import (
    Bundle,
    ConformalQuantiles,
    PipelineEstimator,
    Specification,
    Threshold,
    Training,
    TrainingSpace,
    check_target,
    write_bundle,
)
from app.core.classify.clinical import build_clinical, code_clinical
from app.core.classify.formula import LogitFormula, fit_formula
from app.core.classify.pipelines import bootstrap_fits, build_pipeline
from app.core.data import Caution
from app.core.errors import InputError
from app.core.evaluate.comparators import describe_comparators
from app.core.evaluate.conformal import class_quantiles
from app.core.evaluate.crossvalidate import OutOfFold, cross_validate
from app.core.evaluate.folds import Folds, make_folds, read_splits
from app.core.evaluate.metrics import auc, operating_points, summarise
from app.core.evaluate.space import measure_space
from app.core.jobs import Report
from app.core.recipe import Recipe
from app.core.report import write_card
from app.core.requests import TrainRequest
from app.core.workflows.cohort import Cohort, read_cohort

ERROR_RATES = (0.05, 0.1, 0.2)
DEFAULT_POINT = "sensitivity 95%"
NO_SIZE = Caution(
    "no_size", "No column holds the tumour's volume: whether the model does more than measure size is not known."
)


def train(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Extract if needed, cross-validate, compare with volume alone, refit on all cases, save.

    Parameters
    ----------
    request : dict
        A `TrainRequest`.

    Returns
    -------
    dict
        `models`, `comparators`, `folds`, `features`, `failed`, `cautions`, `bundle` (its folder).

    Raises
    ------
    CohortError
        The table cannot be learned from.
    InputError
        `out` holds something that is no model.
    """
    ask = TrainRequest.parse(request)
    if ask.audit or len(ask.recipes) > 1 or ask.harmonise is not None or ask.recipe.model.kind != "logistic":
        raise InputError(
            "One logistic recipe is trained at a time, without harmonisation and without an audit.",
            "Ask for the recipe 'logistic'.",
        )
    recipe = ask.recipe
    check_target(Path(ask.out))
    cohort = read_cohort(ask, partial(_share, report, 0.0, 0.7))
    report(0.7, f"Learning from {len(cohort.features)} features: {', '.join(cohort.features)}")
    folds = choose_folds(ask, cohort)
    total = len(folds.splits)
    out_of_fold = cross_validate(
        partial(build_pipeline, recipe.model),
        cohort.rows,
        cohort.labels,
        folds,
        lambda done: report(0.7 + 0.2 * done / total, f"Fold {done} of {total}"),
    )
    comparators = compare_with_size(cohort, folds, out_of_fold, recipe) | compare_with_clinical(
        cohort, folds, out_of_fold
    )
    cautions = [*cohort.cautions, *fewer_folds(recipe, folds), *([] if cohort.size("volume") else [NO_SIZE])]
    report(0.9, "Fitting the final model")
    result = {
        "models": {recipe.name: evaluate(cohort, folds, out_of_fold)},
        "comparators": comparators,
        "folds": {"digest": folds.digest, "k": folds.k, "repeats": folds.repeats},
        "features": list(cohort.features),
        "held_out": [each.as_json() for each in cohort.held_out],
        "failed": list(cohort.failed),
        "cautions": [{"code": each.code, "message": each.message} for each in cautions],
    }
    bundle = save(ask, cohort, folds, out_of_fold, result)
    report(1.0, "Done")
    return {**result, "bundle": str(bundle.folder)}


def _share(report: Report, low: float, high: float, fraction: float, message: str) -> None:
    report(low + (high - low) * fraction, message)


def choose_folds(ask: TrainRequest, cohort: Cohort) -> Folds:
    """The splits of a file, or repeated folds by patient, never more than the rarer class has two patients for."""
    if ask.splits:
        return read_splits(ask.splits, cohort.labels, cohort.patients)
    model = ask.recipe.model
    return make_folds(cohort.labels, cohort.patients, min(model.folds, cohort.most_folds), model.repeats, ask.seed)


def held_out_answers(out_of_fold: OutOfFold) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    """Rows and their probabilities: the first repeat's, or of splits that test some rows only, every answer."""
    tested = out_of_fold.tested[:1] if out_of_fold.tested[0].all() else out_of_fold.tested
    repeats, rows = np.nonzero(tested)
    return rows, out_of_fold.probabilities[repeats, rows]


def compare_with_size(cohort: Cohort, folds: Folds, out_of_fold: OutOfFold, recipe: Recipe) -> dict[str, Any]:
    """Tumour volume alone (logistic on its logarithm) on the same folds, and what the model adds to it.

    Foreign tables give the volume as pyradiomics names it, with any prefix. Where a volume is not positive the column
    was standardised, and serves as it is.
    """
    size = cohort.size("volume")
    if size is None:
        return {}
    volume = size.values[:, np.newaxis]
    volume = np.log10(volume) if size.is_absolute else volume
    alone = cross_validate(partial(build_pipeline, recipe.model), volume, cohort.labels, folds, lambda _done: None)
    return describe_comparators(out_of_fold, {"volume": alone})


def compare_with_clinical(cohort: Cohort, folds: Folds, out_of_fold: OutOfFold) -> dict[str, Any]:
    """The clinical variables alone (logistic) on the same folds; nothing where none was named."""
    if not cohort.clinical:
        return {}
    rows, words = code_clinical(cohort.table[list(cohort.clinical)])
    alone = cross_validate(partial(build_clinical, words), rows, cohort.labels, folds, lambda _done: None)
    return describe_comparators(out_of_fold, {"clinical": alone})


def fewer_folds(recipe: Recipe, folds: Folds) -> list[Caution]:
    """Say so where the rarer class has too few patients for the folds that the recipe asks for."""
    if folds.scheme != "patients" or folds.k >= recipe.model.folds:
        return []
    return [
        Caution(
            "fewer_folds",
            f"{recipe.model.folds} folds would hold fewer than two patients of the rarer class each: {folds.k} folds, "
            "the largest number possible, were used.",
        )
    ]


def fit_size(cohort: Cohort) -> LogitFormula | None:
    """Tumour volume alone, fitted on all cases, to stand beside every score; None where no positive volume is known."""
    size = cohort.size("volume")
    if size is None or not size.is_absolute:
        return None
    known = np.isfinite(size.values)
    return fit_formula("volume_ml", size.values[known], cohort.labels[known])


def evaluate(cohort: Cohort, folds: Folds, out_of_fold: OutOfFold) -> dict[str, Any]:
    """Held-out performance; thresholds and pooled figures come from the first repeat's out-of-fold predictions."""
    rows, held_out = held_out_answers(out_of_fold)
    labels = cohort.labels[rows]
    points = {point.name: point for point in operating_points(labels, held_out)}
    whom = "the test patients of the splits given" if folds.scheme == "fixed" else "new patients of the same sites"
    return {
        "auc": out_of_fold.auc_summary(folds),
        "auc_pooled": auc(labels, held_out),
        "target": whom,
        **summarise(labels, held_out, points[DEFAULT_POINT].threshold),
    }


def name_model(folder: Path) -> str:
    """The model's name from its folder's: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-") or "model"


def save(ask: TrainRequest, cohort: Cohort, folds: Folds, out_of_fold: OutOfFold, result: dict[str, Any]) -> Bundle:
    """Refit on all cases and write the bundle."""
    recipe, (rows, held_out) = ask.recipe, held_out_answers(out_of_fold)
    labels, number = cohort.labels[rows], np.random.default_rng(ask.seed).permutation(len(cohort.labels))
    pipeline = build_pipeline(recipe.model).fit(cohort.rows, cohort.labels)
    resamples = bootstrap_fits(
        recipe.model, cohort.rows, cohort.labels, cohort.patients, np.random.default_rng(ask.seed)
    )
    space = measure_space(cohort.rows, folds)
    negatives, positives = (int((cohort.labels == label).sum()) for label in (0, 1))
    quantiles = [(rate, class_quantiles(labels, held_out, rate)) for rate in ERROR_RATES]
    specification = Specification(
        name=name_model(Path(ask.out)),
        title=recipe.description or recipe.name,
        version="1",
        demonstration=ask.demonstration,
        purpose=ask.purpose or f"{cohort.classes[1]} against {cohort.classes[0]}, trained with LipoScope.",
        classes=cohort.classes,
        recipe=recipe,
        features=cohort.features,
        estimator=PipelineEstimator(),
        training=Training(
            description=f"{len(cohort.labels)} cases, {len(set(cohort.patients.tolist()))} patients"
            + (f", {len(cohort.site_names)} sites" if cohort.site_names else ""),
            counts={cohort.classes[0]: negatives, cohort.classes[1]: positives},
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
                precision=tuple(map(tuple, space.precision.tolist())),
                limit=space.limit,
            ),
        ),
        thresholds=tuple(
            Threshold(
                name=point.name,
                threshold=point.threshold,
                sensitivity=point.sensitivity,
                specificity=point.specificity,
                default=point.name == DEFAULT_POINT,
            )
            for point in operating_points(labels, held_out)
        ),
        conformal=tuple(
            ConformalQuantiles(error_rate=rate, negative=low, positive=high) for rate, (low, high) in quantiles
        ),
        comparator=recipe.comparator,
        size=fit_size(cohort),
        versions={"liposcope": app.__version__, "scikit-learn": version("scikit-learn"), "numpy": version("numpy")},
    )
    figures = result["models"][recipe.name]
    # a bundle travels, so it holds no case's name
    evaluation = {
        **{name: value for name, value in result.items() if name != "failed"},
        "cases_failed": len(cohort.failed),
        "auc": figures["auc"],
        "columns": {"label": ask.label, "patient": ask.patient, "site": ask.site},
        "out_of_fold": [
            {"row": int(row), "label": int(label), "probability": float(probability)}
            for row, label, probability in zip(number[rows], labels, held_out, strict=True)
        ],
    }
    card = write_card(specification.model_dump(mode="json"), result)
    return write_bundle(Path(ask.out), specification, card, evaluation, pipeline, resamples)
