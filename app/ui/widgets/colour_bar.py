"""The colours of a map from its lowest to its highest value, with what they mean: on the picture and beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.theme import tabular_font, theme
from app.ui.widgets.attention_map import AttentionMap, colour_table

_GROUND = QColor("#6b7178")  # weak values are see-through: the bar shows them on a picture's grey
STRIP = 10.0


@dataclass(frozen=True)
class ColourScale:
    """A map's colours in words.

    Parameters
    ----------
    method : str
        Whose colours.
    title : str
        What is drawn, and for which class.
    low, high : str
        Values at the ends, with the unit.
    """

    method: str
    title: str
    low: str
    high: str

    @classmethod
    def of(cls, found: AttentionMap) -> ColourScale:
        """Say what a map's colours mean."""
        if found.method == "gradcam":
            return cls("gradcam", f"Grad-CAM (relative): for {found.towards}", "0", "1")
        points = f"{100 * found.limits[1]:.2g}"
        return cls("occlusion", f"Occlusion: {found.towards} when covered",
                   f"+{points} points", f"\N{MINUS SIGN}{points} points")


def paint_strip(painter: QPainter, room: QRectF, method: str) -> None:
    """Paint the colours from left to right."""
    colours = np.ascontiguousarray(colour_table(method)[None])
    strip = QImage(colours.tobytes(), colours.shape[1], 1, 4 * colours.shape[1],
                   QImage.Format.Format_ARGB32_Premultiplied)
    painter.fillRect(room, _GROUND)
    painter.drawImage(room, strip)


class ColourBar(QWidget):
    """The bar beside the picture: the strip, and its ends beneath it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.scale: ColourScale | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setStyleSheet("background: transparent")
        self.setAccessibleName("Colours of the map")

    def show_scale(self, scale: ColourScale | None) -> None:
        """Show a map's colours."""
        self.scale = scale
        self.setAccessibleDescription(f"{scale.title}: from {scale.low} to {scale.high}" if scale else "")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """As high as the strip and one line."""
        line = QFontMetricsF(tabular_font(theme().small_px)).height()
        return QSize(160, round(STRIP + 2 + line))

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Paint strip and ends."""
        if self.scale is None:
            return
        painter = QPainter(self)
        paint_strip(painter, QRectF(0, 0, self.width(), STRIP), self.scale.method)
        font = tabular_font(theme().small_px)
        painter.setFont(font)
        painter.setPen(QColor(theme().text_dim))
        room = QRectF(0, STRIP + 2, self.width(), QFontMetricsF(font).height())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft, self.scale.low)
        painter.drawText(room, Qt.AlignmentFlag.AlignRight, self.scale.high)
        painter.end()

