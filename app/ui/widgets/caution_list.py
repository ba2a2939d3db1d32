"""Everything the reader must know before trusting the number, counted, in full sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.theme import theme
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.verdict_mark import VerdictMark


class CautionList(QWidget):
    """A heading with the count, then one sentence per caution.

    Signals
    -------
    explained(str)
        The reader asks what the cautions mean: the code of the first.
    """

    explained = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = QLabel("Cautions")
        self.heading.setProperty("role", "heading")
        self.explain = QPushButton("What they mean")
        self.explain.setProperty("role", "link")
        self.explain.setToolTip("Open the guide at these cautions")
        self.explain.clicked.connect(lambda: self.explained.emit(self._first))
        self._first = ""
        head = QHBoxLayout()
        head.addWidget(self.heading)
        head.addStretch(1)
        head.addWidget(self.explain)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(6)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addLayout(self._rows)
        self.sentences: tuple[str, ...] = ()

    def show_cautions(self, cautions: Sequence[Mapping[str, Any]]) -> None:
        """Show cautions as `{code, message}`; the same sentence is said once."""
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        self.sentences = tuple(dict.fromkeys(str(caution["message"]) for caution in cautions))
        self._first = str(cautions[0].get("code", "")) if cautions else ""
        self.explain.setVisible(bool(cautions))
        self.heading.setText(f"Cautions ({len(self.sentences)})" if self.sentences else "No cautions")
        for sentence in self.sentences:
            row = QWidget()
            line = QHBoxLayout(row)
            line.setContentsMargins(0, 0, 0, 0)
            line.setSpacing(6)
            mark = VerdictMark()
            mark.show_mark("exclamation", theme().warning)
            line.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
            line.addWidget(wrapped(sentence), 1)
            self._rows.addWidget(row)
