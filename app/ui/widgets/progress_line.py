"""The last line of the window: what is being done, how long still, a way to stop it, and what this program is for."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from app.ui.widgets.copy_label import CopyLabel, ElidedLabel
from app.ui.words import NOTICE, left_words

PATIENCE_MS = 500


class ProgressLine(QWidget):
    """Shows work that takes longer than half a second; quiet otherwise.

    Signals
    -------
    cancel_requested()
        The reader wants it stopped.
    """

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.step, self.left = ElidedLabel(middle=True), QLabel()
        self.left.setProperty("role", "dim")
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        self.bar.setAccessibleName("Progress")
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("Stop this (Esc)")
        self.cancel.clicked.connect(self.cancel_requested)
        self.note = ElidedLabel(role="dim", middle=True)
        self.notice = CopyLabel(NOTICE, "dim")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 12, 4)
        layout.setSpacing(12)
        for widget in (self.step, self.bar, self.left, self.cancel):
            layout.addWidget(widget)
            widget.hide()
        layout.addWidget(self.note)
        layout.addStretch(1)
        layout.addWidget(self.notice)
        self.setFixedHeight(40)
        self._text, self._fraction = "", 0.0
        self._working = False
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(self._appear)
        self._hush = QTimer(self)
        self._hush.setSingleShot(True)
        self._hush.timeout.connect(lambda: self.note.setText(""))

    @property
    def working(self) -> bool:
        """Whether something is being waited for."""
        return self._working

    def begin(self, text: str) -> None:
        """Start waiting for something."""
        self._text, self._fraction, self._working = text, 0.0, True
        self.note.setText("")
        if not self.step.isVisible() and not self._patience.isActive():
            self._patience.start(PATIENCE_MS)
        self._show("")

    def update_step(self, fraction: float, text: str, seconds_left: float = -1.0) -> None:
        """Name the step, how far it is (0 to 1) and the seconds left (negative while unknown)."""
        if not self._working:
            self.begin(text)
        self._text, self._fraction = text, fraction
        self._show(left_words(seconds_left))

    def end(self) -> None:
        """Nothing is waited for any more."""
        self._working = False
        self._patience.stop()
        for widget in (self.step, self.bar, self.left, self.cancel):
            widget.hide()

    def say(self, sentence: str, seconds: float = 8.0) -> None:
        """Say something in passing."""
        self.note.setText(sentence)
        self._hush.start(int(seconds * 1000))

    def _appear(self) -> None:
        if self._working:
            for widget in (self.step, self.bar, self.left, self.cancel):
                widget.show()

    def _show(self, left: str) -> None:
        self.step.setText(self._text)
        self.left.setText(left)
        self.bar.setValue(int(self._fraction * 1000))
