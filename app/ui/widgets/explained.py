"""A choice and, below it, one sentence that says what it does."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui.widgets.copy_label import wrapped

_INDENT = 24


class Explained(QWidget):
    """A tick box or a radio button with its sentence.

    Parameters
    ----------
    button : QAbstractButton
    sentence : str
        What choosing it means.
    beside : QWidget, optional
        At the right of the button.
    """

    def __init__(self, button: QAbstractButton, sentence: str, beside: QWidget | None = None,
                 parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.button, self.sentence = button, wrapped(sentence, "dim")
        self.sentence.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        self.sentence.setContentsMargins(_INDENT, 0, 0, 0)
        button.setAccessibleDescription(sentence)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(button)
        row.addStretch(1)
        if beside is not None:
            row.addWidget(beside)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(2)
        self.column.addLayout(row)
        self.column.addWidget(self.sentence)

    def say(self, sentence: str) -> None:
        """Say something else about it."""
        self.sentence.setText(sentence)
        self.button.setAccessibleDescription(sentence)


def field_row(title: str, made: QWidget, sentence: str = "") -> QWidget:
    """A named field and a sentence at its right."""
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(8)
    label = QLabel(title)
    label.setBuddy(made)
    label.setFixedWidth(150)
    made.setAccessibleName(title)
    line.addWidget(label)
    line.addWidget(made)
    if sentence:
        said = wrapped(sentence, "dim")
        said.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        made.setAccessibleDescription(sentence)
        line.addWidget(said, 1)
    else:
        line.addStretch(1)
    return row
