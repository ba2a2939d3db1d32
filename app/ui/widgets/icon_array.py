"""A crowd of tumours as icons, one each: what a test calls and clears among those that are malignant and not.

Shape says what a tumour is and filling what the test says, so that neither colour nor print is needed to read it:
squares are malignant, discs benign; filled ones are called.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from app.ui.theme import tabular_font, theme

ACROSS, CELL, LINE = 50, 12, 22
KINDS = ("malignant, called", "malignant, missed", "benign, called", "benign, cleared")


def draw_icon_array(counts: tuple[int, int, int, int], ratio: float = 1.0) -> QImage:
    """Draw a crowd and its legend in the colours of the theme.

    Parameters
    ----------
    counts : tuple of int
        Of each of `KINDS`.
    ratio : float
        Pixels of the device for each of the picture.
    """
    colours = theme()
    rows = -(-sum(counts) // ACROSS)
    width, height = ACROSS * CELL + 8, rows * CELL + 2 * LINE + 12
    image = QImage(round(width * ratio), round(height * ratio), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(QColor(colours.panel_high))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    kinds = [kind for kind, count in enumerate(counts) for _ in range(count)]
    for place, kind in enumerate(kinds):
        _draw_icon(painter, kind, QPointF(4 + (place % ACROSS + 0.5) * CELL, 4 + (place // ACROSS + 0.5) * CELL))
    painter.setFont(tabular_font(colours.small_px))
    for kind, words in enumerate(KINDS):
        top = rows * CELL + 8 + LINE * (kind // 2)
        left = 4 + (kind % 2) * width / 2
        _draw_icon(painter, kind, QPointF(left + CELL / 2, top + LINE / 2))
        painter.setPen(QColor(colours.text))
        painter.drawText(QRectF(left + 1.5 * CELL, top, width / 2, LINE),
                         Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, f"{counts[kind]:,} {words}")
    painter.end()
    return image


def _draw_icon(painter: QPainter, kind: int, centre: QPointF) -> None:
    colours, malignant, called = theme(), kind < 2, kind % 2 == 0
    colour = QColor(colours.malignant if malignant else colours.lipoma)
    painter.setPen(QPen(colour, 1.4))
    painter.setBrush(colour if called else Qt.BrushStyle.NoBrush)
    size = 3.9 if malignant else 3.3
    box = QRectF(centre.x() - size, centre.y() - size, 2 * size, 2 * size)
    if malignant:
        painter.drawRect(box)
    else:
        painter.drawEllipse(box)
