"""The question which series of a folder make the case: one of them, or several with their sequences' names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.core.errors import Failure
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.sequence_picker import SequencePicker


class SeriesCard(QFrame):
    """Tick the series to use and name them.

    Parameters
    ----------
    question : str
        What is asked.
    picker : SequencePicker
        The images to choose from.
    can_wait : bool
        Whether the question can be put away.

    Signals
    -------
    chosen(list)
        Dicts of `name`, `path`, `series`.
    declined()
    """

    chosen = Signal(list)
    declined = Signal()

    def __init__(self, question: str, picker: SequencePicker, *, can_wait: bool = False,
                 parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.question, self.picker, self.problem = wrapped(question, "title"), picker, wrapped(role="warning")
        self.advice = wrapped("Tick one, or several and say which sequence each is.", "dim")
        self.use, later = QPushButton("Use the ticked ones"), QPushButton("Not now")
        self.use.setProperty("role", "primary")
        self.use.clicked.connect(lambda: self.chosen.emit(picker.chosen()))
        later.clicked.connect(self.declined)
        later.setVisible(can_wait)
        buttons = QHBoxLayout()
        buttons.addWidget(self.use)
        buttons.addWidget(later)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(6)
        for widget in (self.question, self.advice, picker, self.problem):
            layout.addWidget(widget)
        layout.addLayout(buttons)
        picker.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        problem = self.picker.problem()
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        self.use.setEnabled(not problem)


def ask_series(failure: Failure) -> SeriesCard:
    """Make a card of the engine's question which series of a folder is the image."""
    options = [{**option, "series": option["value"]} for option in failure.extra.get("options", ())]
    return SeriesCard(failure.message, SequencePicker(options))


def ask_sequences(images: Sequence[Mapping[str, Any]], files: Mapping[str, Any]) -> SeriesCard:
    """Make a card of all images beside a case's own; those in use are ticked and keep their names."""
    names: dict[int, str] = {}
    for name, path in files["images"].items():
        series = (files.get("series") or {}).get(name, "")
        for row, image in enumerate(images):
            same = image.get("series") == series if series else image.get("path") == path
            if same and row not in names:
                names[row] = "" if name == "image" else name
                break
    return SeriesCard("Which of these images make the case, and which sequence is each?",
                      SequencePicker(images, names, names), can_wait=True)
