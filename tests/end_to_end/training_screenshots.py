"""The pages of training for the pictures: every step of the wizard, the results, the library with an own model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.room import wait_until

if TYPE_CHECKING:
    from tests.benchmarks.room import Room

LONG = 1500.0
TABS = ("ROC", "Calibration", "Decision", "Cases", "Sites", "Features", "Audit", "Learning", "Metrics", "Report")


def shoot_training(room: Room, table: Path, label: str, features: str, shoot: Callable[[str], None]) -> None:
    """Go from a dropped table to a saved model, and save each step; then its results and its place in the library."""
    window = room.window
    window.show_named("Train")
    page = window.train_page
    training = page.training
    shoot("train-empty")
    room.drop([table])
    wait_until(lambda: training.found and training.recipes.known and not training.is_looking, LONG, "the columns")
    if training.found["chosen"]["label"] != label:
        training.pick("label", label)
        wait_until(lambda: training.found["chosen"]["label"] == label and not training.is_looking, LONG, "the label")
    room.rest()
    shoot("train-cases")
    page.next.click()
    page.features.recipe.choose(features)
    wait_until(lambda: training.draft.recipe == features and not training.is_looking, LONG, "the recipe")
    room.rest()
    shoot("train-features")
    page.next.click()
    shoot("train-sites")
    page.next.click()
    page.models.models["logistic"].button.click()
    page.models.efforts["quick"].click()
    wait_until(lambda: training.estimate() is not None, LONG, "the time of the models")
    shoot("train-models")
    page.next.click()
    page.validation.folds.setValue(5)
    page.validation.repeats.setValue(2)
    page.validation.learning.click()
    wait_until(lambda: training.estimate() is not None, LONG, "the time of the models")
    shoot("train-validation")
    page.next.click()
    shoot("train-before-run")
    _run(room, shoot)
    page.next.click()
    shoot("train-results")
    page.next.click()
    wait_until(page.save.save.isEnabled, LONG, "the card")
    shoot("train-save")
    page.save.save.click()
    wait_until(lambda: training.draft.run.get("saved"), LONG, "the saved model")
    _shoot_results(room, shoot)
    library = window.library_page
    window.show_named("Library")
    room.rest()
    names = [str(each["name"]) for each in library.library.models]
    library.list.setCurrentRow(names.index(Path(training.model).name))
    shoot("library")


def _run(room: Room, shoot: Callable[[str], None]) -> None:
    """Train, with a picture when half of the folds are finished."""
    page = room.window.train_page
    training = page.training
    page.run.start.click()
    half = training.draft.folds * training.draft.repeats // 2
    wait_until(lambda: training.folds.count("default") >= half or not training.is_running, LONG, "the folds")
    shoot("train-run")
    wait_until(lambda: not training.is_running, LONG, "the end of the run")
    shoot("train-done")


def _shoot_results(room: Room, shoot: Callable[[str], None]) -> None:
    results = room.window.results_page
    page = room.window.train_page
    page.go_to(6)
    page.results.open.click()
    wait_until(lambda: not results.session.is_empty, LONG, "the results")
    for title in TABS:
        results.show_tab(title)
        room.rest()
        shoot("results" if title == "ROC" else f"results-{title.lower()}")
