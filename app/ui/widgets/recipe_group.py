"""A part of a recipe that can be left out: a switch with its title, and the part's own form below."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from app.core.recipe import Settings
from app.ui.widgets.recipe_form import Look, RecipeForm

INDENT = 20


class RecipeGroup(QWidget):
    """Settings or None.

    Parameters
    ----------
    title, tip : str
        Of the switch.
    kind : type of Settings
        The class of the part.
    looks : mapping of str to Look
        As for `RecipeForm`.

    Signals
    -------
    changed()
        The reader has changed it to something valid.
    refused(str)
        What the reader has entered cannot be used; '' once it can.
    """

    changed = Signal()
    refused = Signal(str)

    def __init__(self, title: str, tip: str, kind: type[Settings], looks: Mapping[str, Look],
                 parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.switch, self.form = QCheckBox(title), RecipeForm(kind, looks)
        self.switch.setToolTip(tip)
        self.switch.clicked.connect(self._use)
        self.form.changed.connect(lambda _value: self.changed.emit())
        self.form.refused.connect(self.refused)
        room = QVBoxLayout()
        room.setContentsMargins(INDENT, 0, 0, 4)
        room.addWidget(self.form)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.switch)
        column.addLayout(room)
        self.set_value(None)

    def value(self) -> Settings | None:
        """The part's settings; None where it is left out."""
        return self.form.value if self.switch.isChecked() else None

    def set_value(self, value: Settings | None) -> None:
        """Show settings, or that the part is left out."""
        self.switch.setChecked(value is not None)
        self.form.setVisible(value is not None)
        if value is not None:
            self.form.set_value(value)

    def _use(self, used: bool) -> None:
        self.form.setVisible(used)
        self.changed.emit()
