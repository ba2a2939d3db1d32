"""Every recipe on the same folds: held-out patients of known sites, held-out sites, and without harmonisation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from app.core.data import Caution
from app.core.errors import CohortError
from app.core.evaluate.crossvalidate import OutOfFold, Runner, cross_validate
from app.core.evaluate.folds import Folds, leave_one_site_out, leave_sites_out, make_folds, read_splits
from app.core.recipe import HarmoniseRecipe, Recipe
from app.core.requests import TrainRequest
from app.core.workflows.cohort import Cohort
from app.core.workflows.course import Course, expect_seconds
from app.core.workflows.kept_folds import KeptFolds, describe_work
from app.core.workflows.making import describe_making, make_model, one_by_one, runs_on_card

SITE_REPEATS = 2
"""Groups of sites are drawn so often at most: more say little more, and take as long as the folds by patient."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What is held out, the same for every recipe.

    Parameters
    ----------
    folds : Folds
        Patients, or fixed splits.
    site_folds : Folds or None
        Whole sites; None where they are too few.
    """

    folds: Folds
    site_folds: Folds | None


@dataclass(frozen=True, eq=False)
class Validated:
    """Held-out answers of one recipe.

    Parameters
    ----------
    recipe : Recipe
    found : OutOfFold
        On the plan's folds.
    new_sites : OutOfFold or None
        On its folds of sites.
    plain : OutOfFold or None
        On the plan's folds without harmonisation, where the recipe harmonises.
    """

    recipe: Recipe
    found: OutOfFold
    new_sites: OutOfFold | None = None
    plain: OutOfFold | None = None


def make_plan(ask: TrainRequest, cohort: Cohort) -> Plan:
    """Draw the folds, or read them.

    Raises
    ------
    CohortError
        The splits of the file cannot be used, or there are too few patients of a class.
    """
    model = ask.recipe.model
    k, repeats = ask.folds or model.folds, ask.repeats or model.repeats
    if ask.splits:
        folds = read_splits(ask.splits, cohort.labels, cohort.patients)
    else:
        folds = make_folds(cohort.labels, cohort.patients, min(k, cohort.most_folds), repeats, ask.seed)
    if cohort.sites is None:
        return Plan(folds, None)
    try:
        if ask.one_site_out:
            return Plan(folds, leave_one_site_out(cohort.labels, cohort.patients, cohort.sites))
        repeats = min(repeats, SITE_REPEATS)
        return Plan(folds, leave_sites_out(cohort.labels, cohort.patients, cohort.sites, k, repeats, ask.seed))
    except CohortError:  # too few sites, or none with both classes: nothing is said of new sites
        return Plan(folds, None)


def fewer_folds(ask: TrainRequest, folds: Folds) -> list[Caution]:
    """Say so where the rarer class has too few patients for the folds that were asked for."""
    wanted = ask.folds or ask.recipe.model.folds
    if folds.scheme != "patients" or folds.k >= wanted:
        return []
    return [
        Caution(
            "fewer_folds",
            f"{wanted} folds would hold fewer than two patients of the rarer class each: {folds.k} folds, "
            "the largest number possible, were used.",
        )
    ]


def without_harmonisation(recipe: Recipe) -> Recipe:
    """The same recipe on features as they were measured."""
    return recipe.model_copy(update={"harmonise": HarmoniseRecipe()})


def serves_new_sites(recipe: Recipe) -> bool:
    """Whether a model of the recipe answers for a site that it was not trained on."""
    return recipe.harmonise.method == "none" or recipe.harmonise.unseen != "refuse"


def expect_validation(recipe: Recipe, plan: Plan) -> float:
    """How long a recipe's folds take on a middling table, s."""
    rounds = len(plan.folds.splits) * (2 if recipe.harmonise.method != "none" else 1)
    if plan.site_folds is not None and serves_new_sites(recipe):
        rounds += len(plan.site_folds.splits)
    return rounds * expect_seconds(recipe)


class Trial:
    """Cross-validates recipes on one cohort.

    Parameters
    ----------
    ask : TrainRequest
    cohort : Cohort
    runner : callable
        Applies a function to folds.
    course : Course
        Told of every fold.
    """

    def __init__(self, ask: TrainRequest, cohort: Cohort, runner: Runner, course: Course) -> None:
        self.ask, self.cohort, self.runner, self.course = ask, cohort, runner, course

    def validate(self, recipe: Recipe, plan: Plan) -> Validated:
        """Measure a recipe in every way that its sites and its harmonisation call for."""
        harmonised = recipe.harmonise.method != "none"
        found = self.measure(recipe, plan.folds, recipe.name)
        plain = elsewhere = None
        if harmonised:
            plain = self.measure(without_harmonisation(recipe), plan.folds, f"{recipe.name} unharmonised")
        if plan.site_folds is not None and serves_new_sites(recipe):
            elsewhere = self.measure(recipe, plan.site_folds, f"{recipe.name} at new sites")
        return Validated(recipe, found, elsewhere, plain)

    def measure(self, recipe: Recipe, folds: Folds, title: str) -> OutOfFold:
        """Cross-validate one recipe; folds that are kept from an earlier run are not fitted again."""
        cohort, ask = self.cohort, self.ask
        card = runs_on_card(recipe)
        runner = one_by_one if card else self.runner
        if ask.keep:
            settings = describe_making(recipe, cohort, ask)
            work = describe_work(settings, cohort.table, cohort.labels, cohort.patients)
            runner = KeptFolds(Path(ask.keep) / re.sub(r"[/\\]", "-", title), work, cohort.labels, folds.k, runner)
        told = self.course.follow(runner, title, len(folds.splits), expect_seconds(recipe))
        here = card or ask.jobs == 1
        make = make_model(recipe, cohort, ask, title, self.course.within if here else None)
        return cross_validate(make, cohort.table, cohort.labels, folds, lambda _done: None, cohort.patients, told)
