"""How models and what is simpler are told apart: colour, dash and width together, so that grey print keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap

from app.ui.results import Array
from app.ui.theme import theme

_SOLID, _DASHED = (), (6.0, 3.0)
_MODELS = (_SOLID, _DASHED, (10.0, 3.0, 2.0, 3.0), (3.0, 2.0), (12.0, 4.0), (8.0, 2.0, 2.0, 2.0, 2.0, 2.0))
_RIVALS = ((1.0, 2.5), (1.0, 4.0, 4.0, 4.0), (2.0, 5.0), (1.0, 1.5))
# Okabe and Ito's hues, light for dark rooms and dark for paper; neighbours differ in lightness too.
_COLOURS = {"dark": ("#4c9be8", "#f0a030", "#56e0c0", "#e07ab8", "#f0e442", "#9ecbff"),
            "light": ("#1a5ca8", "#8a4b00", "#0b6b62", "#8a2a68", "#5f5a00", "#34508a")}


_ink = [1.0]


def set_ink(scale: float) -> None:
    """Widen every pen that is made from now on: pictures of more pixels than the screen keep their weight."""
    _ink[0] = scale


def make_pen(colour: str | QColor, width: float = 1.0) -> QPen:
    """Make a pen, pixels wide on the screen."""
    return pg.mkPen(colour, width=width * _ink[0])


def make_points(**settings: Any) -> pg.ScatterPlotItem:
    """Make points that are drawn one by one, so that they are whole in exported drawings too."""
    return pg.ScatterPlotItem(useCache=False, **settings)


@dataclass(frozen=True)
class Look:
    """Colour ('#rrggbb') and dash pattern (in line widths; empty is solid) of one curve."""

    colour: str
    dash: tuple[float, ...]

    def pen(self, width: float = 2.0) -> QPen:
        """Pen of a curve, pixels wide."""
        pen = make_pen(self.colour, width)
        if self.dash:
            pen.setDashPattern(list(self.dash))
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        return pen

    def faint(self, alpha: int) -> QColor:
        """Return the colour, `alpha` of 255."""
        colour = QColor(self.colour)
        colour.setAlpha(alpha)
        return colour


def look_of(name: str, models: Sequence[str], rivals: Sequence[str]) -> Look:
    """Give a model or comparator its look: the same on every figure, whatever else is drawn."""
    if name in models:
        place = list(models).index(name)
        colours = _COLOURS[theme().name]
        return Look(colours[place % len(colours)], _MODELS[(place + place // len(colours)) % len(_MODELS)])
    place = list(rivals).index(name) if name in rivals else 0
    return Look(theme().text_dim, _RIVALS[place % len(_RIVALS)])


def band(x: Array, low: Array, high: Array, look: Look) -> pg.FillBetweenItem:
    """Fill between two curves, in the colour of the one between them."""
    return pg.FillBetweenItem(pg.PlotCurveItem(x, low), pg.PlotCurveItem(x, high), brush=look.faint(60))


def line_icon(look: Look) -> QIcon:
    """Draw a piece of the curve, for lists."""
    picture = QPixmap(64, 32)
    picture.setDevicePixelRatio(2)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setPen(look.pen(2.5))
    painter.drawLine(QRectF(1, 8, 30, 0).topLeft(), QRectF(1, 8, 30, 0).topRight())
    painter.end()
    return QIcon(picture)


def make_legend(plot: pg.PlotWidget, offset: tuple[int, int]) -> pg.LegendItem:
    """Put an empty legend on a plot, readable over curves in both themes."""
    item = plot.getPlotItem()
    if item.legend is not None:
        item.legend.scene().removeItem(item.legend)
        item.legend = None
    paper = QColor(theme().viewer if theme().name == "dark" else theme().panel_high)
    paper.setAlpha(225)
    return item.addLegend(offset=offset, labelTextColor=theme().text, labelTextSize=f"{theme().small_px}px",
                          brush=paper, pen=make_pen(theme().line), verSpacing=-2)


