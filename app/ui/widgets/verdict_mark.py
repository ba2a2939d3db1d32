"""The verdict's shape beside its word, so that colour never speaks alone."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget


def paint_mark(painter: QPainter, shape: str, colour: str, box: QRectF) -> None:
    """Paint a circle, triangle, square, cross, ring, dots or '!' in `box` (painter's coordinates)."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    ink = QColor(colour)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ink)
    if shape == "circle":
        painter.drawEllipse(box)
    elif shape == "triangle":
        painter.drawPolygon(QPolygonF([QPointF(box.center().x(), box.top()), box.bottomRight(), box.bottomLeft()]))
    elif shape == "square":
        painter.drawRect(box.adjusted(1, 1, -1, -1))
    elif shape == "exclamation":
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(ink)
        painter.drawText(box.adjusted(-4, -4, 4, 4), Qt.AlignmentFlag.AlignCenter, "!")
    elif shape == "question":
        painter.setPen(ink)
        painter.drawText(box.adjusted(-4, -4, 4, 4), Qt.AlignmentFlag.AlignCenter, "?")
    elif shape == "cross":
        painter.setPen(QPen(ink, 2.5))
        painter.drawLine(box.topLeft(), box.bottomRight())
        painter.drawLine(box.topRight(), box.bottomLeft())
    elif shape == "ring":
        painter.setPen(QPen(ink, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(box.adjusted(1, 1, -1, -1))
    elif shape == "dots":
        for share in (0.1, 0.5, 0.9):
            painter.drawEllipse(QPointF(box.left() + share * box.width(), box.center().y()), 1.5, 1.5)
    painter.restore()


class VerdictMark(QWidget):
    """A verdict's shape, 16 pixels high."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shape, self._colour = "", "#9aa3ad"
        self.setFixedSize(QSize(16, 16))
        self.setStyleSheet("background: transparent")

    @property
    def shape(self) -> str:
        """Name of the shape shown."""
        return self._shape

    def show_mark(self, shape: str, colour: str) -> None:
        """Show a shape in a colour ('#rrggbb')."""
        self._shape, self._colour = shape, colour
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Paint the shape."""
        painter = QPainter(self)
        paint_mark(painter, self._shape, self._colour, QRectF(self.rect()).adjusted(2, 2, -2, -2))
        painter.end()
