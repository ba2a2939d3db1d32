"""The steps of a wizard at the side: where one is, what was said at each, and which can be gone to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.ui.theme import tabular_font, theme

WIDTH, ROW = 216, 54
_CIRCLE = 22
_STEP = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class StepState:
    """A step: its title, what was said there, whether it is done, and whether it can be gone to."""

    title: str
    said: str = ""
    done: bool = False
    open: bool = False


class StepList(QListWidget):
    """One row for each step.

    Signals
    -------
    chosen(int)
        The reader wants this step.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Steps")
        self.setFixedWidth(WIDTH)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setItemDelegate(_Painter(self))
        self.setMouseTracking(True)
        self.currentRowChanged.connect(self._tell)
        self._quiet = False

    def show_steps(self, steps: Sequence[StepState], current: int) -> None:
        """Show the steps, and where the reader is."""
        self._quiet = True
        while self.count() < len(steps):
            self.addItem(QListWidgetItem())
        for number, step in enumerate(steps):
            item = self.item(number)
            item.setData(_STEP, step)
            mark = "done" if step.done else "open" if step.open else "not yet"
            item.setText(f"{number + 1} {step.title}")
            item.setToolTip(step.said)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"Step {number + 1}, {step.title}, {mark}. {step.said}")
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable if step.open
                          else Qt.ItemFlag.NoItemFlags)
        self.setCurrentRow(current)
        self._quiet = False
        self.viewport().update()

    def _tell(self, row: int) -> None:
        if not self._quiet and row >= 0:
            self.chosen.emit(row)


class _Painter(QStyledItemDelegate):
    """A number in a circle, filled when done, and two lines beside it."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        """Give every step the same height."""
        return QSize(WIDTH, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem,
              index: QModelIndex | QPersistentModelIndex) -> None:
        """Paint one step."""
        step: StepState = index.data(_STEP)
        colours, rect = theme(), option.rect
        here = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if here:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.panel_high))
            painter.drawRoundedRect(rect.adjusted(2, 2, -2, -2), 4, 4)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(colours.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(2, 2, -2, -2), 4, 4)
        circle = QRectF(rect.left() + 12, rect.center().y() - _CIRCLE / 2, _CIRCLE, _CIRCLE)
        filled = step.done or here
        edge = QColor(colours.accent if filled else colours.text_dim)
        painter.setPen(QPen(edge, 1.6))
        painter.setOpacity(1.0 if step.open else 0.55)
        painter.setBrush(edge if step.done else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(circle)
        painter.setFont(tabular_font(colours.small_px, bold=True))
        painter.setPen(QColor(colours.panel) if step.done else edge)
        painter.drawText(circle, Qt.AlignmentFlag.AlignCenter, "✓" if step.done else str(index.row() + 1))
        painter.setOpacity(1.0)
        text = QRectF(circle.right() + 10, rect.top() + 8, rect.width() - _CIRCLE - 40, 18)
        painter.setFont(tabular_font(colours.normal_px, bold=here))
        painter.setPen(QColor(colours.text if step.open else colours.text_dim))
        if not step.said:
            text.moveTop(rect.center().y() - 9)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, step.title)
        if step.said:
            painter.setFont(tabular_font(colours.small_px))
            painter.setPen(QColor(colours.text_dim))
            said = painter.fontMetrics().elidedText(step.said, Qt.TextElideMode.ElideRight, int(text.width()))
            painter.drawText(text.translated(0, 19), Qt.AlignmentFlag.AlignVCenter, said)
        painter.restore()
