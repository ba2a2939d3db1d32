"""The pages of networks for the pictures: offered, their form with variants, their curves while they train, results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtWidgets import QApplication, QScrollArea, QWidget

from tests.benchmarks.room import wait_until

if TYPE_CHECKING:
    from tests.benchmarks.room import Room

LONG = 1500.0
NETWORK, FOLDS, EPOCHS = "cnn-quick", 3, 8


class Shoot(Protocol):
    """Saves a picture of the window, with a dialog above it."""

    def __call__(self, name: str, above: QWidget | None = None) -> None:
        """Save it under a name."""


def shoot_networks(room: Room, table: Path, label: str, shoot: Shoot, network: str = NETWORK) -> None:
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
    training.choose(models=(network,), repeats=1, folds=FOLDS, furthest=5)
    page.go_to(3)
    wait_until(lambda: training.estimate() is not None and training.networks.device, LONG, "what is known of networks")
    _scroll(page.models, page.models.heading)
    shoot("networks-models")
    _shoot_form(page.edit_network(network), shoot)
    page.go_to(5)
    page.run.start.click()
    wait_until(lambda: any(len(each.curve) >= EPOCHS for each in training.epochs.running) or not training.is_running,
               LONG, "some epochs")
    shoot("networks-run")
    wait_until(lambda: not training.is_running, LONG, "the end of the run")
    page.go_to(6)
    results = window.results_page
    page.results.open.click()
    wait_until(lambda: not results.session.is_empty and results.session.results.raw.get("network"), LONG, "the results")
    results.show_tab("Network")
    shoot("results-network")


def _shoot_form(editor: QWidget, shoot: Shoot) -> None:
    wait_until(lambda: editor.sheet.strip.count > 1, LONG, "the variants")
    shoot("networks-form", editor)
    editor.duplicate()
    editor.sheet.more.click()
    wait_until(lambda: editor.sheet.forms["crop"][1].isVisible(), LONG, "every setting")
    _scroll(editor.sheet.findChild(QScrollArea), editor.sheet.forms["crop"][1])
    shoot("networks-form-every", editor)
    editor.accept()


def _scroll(area: QScrollArea, widget: QWidget) -> None:
    """Bring a widget to the top of its area."""
    for _ in range(3):  # what was shown only now is laid out first
        QApplication.processEvents()
    area.verticalScrollBar().setValue(widget.mapTo(area.widget(), widget.rect().topLeft()).y() - 8)
