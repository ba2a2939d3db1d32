"""A button that starts a run, and while it goes on: its step, how far it is, the time left, and a way to stop it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from app.ui.calls import Call
from app.ui.widgets.copy_label import ElidedLabel
from app.ui.words import left_words


class RunBar(QWidget):
    """Follows one `Call`.

    Parameters
    ----------
    title : str
        What the button says.
    call : Call
        The run.

    Signals
    -------
    start_requested()
        The reader wants it to begin.
    """

    start_requested = Signal()

    def __init__(self, title: str, call: Call, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._call = title, call
        self.button, self.bar, self.step, self.left = QPushButton(title), QProgressBar(), ElidedLabel(), QLabel()
        self.button.setProperty("role", "primary")
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        self.bar.setAccessibleName(f"Progress: {title}")
        self.left.setProperty("role", "dim")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (self.button, self.bar, self.step, self.left):
            row.addWidget(widget)
        self.button.clicked.connect(self._press)
        call.began.connect(self._follow)
        call.progress.connect(self._progress)
        for signal in (call.finished, call.failed, call.stopped):
            signal.connect(lambda *_: self._follow())
        self._follow()

    def say(self, words: str) -> None:
        """Say something beside the button while nothing runs."""
        if not self._call.running:
            self.step.setText(words)
            self.step.setVisible(bool(words))

    def _press(self) -> None:
        if self._call.running:
            self._call.cancel()
        else:
            self.start_requested.emit()

    def _follow(self) -> None:
        running = self._call.running
        self.button.setText("Cancel" if running else self._title)
        self.bar.setValue(0)
        self.step.setText(self._call.standing() if running else "")
        self.left.setText("")
        for widget in (self.bar, self.step, self.left):
            widget.setVisible(running)

    def _progress(self, fraction: float, message: str, left: float) -> None:
        self.bar.setValue(int(fraction * 1000))
        self.step.setText(message)
        self.left.setText(left_words(left))
