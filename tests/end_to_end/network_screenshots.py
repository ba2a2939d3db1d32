"""The pages of networks for the pictures: offered, their form with variants, their curves while they train."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from tests.benchmarks.room import wait_until

if TYPE_CHECKING:
    from tests.benchmarks.room import Room

LONG = 1500.0
Shoot = Callable[[str, QWidget | None], None]


def shoot_networks(room: Room, table: Path, label: str, shoot: Shoot, network: str = "cnn-quick") -> None:
    """Go from a dropped table to the results of a network alone, and save each step that is about networks."""
    window = room.window
    window.show_named("Train")
    page = window.train_page
    training = page.training
    room.drop([table])
    wait_until(lambda: training.found and training.recipes.known and not training.is_looking, LONG, "the columns")
    if training.found["chosen"]["label"] != label:
        training.pick("label", label)
        wait_until(lambda: training.found["chosen"]["label"] == label and not training.is_looking, LONG, "the label")
    room.rest()
    for _ in range(3):
        page.next.click()
    page.models.efforts["quick"].click()
    page.models.models[network].button.click()
    page.models.models["default"].button.click()
    wait_until(lambda: training.estimate() is not None and training.networks.device, LONG, "what is known of networks")
    room.rest()
    shoot("networks-models", None)
    bar = page.models.verticalScrollBar()
    bar.setValue(bar.maximum())
    shoot("networks-models-below", None)
    _shoot_form(room, shoot, network)
    page.next.click()
    page.validation.folds.setValue(3)
    page.next.click()
    page.run.start.click()
    wait_until(lambda: training.epochs.running or not training.is_running, LONG, "the first epochs")
    wait_until(lambda: any(len(each.curve) > 7 for each in training.epochs.running) or not training.is_running, LONG,
               "some epochs")
    shoot("networks-run", None)
    wait_until(lambda: not training.is_running, LONG, "the end of the run")
    shoot("networks-done", None)
    if training.draft.run["state"] == "done":
        page.next.click()
        page.results.open.click()
        wait_until(lambda: not window.results_page.session.is_empty, LONG, "the results")
        room.rest()
        shoot("networks-results", None)


def _shoot_form(room: Room, shoot: Shoot, network: str) -> None:
    editor = room.window.train_page.edit_network(network)
    wait_until(lambda: editor.sheet.strip.count > 1, LONG, "the variants")
    room.rest()
    shoot("networks-form", editor)
    editor.duplicate()
    editor.sheet.more.click()
    area = editor.sheet.widget().parentWidget().parentWidget()
    room.rest()
    shoot("networks-form-own", editor)
    area.verticalScrollBar().setValue(area.verticalScrollBar().maximum() // 2)
    shoot("networks-form-every", editor)
    editor.accept()
