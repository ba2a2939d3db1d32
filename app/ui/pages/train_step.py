"""What every step of the training wizard has: room that scrolls, a way to be shown, and what stops the next step."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QScrollArea, QVBoxLayout, QWidget

from app.ui.training import Training


class Step(QScrollArea):
    """One step; its content goes into `column`.

    Parameters
    ----------
    training : Training
        What the steps share.
    """

    def __init__(self, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.training = training
        self.body = QWidget()
        self.column = QVBoxLayout(self.body)
        self.column.setContentsMargins(0, 6, 16, 8)
        self.column.setSpacing(10)
        self.setWidget(self.body)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        training.changed.connect(lambda: self.isVisible() and self.refresh())

    def enter(self) -> None:
        """Be shown."""
        self.refresh()

    def refresh(self) -> None:
        """Show what is known now."""

    def restyle(self) -> None:
        """Follow another theme."""


def add_heading(column: QVBoxLayout, words: str) -> QLabel:
    """Put a heading above what follows."""
    label = QLabel(words)
    label.setProperty("role", "heading")
    if column.count():
        column.addSpacing(6)
    column.addWidget(label)
    return label
