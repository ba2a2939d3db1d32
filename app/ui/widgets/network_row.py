"""A network among the models: a tick box with its sentence, how large it is, what it needs, the way to change it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QPushButton, QWidget

from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.explained import Explained

_INDENT = 24


class NetworkRow(Explained):
    """As `Explained`, with facts and buttons below.

    Signals
    -------
    edit_requested()
        The reader wants to see its settings and pictures.
    weights_requested()
        The reader wants to choose the file that it starts from.
    """

    edit_requested = Signal()
    weights_requested = Signal()

    def __init__(self, button: QAbstractButton, sentence: str, beside: QWidget | None = None,
                 parent: QWidget | None = None) -> None:
        super().__init__(button, sentence, beside, parent)
        self.facts, self.weights = wrapped(role="dim"), wrapped()
        self.edit, self.choose = QPushButton("Settings and pictures…"), QPushButton("Choose weights…")
        self.edit.setToolTip("How pictures are cut and varied, and how the network is trained; with a preview on your "
                             "own cases")
        self.choose.setToolTip("The file that the network starts from (.pth or .safetensors)")
        for pressed in (self.edit, self.choose):
            pressed.setProperty("role", "link")
        for pressed, name in ((self.edit, "Settings and pictures of"), (self.choose, "Choose weights of")):
            pressed.setAccessibleName(f"{name} {button.text()}")
        row = QHBoxLayout()
        row.setContentsMargins(_INDENT - 4, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.edit)
        row.addWidget(self.choose)
        row.addStretch(1)
        for label in (self.facts, self.weights):
            label.setContentsMargins(_INDENT, 0, 0, 0)
            self.column.addWidget(label)
        self.column.addLayout(row)
        self.edit.clicked.connect(self.edit_requested)
        self.choose.clicked.connect(self.weights_requested)

    def show_facts(self, facts: str, weights: str, *, needed: bool, missing: bool) -> None:
        """Say how large it is and what it looks at; what is known of its weights, if any are needed, or missing."""
        self.facts.setText(facts)
        self.weights.setText(weights)
        self.weights.setVisible(bool(weights))
        role = "warning" if missing else "dim"
        if self.weights.property("role") != role:
            self.weights.setProperty("role", role)
            self.weights.style().unpolish(self.weights)
            self.weights.style().polish(self.weights)
            self.weights.updateGeometry()  # its letters are larger or smaller now
        self.choose.setVisible(needed)
