"""The dialog of recipes: shipped ones to look at and duplicate, one's own to change, keep, delete and exchange."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import AppError, Failure
from app.core.files import write_atomically
from app.core.recipe import Recipe
from app.ui.messages import words_for
from app.ui.recipes import Recipes, not_written, read_recipe, recipe_text
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.recipe_sheet import RecipeSheet

if TYPE_CHECKING:
    from app.ui.widgets.network_sheet import NetworkSheet

_SHIPPED = "Shipped with the program: duplicate it to change it."
_OWN = "Your own recipe."
_NEW = "Not kept yet."


class RecipeEditor(QDialog):
    """Recipes on the left, the chosen one's form on the right.

    Parameters
    ----------
    recipes : Recipes
        The known recipes.
    chosen : str
        The name of the one to begin with.
    networks : NetworkSheet, optional
        The form of networks, where these are shown in place of recipes of features.
    """

    def __init__(self, recipes: Recipes, chosen: str = "", parent: QWidget | None = None,
                 networks: NetworkSheet | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Recipes" if networks is None else "Networks")
        self._recipes, self._name, self._folder = recipes, chosen, str(Path.home())
        self._shows_networks = networks is not None
        self.list, self.sheet = QListWidget(), networks or RecipeSheet()
        self.list.setAccessibleName("Recipes")
        self.list.setFixedWidth(240)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.standing, self.problem = wrapped(role="dim"), wrapped(role="warning")
        self.buttons: dict[str, QPushButton] = {}
        for name, title, do in (("duplicate", "Duplicate", self.duplicate), ("delete", "Delete", self.delete),
                                ("undo", "Undo", self.undo), ("import", "Import…", self._ask_import),
                                ("export", "Export…", self._ask_export), ("save", "Save", self.save),
                                ("close", "Close", self.accept)):
            self.buttons[name] = QPushButton(title)
            self.buttons[name].setAutoDefault(False)
            self.buttons[name].clicked.connect(do)
        self.buttons["save"].setProperty("role", "primary")
        self.buttons["undo"].setToolTip("Bring back the recipe that was deleted last (Ctrl+Z)")
        undo = QAction("Undo", self)
        undo.setShortcut(QKeySequence.StandardKey.Undo)
        undo.triggered.connect(self.undo)
        self.addAction(undo)
        left, foot, right = QVBoxLayout(), QHBoxLayout(), QVBoxLayout()
        left.addWidget(self.list, 1)
        for names in (("duplicate", "delete"), ("import", "export")):
            row = QHBoxLayout()
            for name in names:
                row.addWidget(self.buttons[name])
            left.addLayout(row)
        foot.addWidget(self.buttons["undo"])
        foot.addStretch(1)
        foot.addWidget(self.buttons["save"])
        foot.addWidget(self.buttons["close"])
        right.addWidget(self.standing)
        right.addWidget(self.sheet, 1)
        right.addWidget(self.problem)
        right.addLayout(foot)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(16)
        layout.addLayout(left)
        layout.addLayout(right, 1)
        self.resize(1280 if self._shows_networks else 920, 820 if self._shows_networks else 760)
        self._draft: Recipe | None = None
        self._deleted = False
        self.list.currentItemChanged.connect(lambda item, _before: item and self.choose(item.data(_NAME_ROLE)))
        self.sheet.changed.connect(self._follow)
        recipes.listed.connect(self._list)
        recipes.saved.connect(self._take_saved)
        recipes.deleted.connect(self._take_deleted)
        recipes.failed.connect(self._say)
        self._list()
        if chosen:
            self.choose(chosen)

    @property
    def chosen(self) -> str:
        """Name of the recipe on screen."""
        return self._name

    def choose(self, name: str) -> None:
        """Show a recipe."""
        recipe = self._recipes.recipe(name)
        if recipe is None:
            return
        self._name, self._draft = name, None
        self._show(recipe)
        self._mark()

    def duplicate(self) -> None:
        """Begin a recipe of one's own with what is on screen."""
        recipe = self.sheet.value()
        self._begin(recipe.model_copy(update={"name": self._recipes.free_name(f"{recipe.name or 'recipe'}-own")}))
        self.sheet.name.setFocus()
        self.sheet.name.selectAll()

    def save(self) -> None:
        """Keep what is on screen."""
        recipe = self.sheet.value()
        if self.sheet.refusal:
            self.problem.setText(self.sheet.refusal)
        elif not recipe.name:
            self.problem.setText("The recipe has no name. Give it one.")
            self.sheet.name.setFocus()
        else:
            self.problem.setText("")
            self._recipes.save(recipe, None if self._draft is not None else self._name)

    def delete(self) -> None:
        """Delete the recipe on screen; it can be brought back."""
        if self._draft is not None:
            self._draft = None
            self._list()
        else:
            self._recipes.delete(self._name)

    def undo(self) -> None:
        """Bring back the recipe that was deleted last."""
        self._recipes.undo()
        self._deleted = False
        self._follow()

    def read(self, path: str) -> None:
        """Take a recipe from a JSON file; it is kept once it is saved."""
        self._folder = str(Path(path).parent)
        try:
            recipe = read_recipe(Path(path))
        except AppError as error:
            self._say(Failure(error.kind, error.message, error.remedy))
            return
        if (recipe.network is not None) != self._shows_networks:
            found = "a network" if recipe.network else "no network"
            self._say(Failure("input", f"{Path(path).name} is a recipe of {found}.", "Choose another file."))
            return
        self._begin(recipe.model_copy(update={"name": self._recipes.free_name(recipe.name)}))

    def write(self, path: str) -> None:
        """Write the recipe on screen to a JSON file."""
        self._folder = str(Path(path).parent)
        try:
            write_atomically(Path(path), recipe_text(self.sheet.value()))
        except OSError as error:
            self._say(not_written(path, error))
            return
        self.standing.setText(f"Written: {path}")

    def _begin(self, recipe: Recipe) -> None:
        self._draft = recipe
        self._show(recipe)
        self.list.setCurrentItem(None)

    def _show(self, recipe: Recipe) -> None:
        self.sheet.set_value(recipe)
        self.problem.setText("")
        self._follow()

    def _follow(self) -> None:
        """Offer what can be done with what is on screen."""
        own = self._draft is not None or self._recipes.is_own(self._name)
        before = self._draft or self._recipes.recipe(self._name)
        changed = before is not None and self.sheet.value() != before
        refusal = self.sheet.refusal
        self.standing.setText(_NEW if self._draft is not None else _OWN if own else _SHIPPED)
        self.sheet.widget().setEnabled(own)
        self.buttons["save"].setEnabled(own and not refusal and (changed or self._draft is not None))
        self.buttons["delete"].setEnabled(own)
        self.buttons["undo"].setVisible(self._deleted)

    def _list(self) -> None:
        blocked = self.list.blockSignals(True)
        self.list.clear()
        for each in self._recipes.for_networks if self._shows_networks else self._recipes.for_features:
            item = QListWidgetItem(str(each.get("title") or each["name"]))
            item.setData(_NAME_ROLE, each["name"])
            item.setToolTip("\n".join(part for part in (item.text(), str(each.get("description") or "")) if part))
            self.list.addItem(item)
        self.list.blockSignals(blocked)
        if self._draft is None:
            if self._name not in self._recipes.known and self.list.count():
                self.choose(self.list.item(0).data(_NAME_ROLE))
            self._mark()
        self._follow()

    def _mark(self) -> None:
        blocked = self.list.blockSignals(True)
        for row in range(self.list.count()):
            if self.list.item(row).data(_NAME_ROLE) == self._name:
                self.list.setCurrentRow(row)
        self.list.blockSignals(blocked)

    def _take_saved(self, name: str) -> None:
        self.choose(name)
        self.standing.setText(f"{name} is kept.")

    def _take_deleted(self, name: str) -> None:
        self._deleted = True
        self._follow()
        self.standing.setText(f"{name} is deleted. Undo brings it back.")

    def _say(self, failure: Failure) -> None:
        words = words_for(failure)
        self.problem.setText(f"{words.sentence} {words.remedy}".strip())

    def _ask_import(self) -> None:
        dialog = QFileDialog(self, "Take a recipe from a file", self._folder, "Recipe (*.json)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.read)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _ask_export(self) -> None:
        dialog = QFileDialog(self, "Write the recipe to a file", self._folder, "Recipe (*.json)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.selectFile(f"{self.sheet.name.text() or 'recipe'}.json")
        dialog.fileSelected.connect(self.write)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


_NAME_ROLE = int(Qt.ItemDataRole.UserRole) + 1
