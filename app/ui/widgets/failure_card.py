"""What could not be done, in words, with the next step within reach."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui.messages import Message
from app.ui.theme import theme
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.verdict_mark import VerdictMark

SHOWN_POINTS = 8


class FailureCard(QFrame):
    """A sentence, its remedy, and buttons for what helps.

    Signals
    -------
    retry_requested()
        Try the same again.
    closed()
        Read and done with.
    """

    retry_requested = Signal()
    closed = Signal()

    def __init__(self, message: Message, *, retry: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.sentence, self.remedy = wrapped(message.sentence), wrapped(message.remedy, "dim")
        self.remedy.setVisible(bool(message.remedy))
        mark = VerdictMark()
        mark.show_mark("exclamation", theme().warning)
        top = QHBoxLayout()
        top.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        top.addWidget(self.sentence, 1)
        self.points = wrapped("\n".join(message.points[:SHOWN_POINTS]))
        if len(message.points) > SHOWN_POINTS:
            self.points.setText(f"{self.points.text()}\nand {len(message.points) - SHOWN_POINTS} more")
        self.points.setVisible(bool(message.points))
        self.retry, self.copy, close = QPushButton("Try again"), QPushButton("Copy details"), QPushButton("Close")
        self.retry.setVisible(retry and message.can_retry)
        self.retry.clicked.connect(self.retry_requested)
        self.copy.setVisible(bool(message.details))
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(message.details))
        close.clicked.connect(self.closed)
        buttons = QHBoxLayout()
        for button in (self.retry, self.copy, close):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addWidget(self.points)
        layout.addWidget(self.remedy)
        layout.addLayout(buttons)
