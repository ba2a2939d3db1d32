"""The steps that were applied: name, settings, seconds; every cell can be copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from app.ui.widgets.contributions import number


def settings_text(settings: Mapping[str, Any]) -> str:
    """Write settings on one line, those that are unset left out."""
    parts = []
    for name, value in settings.items():
        if value is None or value in ("", [], {}):
            continue
        text = number(value) if isinstance(value, float) else str(value)
        parts.append(f"{name.replace('_', ' ')} {text}")
    return ", ".join(parts)


class TraceTable(QTreeWidget):
    """One row per step."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setHeaderLabels(["Step", "Settings", "Seconds"])
        self.setRootIsDecorated(False)
        self.setAccessibleName("Steps that were applied")
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.header().setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)

    def show_trace(self, trace: Sequence[Mapping[str, Any]], timings: Mapping[str, float] | None = None) -> None:
        """Show the steps of a score or a view, then where its time went."""
        self.clear()
        for entry in trace:
            self._add(str(entry["step"]), settings_text(entry.get("settings") or {}), float(entry.get("seconds") or 0))
        for name, seconds in (timings or {}).items():
            if isinstance(seconds, (int, float)):
                self._add(f"{name} (in all)", "", float(seconds))

    def _add(self, step: str, settings: str, seconds: float) -> None:
        item = QTreeWidgetItem([step, settings, f"{seconds:.2f}"])
        item.setToolTip(1, settings)
        item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        item.setTextAlignment(0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.addTopLevelItem(item)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Answer the copy key with the current row."""
        item = self.currentItem()
        if event.matches(QKeySequence.StandardKey.Copy) and item is not None:
            QGuiApplication.clipboard().setText("\t".join(item.text(column) for column in range(3)))
            return
        super().keyPressEvent(event)
