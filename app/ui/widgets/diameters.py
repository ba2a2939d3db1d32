"""Two diameters on a slice: drawn as thin lines with end marks and their lengths, as a caliper would leave them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.ui.theme import tabular_font, theme
from app.ui.widgets.view_case import Point

_LINE, _HALO = QColor("#56e0c0"), QColor(0, 0, 0, 190)
_MARK = 4.0


@dataclass(frozen=True)
class Diameters:
    """The longest diameter of a tumour in any slice and the longest across it: ends, RAS+ mm, and lengths, mm."""

    longest: tuple[Point, Point]
    across: tuple[Point, Point]
    longest_mm: float
    across_mm: float

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """Take what `measure_diameters` found."""
        return cls(_ends(told["longest"]), _ends(told["across"]), float(told["longest_mm"]), float(told["across_mm"]))

    @property
    def words(self) -> str:
        """Both lengths, in whole millimetres as they are reported."""
        return f"{self.longest_mm:.0f} × {self.across_mm:.0f} mm"


def _ends(points: Sequence[Sequence[float]]) -> tuple[Point, Point]:
    first, second = ((float(x), float(y), float(z)) for x, y, z in points)
    return first, second


def paint_diameters(painter: QPainter, lines: Sequence[tuple[QPointF, QPointF]], words: str) -> None:
    """Draw the diameters in pixels of the pane, and their lengths beside the first one's end."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for colour, width in ((_HALO, 4.0), (_LINE, 1.5)):
        painter.setPen(QPen(colour, width))
        for start, end in lines:
            painter.drawLine(start, end)
            for spot in (start, end):
                painter.drawEllipse(spot, _MARK, _MARK)
    painter.setFont(tabular_font(theme().small_px))
    beside = max((end for line in lines[:1] for end in line), key=QPointF.x, default=QPointF())
    room = painter.fontMetrics().boundingRect(words).adjusted(-3, -1, 5, 1)
    room.moveTo(int(beside.x()) + 8, int(beside.y()) - room.height() // 2)
    painter.fillRect(room, QColor(0, 0, 0, 160))
    painter.setPen(_LINE)
    painter.drawText(room, Qt.AlignmentFlag.AlignCenter, words)
