"""What is wrong, one card each: where, what, and how to put it right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.ui.theme import theme
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.verdict_mark import VerdictMark

_SHOWN = 30


class ProblemList(QScrollArea):
    """Problems that stop come first, marked; notes are quiet.

    Signals
    -------
    confirmed(str)
        The reader says that this column is right.
    """

    confirmed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Problems of the table")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.problems: tuple[Mapping[str, Any], ...] = ()
        self.show_problems(())

    def show_problems(self, problems: Sequence[Mapping[str, Any]]) -> None:
        """Show problems: `message`, `fix`, `stops`, and a column to `confirm` where that would settle it."""
        ordered = tuple(sorted(problems, key=lambda each: not each["stops"]))
        if ordered == self.problems and self.widget() is not None:
            return
        self.problems = ordered
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(6)
        for each in ordered[:_SHOWN]:
            column.addWidget(self._make_card(each))
        if len(ordered) > _SHOWN:
            column.addWidget(wrapped(f"and {len(ordered) - _SHOWN:,} more", "dim"))
        column.addStretch(1)
        self.setWidget(body)

    def restyle(self) -> None:
        """Follow another theme."""
        shown, self.problems = self.problems, ()
        self.takeWidget()
        self.show_problems(shown)

    def _make_card(self, problem: Mapping[str, Any]) -> QWidget:
        card = QFrame()
        card.setProperty("role", "card")
        row, words = QHBoxLayout(card), QVBoxLayout()
        row.setContentsMargins(10, 8, 10, 8)
        words.setSpacing(2)
        if problem["stops"]:
            mark = VerdictMark()
            mark.show_mark("exclamation", theme().warning)
            row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        words.addWidget(wrapped(str(problem["message"])))
        if problem["fix"]:
            words.addWidget(wrapped(str(problem["fix"]), "dim"))
        if problem.get("confirm"):
            column = str(problem["confirm"])
            button = QPushButton(f"'{column}' is right")
            button.setToolTip("Only if you know it: what this warns of can make a model look better than it is")
            button.clicked.connect(lambda: self.confirmed.emit(column))
            words.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        row.addLayout(words, 1)
        return card
