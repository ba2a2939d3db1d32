"""Training: a table of features, or of cases, to validated models, what stands beside them, and the one saved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from app.core.bundle import EVALUATION, Bundle, check_target
from app.core.data import Caution
from app.core.evaluate.learning_curve import MOST_FOLDS, SHARES, first_repeats, learning_curve
from app.core.evaluate.restored import describe_folds
from app.core.jobs import Report
from app.core.requests import TrainRequest
from app.core.store.cases import keep_cases
from app.core.workflows.auditing import audit_model, expect_audit
from app.core.workflows.case_files import list_files
from app.core.workflows.cohort import Cohort, read_cohort
from app.core.workflows.comparing import (
    NO_SIZE,
    Comparators,
    choose_saved,
    describe_beside,
    describe_headline,
    describe_selection,
    measure_comparators,
)
from app.core.workflows.course import Course, expect_seconds
from app.core.workflows.crew import Crew
from app.core.workflows.describing import describe_model
from app.core.workflows.making import EPOCHS, make_model
from app.core.workflows.roles import learn_as_measured
from app.core.workflows.saving import save_model
from app.core.workflows.site_effects import describe_sites
from app.core.workflows.under_way import UnderWay
from app.core.workflows.validating import (
    Plan,
    Trial,
    Validated,
    expect_validation,
    fewer_folds,
    make_plan,
    serves_new_sites,
)

READING, FITTING = 0.5, 0.9
"""Fractions of a run at which images are measured, and at which the folds are done."""
CUTTING = 0.1
"""In place of `READING` where networks learn: that takes much longer than measuring."""


def train(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Extract if needed, cross-validate every recipe, set something simpler beside them, refit on all cases, save.

    Parameters
    ----------
    request : dict
        A `TrainRequest`.
    report : callable
        Receives (fraction, message); raises `Cancelled`.

    Returns
    -------
    dict
        `models` (the saved one first), `primary`, `saved`, `selection` (of several), `comparators`, `cases` (what the
        lists `out_of_fold` go by), `audit` and `learning_curve` (where asked for), `sites`, `folds`, `columns`,
        `features`, `held_out`, `failed`, `cases_failed`, `cautions`, and `bundle`, the folder of the saved model.

    Raises
    ------
    CohortError
        The table cannot be learned from.
    RecipeError
        A recipe asks for what its classifier or the cohort has not.
    InputError
        `out` holds something that is no model.
    """
    ask, known = learn_as_measured(TrainRequest.parse(request))
    check_target(Path(ask.out))
    networks = any(recipe.network for recipe in ask.settled)
    read = _Furthest(report, CUTTING if networks else READING)
    cohort = read_cohort(ask, read)
    measured = read.fraction > 0
    told = (*_one_measurement(ask, measured=measured), *([] if measured or known else [_unknown_measurement(ask)]))
    cohort = replace(cohort, cautions=(*cohort.cautions, *told))
    plan = make_plan(ask, cohort)
    fitting = _end_of_folds(plan) if networks else FITTING
    under_way = UnderWay(Path(ask.keep) / EPOCHS).count if networks and ask.keep else None
    course = Course(report, read.fraction, fitting, _expect(ask, plan), under_way)
    course.say(_what_is_learned_from(ask, cohort))
    with Crew(ask.jobs, course.listen) as crew:
        trial = Trial(ask, cohort, crew.map, course)
        validated = {recipe.name: trial.validate(recipe, plan) for recipe in ask.settled}
        saved = choose_saved(ask, validated)
        asked: dict[str, Any] = {"audit": audit_model(trial, validated, saved, plan)} if ask.audit else {}
        if ask.learning_curve:
            asked["learning_curve"] = measure_learning(trial, validated[saved], plan)
        comparators = measure_comparators(trial, plan)
    final = "Fitting the final model"
    report(fitting, final)
    asked["measured"] = measured
    result = plain(describe_run(ask, cohort, plan, validated, comparators, saved) | asked)
    bundle = save_model(
        ask, validated[saved].recipe, cohort, validated[saved].found, result,
        lambda share, told: report(fitting + (1 - fitting) * share, f"{final}. {told}"),
    )  # fmt: skip
    remember_cases(ask, bundle, cohort, result)
    report(1.0, "Done")
    return {**result, "bundle": str(bundle.folder)}


def _what_is_learned_from(ask: TrainRequest, cohort: Cohort) -> str:
    if all(recipe.network and not recipe.features for recipe in ask.settled):
        return f"Learning from pictures of {len(cohort.labels)} cases"
    return f"Learning from {len(cohort.features)} features: {', '.join(cohort.features)}"


def remember_cases(ask: TrainRequest, bundle: Bundle, cohort: Cohort, result: dict[str, Any]) -> None:
    """Keep with the user which case is which: the bundle, which travels, only numbers them."""
    patients = cohort.patients.tolist()
    failed = {each["case"] for each in cohort.failed}
    known = list_files(ask.table, len(patients), failed) or [("", None)] * len(patients)
    names = [name or patient for (name, _), patient in zip(known, patients, strict=True)]
    files = [each for _, each in known]
    keep_cases(bundle.specification.files[EVALUATION], result["cases"]["row"], names, files)


def number_patients(patients: list[str]) -> list[int]:
    """Number patients as they first appear: rows of one patient can be told to belong together, and nothing more."""
    numbers = {patient: number for number, patient in enumerate(dict.fromkeys(patients))}
    return [numbers[patient] for patient in patients]


class _Furthest:
    """Passes reports of reading on, and knows how far they came: only a table of images takes time to read."""

    def __init__(self, report: Report, share: float) -> None:
        self.report, self.fraction, self._share = report, 0.0, share

    def __call__(self, fraction: float, message: str) -> None:
        self.fraction = max(self.fraction, self._share * fraction)
        self.report(self.fraction, message)


def _end_of_folds(plan: Plan) -> float:
    """Fraction at which the folds are done where the last training, of all cases, takes as long as any of them."""
    rounds = len(plan.folds.splits) + (len(plan.site_folds.splits) if plan.site_folds is not None else 0)
    return 1 - (1 - CUTTING) / (rounds + 1)


def _expect(ask: TrainRequest, plan: Plan) -> float:
    seconds = sum(expect_validation(recipe, plan) for recipe in ask.settled)
    if ask.audit:
        seconds += expect_audit(ask, ask.recipe, plan)
    if ask.learning_curve:
        seconds += _learning_folds(plan) * expect_seconds(ask.recipe)
    return seconds


def _learning_folds(plan: Plan) -> int:
    """Folds of a learning curve: the whole training patients of each are measured already."""
    return (len(SHARES) - 1) * len(first_repeats(plan.folds, MOST_FOLDS).splits)


def measure_learning(trial: Trial, validated: Validated, plan: Plan) -> list[dict[str, Any]]:
    """Measure whether more cases would help: the saved model on growing shares of each fold's training patients."""
    cohort, recipe = trial.cohort, validated.recipe
    told = trial.course.follow(trial.runner, "learning curve", _learning_folds(plan), expect_seconds(recipe))
    points = learning_curve(
        make_model(recipe, cohort, trial.ask),
        cohort.table,
        cohort.labels,
        plan.folds,
        lambda _done: None,
        cohort.patients,
        told,
        seed=trial.ask.seed,
        whole=validated.found,
    )
    return [point.json for point in points]


def describe_run(
    ask: TrainRequest,
    cohort: Cohort,
    plan: Plan,
    validated: dict[str, Validated],
    comparators: Comparators,
    saved: str,
) -> dict[str, Any]:
    """Put everything that the folds said into the result of the run."""
    harmonised = any(recipe.harmonise.method != "none" for recipe in ask.settled)
    sites, unequal = describe_sites(cohort, harmonised=harmonised)
    selection = describe_selection(ask, validated, saved)
    number = np.random.default_rng(ask.seed).permutation(len(cohort.labels))
    cautions = [
        *cohort.cautions,
        *fewer_folds(ask, plan.folds),
        *_unharmonised_networks(ask),
        *([] if cohort.size("volume") else [NO_SIZE]),
        *unequal,
        *_unmeasured(ask, plan),
    ]
    return {
        "models": {
            name: {**describe_model(each, cohort), **describe_headline(each.found, comparators)}
            for name, each in sorted(validated.items(), key=lambda item: item[0] != saved)
        },
        "primary": ask.recipe.name,
        "saved": saved,
        **({"selection": selection} if selection else {}),
        "comparators": describe_beside(validated[saved].found, comparators, cohort),
        "cases": {
            "row": number.tolist(),
            "label": cohort.labels.tolist(),
            "site": [None] * len(number) if cohort.sites is None else [site or None for site in cohort.sites.tolist()],
            "patient": number_patients(cohort.patients.tolist()),
        },
        "sites": sites,
        "folds": describe_folds(plan.folds),
        "recipes": {recipe.name: recipe.model_dump(mode="json") for recipe in ask.settled},
        "seed": ask.seed,
        "columns": {"label": ask.label, "patient": ask.patient, "site": ask.site},
        "features": list(cohort.features),
        "held_out": [each.as_json() for each in cohort.held_out],
        "failed": list(cohort.failed),
        "cases_failed": len(cohort.failed),
        "cautions": [{"code": each.code, "message": each.message} for each in cautions],
    }


def _unmeasured(ask: TrainRequest, plan: Plan) -> list[Caution]:
    """Models that refuse the sites they were not trained on."""
    refusing = [recipe.name for recipe in ask.settled if not serves_new_sites(recipe)]
    if plan.site_folds is None or not refusing:
        return []
    names = ", ".join(refusing)
    told = f"{names} refuses sites without training cases: nothing is said of new sites."
    return [Caution("new_sites_refused", told)]


def _one_measurement(ask: TrainRequest, *, measured: bool) -> list[Caution]:
    """Recipes that would measure something else than the primary one does, where images were measured."""
    first = ask.measures
    if first is None or not measured:
        return []
    features = [each for each in ask.recipes if each.features]
    others = [each.name for each in features if (each.prep, each.features) != (first.prep, first.features)]
    if not others:
        return []
    return [
        Caution(
            "one_measurement",
            f"All models learn from what the recipe '{first.name}' measures; {', '.join(others)} would measure "
            "something else.",
        )
    ]


def _unharmonised_networks(ask: TrainRequest) -> list[Caution]:
    """Networks in a run whose features are harmonised."""
    names = [recipe.name for recipe in ask.settled if recipe.network]
    if not names or ask.harmonise is None or ask.harmonise.method == "none":
        return []
    told = f"Site effects are removed from features, not from pictures: {', '.join(names)} learned without it."
    return [Caution("pictures_unharmonised", told)]


def _unknown_measurement(ask: TrainRequest) -> Caution:
    """A table from elsewhere: what the model will measure on an image may not be what it learned from."""
    return Caution(
        "measurement_unknown",
        "The table does not say how its features were measured: a score from an image measures them as the recipe "
        f"'{ask.recipe.name}' does, which must be the same. A table of 'extract' says it.",
    )


def plain(value: Any) -> Any:
    """Give a result as JSON has it: numpy's numbers as numbers, what is not known as null."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
