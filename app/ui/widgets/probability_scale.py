"""The scale from 0 to 1: where the score lies, how far it may move, the operating point, and what size alone says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QToolTip, QWidget

from app.ui.theme import tabular_font, theme
from app.ui.widgets.verdict_mark import paint_mark
from app.ui.words import (
    comparator_label,
    comparator_of,
    comparator_sentence,
    threshold_sentence,
    training_sentence,
    verdict_of,
)

_MARGIN = 20.0
_LINE_Y = 34.0
_NEAR = 7.0
_HEIGHT, _LOW = 76, 50  # with a comparator below the line, and without


class ProbabilityScale(QWidget):
    """Paints one score on a line from 0 to 1; hovering says each part in words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._score: Mapping[str, Any] | None = None
        self.setMinimumSize(QSize(180, _HEIGHT))
        self.setFixedHeight(_HEIGHT)
        self.setStyleSheet("background: transparent")
        self.setAccessibleName("Scale of the probability")

    def show_score(self, score: Mapping[str, Any]) -> None:
        """Show a score's JSON."""
        self._score = score
        self.setFixedHeight(_HEIGHT if comparator_of(score) else _LOW)
        self.setAccessibleDescription(f"{training_sentence(score)} {threshold_sentence(score)}")
        self.update()

    def words_at(self, x: float) -> str:
        """Say what lies under a position (pixels from the left edge)."""
        if self._score is None:
            return ""
        threshold = self._score.get("threshold")
        if threshold is not None and abs(x - self._x(threshold)) <= _NEAR:
            return threshold_sentence(self._score)
        comparator = comparator_of(self._score)
        if comparator and abs(x - self._x(comparator["probability"])) <= _NEAR:
            return comparator_sentence(self._score)
        low, high = self._score.get("interval") or (2.0, -1.0)
        if self._x(low) - _NEAR <= x <= self._x(high) + _NEAR:
            return training_sentence(self._score)
        return threshold_sentence(self._score)

    def event(self, event: QEvent) -> bool:
        """Answer a hover with words."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.words_at(event.pos().x()), self)
            return True
        return super().event(event)

    def _x(self, probability: float) -> float:
        return _MARGIN + probability * (self.width() - 2 * _MARGIN)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Paint line, band, threshold, comparator and mark, in that order."""
        if self._score is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, score = theme(), self._score
        verdict = verdict_of(score)
        ink = QColor(verdict.colour(colours))
        painter.setFont(tabular_font(colours.small_px))
        painter.setPen(QPen(QColor(colours.line), 4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(self._x(0), _LINE_Y), QPointF(self._x(1), _LINE_Y))
        if score.get("interval"):
            low, high = score["interval"]
            band = QColor(ink)
            band.setAlphaF(0.38)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(band)
            painter.drawRoundedRect(QRectF(self._x(low), _LINE_Y - 7, max(self._x(high) - self._x(low), 2), 14), 3, 3)
        self._paint_threshold(painter)
        self._paint_comparator(painter)
        centre = self._x(score["probability"])
        paint_mark(painter, "circle", colours.panel_high, QRectF(centre - 9, _LINE_Y - 9, 18, 18))
        paint_mark(painter, verdict.shape, ink.name(), QRectF(centre - 6, _LINE_Y - 6, 12, 12))
        painter.setPen(QColor(colours.text_dim))
        for value, text in ((0.0, "0"), (1.0, "1")):
            side = -14.0 if value == 0.0 else 4.0
            painter.drawText(QRectF(self._x(value) + side, _LINE_Y - 8, 10, 16), Qt.AlignmentFlag.AlignCenter, text)
        painter.end()

    def _paint_threshold(self, painter: QPainter) -> None:
        threshold = self._score.get("threshold") if self._score else None
        if threshold is None:
            return
        x, colours = self._x(threshold), theme()
        painter.setPen(QPen(QColor(colours.text), 1.5))
        painter.drawLine(QPointF(x, _LINE_Y - 13), QPointF(x, _LINE_Y + 13))
        room = QRectF(min(max(x - 60, 0), self.width() - 120), 2, 120, 16)
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, f"threshold {threshold:.3f}")

    def _paint_comparator(self, painter: QPainter) -> None:
        score = self._score or {}
        comparator = comparator_of(score)
        if not comparator:
            return
        x, top, colours = self._x(comparator["probability"]), _LINE_Y + 12, theme()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.text_dim))
        painter.drawPolygon(QPolygonF([QPointF(x, top), QPointF(x - 4, top + 7), QPointF(x + 4, top + 7)]))
        painter.setPen(QColor(colours.text_dim))
        room = QRectF(min(max(x - 90, 0), self.width() - 180), top + 8, 180, 16)
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, comparator_label(score))
