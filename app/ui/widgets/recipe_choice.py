"""Which recipe: a picker of shipped and own ones, what the chosen one measures, and the way to its form."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.core.recipe import Recipe
from app.ui.recipes import Recipes
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.elided_combo import ElidedCombo


class RecipeChoice(QWidget):
    """Picker, description, 'Edit recipe…'.

    Signals
    -------
    chosen(str)
        The reader took another recipe.
    edit_requested(str)
        The reader wants to see or change this recipe.
    """

    chosen = Signal(str)
    edit_requested = Signal(str)

    def __init__(self, recipes: Recipes, start: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._recipes, self._wanted = recipes, start
        self.box, self.about = ElidedCombo(), wrapped(role="dim")
        self.box.setAccessibleName("Recipe")
        self.box.setSizeAdjustPolicy(ElidedCombo.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(12)  # a long title gives way to its panel
        self.edit = QPushButton("Edit recipe…")
        self.edit.setToolTip("Look at this recipe's settings; duplicate it, change it, name it")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.box, 1)
        row.addWidget(self.edit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self.about)
        self.box.activated.connect(lambda _row: self._take(self.box.currentData()))
        self.edit.clicked.connect(lambda: self.edit_requested.emit(self.name))
        recipes.listed.connect(self._list)
        recipes.saved.connect(self.choose)
        self._list()

    @property
    def name(self) -> str:
        """Name of the chosen recipe; '' while none is known."""
        return str(self.box.currentData() or "")

    @property
    def recipe(self) -> Recipe | None:
        """The chosen recipe; None while none is known."""
        return self._recipes.recipe(self.name)

    def choose(self, name: str) -> None:
        """Take a recipe, now or when it becomes known."""
        self._wanted = name
        if self.box.findData(name) >= 0 and name != self.name:
            self.box.setCurrentIndex(self.box.findData(name))
            self._take(name)

    def _take(self, name: str) -> None:
        self._wanted = name
        self._show()
        self.chosen.emit(name)

    def _list(self) -> None:
        before = self.name
        self.box.clear()
        known = self._recipes.for_features
        for number, each in enumerate(known):
            own = not each.get("shipped")
            if own and number and known[number - 1].get("shipped"):
                self.box.insertSeparator(self.box.count())
            title = str(each.get("title") or each["name"])
            self.box.addItem(f"{title} (own)" if own else title, each["name"])
        row = self.box.findData(self._wanted)
        self.box.setCurrentIndex(max(row, 0))
        self._show()
        if self.name and self.name != before:
            self.chosen.emit(self.name)

    def _show(self) -> None:
        found = self._recipes.known.get(self.name, {})
        words = [str(found.get("description") or "")]
        if found.get("features"):
            words.append(f"{int(found['features']):,} features per sequence.")
        self.about.setText(" ".join(word for word in words if word))
        self.about.setVisible(bool(self.about.text()))
        self.edit.setEnabled(bool(found))
