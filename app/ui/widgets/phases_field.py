"""Phases of a training: what learns, for how long and how fast, one after the other; or everything at once."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.core.network_recipe import PhaseRecipe
from app.ui.network_looks import PHASE
from app.ui.widgets.recipe_form import RecipeForm
from app.ui.widgets.result_panel import heading

START = (PhaseRecipe(unfreeze="head", epochs=20, rate=1e-3), PhaseRecipe(unfreeze="last", epochs=20, rate=1e-5))
MOST = 6
_INDENT = 20


class PhasesField(QWidget):
    """A switch, and a form for each phase.

    Signals
    -------
    changed()
        The reader has changed the phases.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.switch = QCheckBox("Train in phases")
        self.switch.setToolTip("First the new last layers learn, then more of the network, more slowly")
        self.more, self.fewer = QPushButton("Add a phase"), QPushButton("Remove the last")
        self.forms: list[RecipeForm] = []
        row, room, column = QHBoxLayout(), QVBoxLayout(), QVBoxLayout(self)
        self._room = QVBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.more)
        row.addWidget(self.fewer)
        row.addStretch(1)
        room.setContentsMargins(_INDENT, 0, 0, 0)
        room.addLayout(self._room)
        room.addLayout(row)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.switch)
        column.addLayout(room)
        self._value: tuple[PhaseRecipe, ...] = ()
        self._kept = START
        self.switch.clicked.connect(lambda on: self._take(self._kept if on else ()))
        self.more.clicked.connect(lambda: self._take((*self._value, self._value[-1])))
        self.fewer.clicked.connect(lambda: self._take(self._value[:-1]))
        self._draw()

    def value(self) -> tuple[PhaseRecipe, ...]:
        """The phases; none where everything learns at once."""
        return self._value

    def set_value(self, value: tuple[PhaseRecipe, ...]) -> None:
        """Show phases."""
        if value != self._value:
            self._value = value
            self._kept = value or self._kept
            self._draw()

    def _take(self, value: tuple[PhaseRecipe, ...]) -> None:
        self.set_value(value)
        self.changed.emit()

    def _change(self, place: int, phase: PhaseRecipe) -> None:
        self._value = self._kept = (*self._value[:place], phase, *self._value[place + 1:])
        self.changed.emit()

    def _draw(self) -> None:
        if len(self.forms) != len(self._value):
            while self._room.count():
                part = self._room.takeAt(0).widget()
                part.hide()
                part.deleteLater()
            self.forms = []
            for place, phase in enumerate(self._value):
                form = RecipeForm(PhaseRecipe, PHASE, phase)
                form.changed.connect(lambda value, place=place: self._change(place, value))
                self.forms.append(form)
                self._room.addWidget(heading(f"Phase {place + 1}"))
                self._room.addWidget(form)
        for form, phase in zip(self.forms, self._value, strict=True):
            form.set_value(phase)
        self.switch.setChecked(bool(self._value))
        for button in (self.more, self.fewer):
            button.setVisible(bool(self._value))
        self.more.setEnabled(len(self._value) < MOST)
        self.fewer.setEnabled(len(self._value) > 1)
