"""Training: a table of features, or of cases, to a validated and saved model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import app
from app.core.bundle import (Bundle, ConformalQuantiles, PipelineEstimator, Specification, Threshold, Training, TrainingSpace,
                             write_bundle)
from app.core.classify.pipelines import bootstrap_fits, build_pipeline
from app.core.errors import AppError, CohortError, RecipeError
from app.core.evaluate.conformal import class_quantiles
from app.core.evaluate.crossvalidate import OutOfFold, cross_validate
from app.core.evaluate.folds import Folds, make_folds
from app.core.evaluate.intervals import corrected_t_difference
from app.core.evaluate.metrics import auc, operating_points, summarise
from app.core.evaluate.space import measure_space
from app.core.io.case import load_case
from app.core.io.table import read_cases, read_table
from app.core.jobs import Report, describe_failure
from app.core.preprocess.chain import prepare
from app.core.radiomics.extract import extract
from app.core.recipe import Recipe
from app.core.requests import CaseFiles, TrainRequest
from app.core.workflows.parallel import run_each

ERROR_RATES = (0.05, 0.1, 0.2)
DEFAULT_POINT = "sensitivity 95%"
# Columns that describe a case or its acquisition; they never become features by themselves.
METADATA = frozenset({"patient", "image", "mask", "label", "site", "vendor", "manufacturer", "model", "field_strength", "split",
                      "grade", "age", "sex", "location", "mask_ml", "histology"})


@dataclass(frozen=True, eq=False)
class Cohort:
    """What is learned from: `rows` (cases, features), `labels` 0 or 1, `patients`, `sites` (empty when not given)."""

    names: tuple[str, ...]
    rows: NDArray[np.float64]
    labels: NDArray[np.int_]
    patients: NDArray[Any]
    sites: tuple[str, ...]
    classes: tuple[str, str]
    failed: tuple[dict[str, str], ...]


def train(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Extract if needed, cross-validate, compare with volume alone, refit on all cases, save.

    Parameters
    ----------
    request : dict
        A `TrainRequest`.

    Returns
    -------
    dict
        `models`, `comparators`, `folds`, `features`, `failed`, `bundle` (its folder).

    Raises
    ------
    CohortError
        The table cannot be learned from.
    """
    ask = TrainRequest.parse(request)
    recipe = ask.recipe
    cohort = read_cohort(ask, partial(_share, report, 0.0, 0.7))
    folds = make_folds(cohort.labels, cohort.patients, recipe.model.folds, recipe.model.repeats, ask.seed)
    total = len(folds.splits)
    out_of_fold = cross_validate(partial(build_pipeline, recipe.model), cohort.rows, cohort.labels, folds,
                                 lambda done: report(0.7 + 0.2 * done / total, f"Fold {done} of {total}"))
    comparators = compare_with_size(cohort, folds, out_of_fold, recipe)
    report(0.9, "Fitting the final model")
    result = {"models": {recipe.name: evaluate(cohort, folds, out_of_fold)}, "comparators": comparators,
              "folds": {"digest": folds.digest, "k": folds.k, "repeats": folds.repeats},
              "features": list(cohort.names), "failed": list(cohort.failed)}
    bundle = save(ask, cohort, folds, out_of_fold, result)
    report(1.0, "Done")
    return {**result, "bundle": str(bundle.folder)}


def _share(report: Report, low: float, high: float, fraction: float, message: str) -> None:
    report(low + (high - low) * fraction, message)


def read_cohort(ask: TrainRequest, report: Report) -> Cohort:
    """Rows, labels and groups from the table; every problem is collected.

    Raises
    ------
    CohortError
        Names each column or row that cannot be used.
    """
    table = read_table(Path(ask.table))
    problems = [f"The table has no column '{column}'." for column in (ask.label, ask.patient, *([ask.site] if ask.site else []))
                if column not in table.columns]
    if problems:
        raise CohortError(f"{Path(ask.table).name} cannot be learned from.", problems,
                          f"Its columns are {', '.join(map(str, table.columns))}.")
    labels = table[ask.label].astype(str)
    classes = sorted(labels.unique())
    if len(classes) != 2:
        raise CohortError(f"The column '{ask.label}' has {len(classes)} different values, a model needs two.",
                          [f"Found: {', '.join(classes[:6])}."], "Name another column.")
    positive = ask.positive or classes[1]
    if positive not in classes:
        raise CohortError(f"The positive class '{positive}' does not occur in '{ask.label}'.", [f"Found: {', '.join(classes)}."])
    failed: list[dict[str, str]] = []
    if {"image", "mask"} <= set(table.columns) or any(str(name).startswith("image_") for name in table.columns):
        measured, failed = extract_cohort(ask, report)
        keep = [index for index, row in enumerate(measured) if row is not None]
        found = [row for row in measured if row is not None]
        names = tuple(found[0]) if found else ()
        rows = np.array([[row.get(name, np.nan) for name in names] for row in found], dtype=float)
        table = table.iloc[keep]
    else:
        taken = {ask.label, ask.patient, ask.site, *ask.ignore, *METADATA}
        names = tuple(str(name) for name in table.columns if name not in taken and table[name].dtype.kind in "fiu")
        rows = table[list(names)].to_numpy(dtype=float)
    names, rows = _usable(ask, names, rows)
    return Cohort(names, rows, (table[ask.label].astype(str) == positive).to_numpy().astype(int),
                  table[ask.patient].astype(str).to_numpy(),
                  tuple(sorted(set(table[ask.site].astype(str)))) if ask.site else (),
                  (next(name for name in classes if name != positive), positive), tuple(failed))


def _usable(ask: TrainRequest, names: tuple[str, ...], rows: NDArray[np.float64]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    wanted = ask.recipe.features.names if ask.recipe.features else None
    keep = [index for index, name in enumerate(names) if (wanted is None or name in wanted or name in ("volume_ml",))]
    if wanted:
        missing = sorted(set(wanted) - set(names))
        if missing:
            raise CohortError(f"The recipe '{ask.recipe.name}' wants features that the table lacks.", [", ".join(missing[:6])])
    if not keep or not len(rows):
        raise CohortError(f"{Path(ask.table).name} holds nothing to learn from.", [], "Give feature columns, or image and mask paths.")
    infinite = [names[index] for index in keep if np.isinf(rows[:, index]).any()]
    if infinite:
        raise CohortError("Some features are infinite.", [", ".join(infinite[:6])], "Correct or leave out these columns.")
    return tuple(names[index] for index in keep), rows[:, keep]


def extract_cohort(ask: TrainRequest, report: Report) -> tuple[list[dict[str, float] | None], list[dict[str, str]]]:
    """Features of every row of a cohort of images; None and a reason where a case fails."""
    table = read_cases(Path(ask.table), strict=True)
    requests = [{"case": files.model_dump(mode="json"), "recipe": ask.recipe.model_dump(mode="json")} for files in table.cases]
    answers = run_each(_measure, requests, ask.jobs, report, "Measuring case")
    failed = [{"case": files.id, "message": str(answer["error"])}
              for files, answer in zip(table.cases, answers, strict=True) if "error" in answer]
    return [answer.get("features") for answer in answers], failed


def _measure(request: dict[str, Any]) -> dict[str, Any]:
    recipe = Recipe.parse(request["recipe"])
    if recipe.features is None:
        raise RecipeError(f"The recipe '{recipe.name}' measures nothing.", "Choose one with features.")
    try:
        prepared = prepare(load_case(CaseFiles.parse(request["case"])), recipe.prep)
        return {"features": extract(prepared, recipe.features).as_dict()}
    except AppError as error:
        return {"error": describe_failure(error).message}


def compare_with_size(cohort: Cohort, folds: Folds, out_of_fold: OutOfFold, recipe: Recipe) -> dict[str, Any]:
    """Tumour volume alone (logistic on log10 ml) on the same folds, and what the model adds to it."""
    if "volume_ml" not in cohort.names:
        return {}
    volume = np.log10(cohort.rows[:, [cohort.names.index("volume_ml")]])
    alone = cross_validate(partial(build_pipeline, recipe.model), volume, cohort.labels, folds, lambda _done: None)
    difference = out_of_fold.aucs - alone.aucs
    return {"volume": {"auc": alone.auc_summary(folds),
                       "difference": {"mean": float(difference.mean()),
                                      "interval": list(corrected_t_difference(difference, folds.k, folds.repeats))}}}


def evaluate(cohort: Cohort, folds: Folds, out_of_fold: OutOfFold) -> dict[str, Any]:
    """Held-out performance; thresholds and pooled figures come from the first repeat's out-of-fold predictions."""
    held_out = out_of_fold.probabilities[0]
    points = {point.name: point for point in operating_points(cohort.labels, held_out)}
    return {"auc": out_of_fold.auc_summary(folds), "auc_pooled": auc(cohort.labels, held_out),
            "target": "new patients of the same sites", **summarise(cohort.labels, held_out, points[DEFAULT_POINT].threshold)}


def save(ask: TrainRequest, cohort: Cohort, folds: Folds, out_of_fold: OutOfFold, result: dict[str, Any]) -> Bundle:
    """Refit on all cases and write the bundle."""
    recipe, held_out = ask.recipe, out_of_fold.probabilities[0]
    pipeline = build_pipeline(recipe.model).fit(cohort.rows, cohort.labels)
    resamples = bootstrap_fits(recipe.model, cohort.rows, cohort.labels, cohort.patients, np.random.default_rng(ask.seed))
    space = measure_space(cohort.rows, folds)
    negatives, positives = (int((cohort.labels == label).sum()) for label in (0, 1))
    quantiles = [(rate, class_quantiles(cohort.labels, held_out, rate)) for rate in ERROR_RATES]
    specification = Specification(
        name=Path(ask.out).name, title=recipe.description or recipe.name, version="1", demonstration=ask.demonstration,
        purpose=ask.purpose or f"{cohort.classes[1]} against {cohort.classes[0]}, trained with LipoScope.",
        classes=cohort.classes, recipe=recipe, features=cohort.names, estimator=PipelineEstimator(),
        training=Training(
            description=f"{len(cohort.labels)} cases, {len(set(cohort.patients.tolist()))} patients"
                        + (f", {len(cohort.sites)} sites" if cohort.sites else ""),
            counts={cohort.classes[0]: negatives, cohort.classes[1]: positives},
            prevalence=positives / (positives + negatives), sites=cohort.sites, fold_digest=folds.digest,
            ranges={name: (float(np.nanmin(column)), float(np.nanmax(column)))
                    for name, column in zip(cohort.names, cohort.rows.T, strict=True) if np.isfinite(column).any()},
            space=TrainingSpace(centre=tuple(space.centre.tolist()), scale=tuple(space.scale.tolist()),
                                precision=tuple(map(tuple, space.precision.tolist())), limit=space.limit)),
        thresholds=tuple(Threshold(name=point.name, threshold=point.threshold, sensitivity=point.sensitivity,
                                   specificity=point.specificity, default=point.name == DEFAULT_POINT)
                         for point in operating_points(cohort.labels, held_out)),
        conformal=tuple(ConformalQuantiles(error_rate=rate, negative=low, positive=high) for rate, (low, high) in quantiles),
        comparator=recipe.comparator,
        versions={"liposcope": app.__version__, "scikit-learn": version("scikit-learn"), "numpy": version("numpy")},
    )
    figures = result["models"][recipe.name]
    evaluation = {**result, "auc": figures["auc"],
                  "out_of_fold": [{"row": int(row), "label": int(label), "probability": float(probability)} for row, label, probability
                                  in zip(np.random.default_rng(ask.seed).permutation(len(held_out)), cohort.labels, held_out, strict=True)]}
    return write_bundle(Path(ask.out), specification, write_card(specification, result), evaluation, pipeline, resamples)


def write_card(specification: Specification, result: dict[str, Any]) -> str:
    """The model card: intended use, training data, performance with intervals, known failures."""
    figures = next(iter(result["models"].values()))
    low, high = figures["auc"]["interval"]
    counts = ", ".join(f"{count} {name}" for name, count in specification.training.counts.items())
    lines = [f"# {specification.title}", "", "Research use only, not a medical device.", "", "## Intended use", "",
             specification.purpose, "", "## Training data", "", f"{specification.training.description}: {counts}.", "",
             "## Performance", "", f"AUC {figures['auc']['mean']:.3f} (95 % interval {low:.3f} to {high:.3f}) for "
             f"{figures['target']}, mean of {len(figures['auc']['folds'])} folds, corrected resampled t.",
             f"Brier score {figures['brier']:.3f}, calibration slope {figures['calibration']['slope']:.2f}."]
    for name, comparator in result["comparators"].items():
        low, high = comparator["difference"]["interval"]
        lines.append(f"Against {name} alone (AUC {comparator['auc']['mean']:.3f}): {comparator['difference']['mean']:+.3f} "
                     f"({low:+.3f} to {high:+.3f}).")
    lines += ["", "## Known failures", "", *(f"- {text}" for text in specification.standing_cautions.values()),
              "- It knows nothing of hospitals, scanners and tumours unlike those above; cautions say where that is measurable.",
              "- Thresholds and error rates were set on held-out predictions of these same cases.", ""]
    return "\n".join(lines)
