"""Slices per scan, group by group: boxes from quartile to quartile, the median across, each scan a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.theme import theme
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.plot_style import label_axis, make_plot, style_plot

_HALF = 0.28
_WHISKER = 1.5
_GOLDEN = 0.618034  # neighbours of like height never stand above each other


class BoxPlot(QWidget):
    """Boxes, whiskers to the furthest scan within one and a half boxes, and every scan."""

    def __init__(self, unit: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._unit = unit
        self._groups: dict[str, list[float]] = {}
        self.summary = wrapped()
        self.plot = make_plot(unit)
        self.plot.setMouseEnabled(x=False, y=False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.summary)
        column.addWidget(self.plot, 1)

    def show_groups(self, groups: Mapping[str, Sequence[float]] | None) -> None:
        """Show numbers by group; None shows nothing."""
        self._groups = {str(name): sorted(map(float, values)) for name, values in (groups or {}).items() if values}
        self.restyle()

    def restyle(self) -> None:
        """Draw in the theme's colours."""
        self.plot.clear()
        style_plot(self.plot)
        self.plot.setVisible(bool(self._groups))
        self.summary.setText("; ".join(_summary(name, values) for name, values in self._groups.items())
                             or "The images of the cohort were not looked at: choose it on the page Features.")
        if not self._groups:
            return
        ink, paper = theme().text, pg.mkColor(theme().accent)
        paper.setAlpha(70)
        for place, values in enumerate(self._groups.values()):
            low, middle, high = np.percentile(values, (25, 50, 75))
            reach = _WHISKER * (high - low)
            ends = [value for value in values if low - reach <= value <= high + reach]
            self.plot.addItem(pg.BarGraphItem(x0=[place - _HALF], width=2 * _HALF, y0=[low], y1=[high],
                                              brush=paper, pen=pg.mkPen(ink)))
            self.plot.plot([place - _HALF, place + _HALF], [middle, middle], pen=pg.mkPen(ink, width=3))
            self.plot.plot([place, place, place, place], [ends[0], low, high, ends[-1]], connect="pairs",
                           pen=pg.mkPen(ink))
            aside = place + 0.4 * (np.arange(len(values)) * _GOLDEN % 1 - 0.5)
            self.plot.plot(aside, values, pen=None, symbol="o", symbolSize=5, symbolPen=None,
                           symbolBrush=pg.mkBrush(theme().text_dim))
        self.plot.getAxis("bottom").setTicks([[(place, f"{name} ({len(values)})") for place, (name, values)
                                               in enumerate(self._groups.items())]])
        label_axis(self.plot, "left", self._unit)
        most = max(values[-1] for values in self._groups.values())
        self.plot.setRange(xRange=(-0.6, max(len(self._groups) - 0.4, 1.6)), yRange=(0, most * 1.08), padding=0)


def _summary(name: str, values: Sequence[float]) -> str:
    low, middle, high = np.percentile(values, (25, 50, 75))
    return f"{name}: median {middle:.0f}, quartiles {low:.0f}\N{EN DASH}{high:.0f}"
