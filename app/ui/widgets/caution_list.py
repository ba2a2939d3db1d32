"""Everything the reader must know before trusting the number, counted, in full sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui.theme import theme
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.verdict_mark import VerdictMark


class CautionList(QWidget):
    """A heading with the count, then one sentence per caution."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = QLabel("Cautions")
        self.heading.setProperty("role", "heading")
        self._rows = QVBoxLayout()
        self._rows.setSpacing(6)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.heading)
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
