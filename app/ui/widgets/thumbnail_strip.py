"""Some cases of a cohort as small pictures: the largest slice with the outline; a double click opens the case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem, QWidget

from app.ui.theme import theme

SIDE = 84


class ThumbnailStrip(QListWidget):
    """Pictures in rows, with their cases' names.

    Signals
    -------
    opened(dict)
        The reader wants to see this case: its `CaseFiles`.
    """

    opened = Signal(dict)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Some of the cases")
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setIconSize(QSize(SIDE, SIDE))
        self.setGridSize(QSize(SIDE + 10, SIDE + 26))
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setUniformItemSizes(True)
        self.setStyleSheet("QListWidget::item { padding: 0; border: 0; }")
        self.itemActivated.connect(lambda item: self.opened.emit(item.data(Qt.ItemDataRole.UserRole)))

    def show_cases(self, thumbnails: Sequence[Mapping[str, Any]]) -> None:
        """Show cases: `case`, `files`, `picture` or null, `message`."""
        self.clear()
        for each in thumbnails:
            item = QListWidgetItem(_picture(each), str(each["case"]))
            item.setToolTip(str(each["message"] or f"{each['case']}: double click or Enter shows it in the viewer"))
            item.setData(Qt.ItemDataRole.UserRole, dict(each["files"]))
            self.addItem(item)


def _picture(thumbnail: Mapping[str, Any]) -> QIcon:
    drawn = QPixmap(str(thumbnail["picture"] or ""))
    if drawn.isNull():
        drawn = QPixmap(SIDE, SIDE)
        drawn.fill(QColor(theme().viewer))
        painter = QPainter(drawn)
        painter.setPen(QColor(theme().warning))
        painter.drawText(drawn.rect(), Qt.AlignmentFlag.AlignCenter, "!")
        painter.end()
    icon = QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):  # a chosen picture keeps its greys
        icon.addPixmap(drawn, mode)
    return icon
