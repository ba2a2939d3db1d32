"""Flags in full sentences: a mark, the word for how grave it is, what was found, and the way to its cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.ui.theme import theme
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.mark_icon import SEVERITIES
from app.ui.widgets.verdict_mark import VerdictMark

_GRAVITY = tuple(SEVERITIES)


class FlagList(QScrollArea):
    """Gravest first.

    Parameters
    ----------
    limit : int
        Height beyond which it scrolls, pixels.

    Signals
    -------
    cases_requested(list)
        The reader wants to see these cases alone.
    """

    cases_requested = Signal(list)

    def __init__(self, limit: int = 150, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._limit = limit
        self._body = QWidget()
        self._column = QVBoxLayout(self._body)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self.setWidget(self._body)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.sentences: tuple[str, ...] = ()
        self._flags: list[Mapping[str, Any]] = []

    def limit(self, height: int) -> None:
        """Scroll beyond this height, pixels."""
        if height != self._limit:
            self._limit = height
            self._fit()

    def show_flags(self, flags: Sequence[Mapping[str, Any]], nothing: str = "") -> None:
        """Show flags as `{code, message, severity}`, some with `cases`; a sentence when there are none."""
        while (item := self._column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        self._flags = sorted(flags, key=lambda flag: _GRAVITY.index(str(flag["severity"])))
        self.sentences = tuple(f"{str(flag['severity']).capitalize()}: {flag['message']}" for flag in self._flags)
        for flag, sentence in zip(self._flags, self.sentences, strict=True):
            self._column.addWidget(self._line(flag, sentence))
        if not flags and nothing:
            self._column.addWidget(wrapped(nothing, "dim"))
        self._column.addStretch(1)
        self.setVisible(bool(flags or nothing))
        self._fit()

    def _line(self, flag: Mapping[str, Any], sentence: str) -> QWidget:
        shape, role = SEVERITIES[str(flag["severity"])]
        line, mark = QWidget(), VerdictMark()
        mark.show_mark(shape, getattr(theme(), role))
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        cases = [str(case) for case in flag.get("cases") or ()]
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignVCenter if cases else Qt.AlignmentFlag.AlignTop)
        row.addWidget(wrapped(sentence), 1)
        if cases:
            button = QPushButton("Show the case" if len(cases) == 1 else f"Show the {len(cases):,} cases")
            button.setProperty("role", "link")
            button.clicked.connect(lambda: self.cases_requested.emit(cases))
            row.addWidget(button)
        return line

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        """Follow the width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        width = max(self.viewport().width(), 1)
        tall = self._column.hasHeightForWidth()
        needed = self._column.heightForWidth(width) if tall else self._column.sizeHint().height()
        if needed > self._limit and self._flags:  # it shall not end within a sentence
            needed, spent = 0, 0
            for place in range(len(self._flags)):
                widget = self._column.itemAt(place).widget()
                tall = widget.heightForWidth(width) if widget.hasHeightForWidth() else widget.sizeHint().height()
                spent += tall + (self._column.spacing() if place else 0)
                if needed and spent > self._limit:
                    break
                needed = spent
        self.setFixedHeight(min(max(needed, 0), self._limit))
