"""What is known of networks before they are trained, asked of the engine: device, parameters, whether weights fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.recipe import Recipe
from app.ui.calls import Call
from app.ui.jobs import Jobs


class NetworkFacts(QObject):
    """Facts about networks, by their settings.

    Signals
    -------
    changed()
        More is known, or is being asked.

    Attributes
    ----------
    device : dict
        What networks run on: `kind`, `name`, `memory`, `described`; empty while it is not known.
    """

    changed = Signal()

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.device: dict[str, Any] = {}
        self._known: dict[str, dict[str, Any]] = {}
        self._asked: dict[str, str] = {}
        self._unanswered: set[str] = set()
        self._waiting: list[Recipe] = []
        self._call = Call(jobs, "describe_networks", parent=self)
        self._call.finished.connect(self._take)
        for signal in (self._call.failed, self._call.stopped):
            signal.connect(lambda *_: self._give_up())

    @property
    def is_asking(self) -> bool:
        """Whether an answer is owed."""
        return self._call.running

    def of(self, recipe: Recipe | None) -> dict[str, Any] | None:
        """What is known of a recipe's network; None while nothing is."""
        return None if recipe is None or recipe.network is None else self._known.get(_key(recipe))

    def ask(self, recipes: Sequence[Recipe]) -> None:
        """Find out about those that are not known; `changed` follows."""
        if self._call.running:
            self._waiting = list(recipes)
            return
        wanted = [recipe for recipe in recipes if recipe.network is not None
                  and _key(recipe) not in self._known and _key(recipe) not in self._unanswered]
        if wanted:
            self._asked = {recipe.name: _key(recipe) for recipe in wanted}
            self._call.start({"recipes": [recipe.model_dump(mode="json") for recipe in wanted]},
                             "Looking at the networks")
            self.changed.emit()

    def forget_missing(self) -> None:
        """Look again for weights that were not there, and for what could not be found out."""
        self._unanswered.clear()
        self._known = {key: told for key, told in self._known.items() if (told["weights"] or {"fits": True})["fits"]}

    def _take(self, found: dict[str, Any]) -> None:
        self.device = found["device"]
        self._known |= {self._asked[name]: told for name, told in found["networks"].items()}
        self._go_on()

    def _give_up(self) -> None:
        self._unanswered |= set(self._asked.values())
        self._go_on()

    def _go_on(self) -> None:
        self.changed.emit()
        waiting, self._waiting = self._waiting, []
        self.ask(waiting)


def _key(recipe: Recipe) -> str:
    """Name a network by what decides its size and its weights."""
    return "" if recipe.network is None else recipe.network.model_dump_json(exclude={"augment", "fit"})
