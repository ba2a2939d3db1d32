"""Recipes, those shipped and one's own, kept by the engine; what is deleted can be brought back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.errors import Failure
from app.core.recipe import Recipe
from app.ui.calls import Call
from app.ui.jobs import Jobs
from app.ui.network_words import NETWORKS


class Recipes(QObject):
    """Lists, keeps and deletes recipes; changes are carried out one after the other.

    Signals
    -------
    listed()
        The recipes are known, or others than before.
    saved(str)
        A recipe is kept under this name.
    deleted(str)
        A recipe is gone; `undo` brings it back.
    failed(Failure)
        Something could not be done.
    """

    listed = Signal()
    saved = Signal(str)
    deleted = Signal(str)
    failed = Signal(object)

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.known: dict[str, dict[str, Any]] = {}
        self._list, self._change = Call(jobs, "list_recipes", parent=self), Call(jobs, "save_recipe", parent=self)
        self._waiting: list[dict[str, Any]] = []
        self._deleted: list[Recipe] = []
        self._list.finished.connect(self._take)
        self._change.finished.connect(self._end_change)
        for call in (self._list, self._change):
            call.failed.connect(self.failed)
        for signal in (self._change.failed, self._change.stopped):
            signal.connect(lambda *_: self._go_on())

    @property
    def for_features(self) -> list[dict[str, Any]]:
        """The recipes that measure features, shipped ones first."""
        found = [each for each in self.known.values() if each.get("kind", "features") == "features"]
        return sorted(found, key=lambda each: (not each.get("shipped"), each["name"].casefold()))

    @property
    def for_models(self) -> list[dict[str, Any]]:
        """The recipes that say how to learn: from features, the default one first, then from pictures."""
        found = [each for each in self.known.values() if each.get("kind") in ("model", "network")]
        first = ("default", *NETWORKS)
        return sorted(found, key=lambda each: (each["kind"] == "network", not each.get("shipped"),
                                               first.index(each["name"]) if each["name"] in first else len(first),
                                               each["name"]))

    @property
    def for_networks(self) -> list[dict[str, Any]]:
        """The recipes with a network, shipped ones first."""
        found = [each for each in self.known.values() if each.get("kind") == "network"]
        return sorted(found, key=lambda each: (not each.get("shipped"), each["name"].casefold()))

    def load(self) -> None:
        """Ask for the list; `listed` follows."""
        self._list.start({}, "Reading the recipes")

    def recipe(self, name: str) -> Recipe | None:
        """Return the recipe of this name; None when there is none."""
        found = self.known.get(name)
        return None if found is None else Recipe.parse(found["recipe"])

    @property
    def readable(self) -> dict[str, Recipe]:
        """Every recipe that can be read, by name."""
        return {name: recipe for name in self.known if (recipe := self.recipe(name)) is not None}

    def is_own(self, name: str) -> bool:
        """Whether a recipe is the reader's own, and may be changed."""
        return name in self.known and not self.known[name].get("shipped")

    def free_name(self, name: str) -> str:
        """The name, or the first of name-2, name-3 that is not taken."""
        found, number = name, 2
        while found in self.known:
            found, number = f"{name}-{number}", number + 1
        return found

    def save(self, recipe: Recipe, replaces: str | None = None) -> None:
        """Keep a recipe; `saved` or `failed` follows."""
        self._ask({"recipe": recipe_json(recipe), "replaces": replaces, "delete": False})

    def delete(self, name: str) -> None:
        """Delete a recipe of one's own."""
        recipe = self.recipe(name)
        if recipe is not None and self.is_own(name):
            self._deleted.append(recipe)
            self._ask({"recipe": recipe_json(recipe), "replaces": name, "delete": True})

    def undo(self) -> bool:
        """Bring back what was deleted last; False when nothing was."""
        if not self._deleted:
            return False
        self.save(self._deleted.pop())
        return True

    def _ask(self, request: dict[str, Any]) -> None:
        self._waiting.append(request)
        self._go_on()

    def _go_on(self) -> None:
        if self._waiting and not self._change.running:
            self._change.start(self._waiting.pop(0), "Keeping the recipe")

    def _take(self, result: Mapping[str, Any]) -> None:
        self.known = {each["name"]: dict(each) for each in result.get("recipes") or ()}
        self.listed.emit()
        for problem in result.get("problems") or ():
            self.failed.emit(Failure("recipe", f"Your recipe {problem['name']} cannot be read. {problem['message']}"))

    def _end_change(self, result: Mapping[str, Any]) -> None:
        asked = self._change.request
        name = str(result.get("name") or asked["recipe"]["name"])
        if asked["delete"]:
            self.known.pop(name, None)
            self.deleted.emit(name)
        else:
            if asked["replaces"] and asked["replaces"] != name:
                self.known.pop(asked["replaces"], None)
            recipe = asked["recipe"]
            self.known[name] = {"name": name, "title": name, "description": recipe["description"], "shipped": False,
                                "kind": kind_of(recipe), "features": result.get("features"), "recipe": recipe}
            self.saved.emit(name)
        self.listed.emit()
        self._go_on()
        if not self._change.running:
            self.load()


def kind_of(recipe: Mapping[str, Any]) -> str:
    """Say what a recipe as JSON is for: 'network', 'model' or 'features'."""
    return "network" if recipe.get("network") else "model" if "model" in recipe else "features"


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from a JSON file.

    Raises
    ------
    RecipeError
        It is none.
    """
    return Recipe.parse(path)


def recipe_json(recipe: Recipe) -> dict[str, Any]:
    """Give a recipe as JSON; one that says nothing of learning stays so."""
    return recipe.model_dump(mode="json", exclude=None if "model" in recipe.model_fields_set else {"model"})


def recipe_text(recipe: Recipe) -> bytes:
    """Write a recipe as a file holds it."""
    return (json.dumps(recipe_json(recipe), indent=2, ensure_ascii=False) + "\n").encode()


def not_written(path: str, error: OSError) -> Failure:
    """Say that a file could not be written."""
    return Failure("input", f"{Path(path).name} could not be written ({error.strerror}).",
                   "Choose a folder that can be written.")
