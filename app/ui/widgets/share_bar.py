"""Two small bars: how much of a map lies in the tumour, and how much would if it were spread evenly."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.theme import tabular_font, theme

_TITLES = ("in the tumour", "even spread")
_BAR, _GAP = 8.0, 8.0


class ShareBar(QWidget):
    """Paints both shares from 0 to 1 on one scale."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shares: tuple[float, float] = (0.0, 0.0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setStyleSheet("background: transparent")
        self.setAccessibleName("Share of the map inside the tumour")

    def show_shares(self, share: float, expected: float, sentence: str) -> None:
        """Show both; the sentence says the same in words."""
        self.shares = (share, expected)
        self.setAccessibleDescription(sentence)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Two lines."""
        return QSize(180, round(2 * QFontMetricsF(tabular_font(theme().small_px)).height() + 2))

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Paint title, track, bar and figure of each."""
        painter, colours, font = QPainter(self), theme(), tabular_font(theme().small_px)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        line = metrics.height()
        left = max(metrics.horizontalAdvance(title) for title in _TITLES) + _GAP
        width = self.width() - left - metrics.horizontalAdvance("100 %") - _GAP
        inks = (colours.accent, colours.text_dim)
        for row, (title, share, ink) in enumerate(zip(_TITLES, self.shares, inks, strict=True)):
            top = row * (line + 2)
            painter.setPen(QColor(colours.text if row == 0 else colours.text_dim))
            painter.drawText(QRectF(0, top, left, line), Qt.AlignmentFlag.AlignVCenter, title)
            figure = QRectF(left + width, top, self.width() - left - width, line)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(figure, right, f"{100 * share:.0f} %")
            painter.setPen(Qt.PenStyle.NoPen)
            for reach, colour in ((1.0, colours.line), (share, ink)):
                painter.setBrush(QColor(colour))
                room = QRectF(left, top + (line - _BAR) / 2, max(reach * width, 1.0), _BAR)
                painter.drawRoundedRect(room, 2, 2)
        painter.end()
