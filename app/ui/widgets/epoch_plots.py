"""The epochs of a network: loss of the pictures it learns from and of those watched, and the AUC of the latter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.ui.results import Array
from app.ui.theme import theme
from app.ui.training_epochs import Point, best_of, phases_of
from app.ui.widgets.curve_style import Look, look_of
from app.ui.widgets.plot_style import label_axis, make_plot, style_plot, title_plot

LOSSES = ("learned from", "watched")
_LOWEST = 0.4
_LEAST_SPAN, _TICKS = 5, 8


class EpochPlots(QWidget):
    """Two plots side by side, over the same epochs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.loss, self.area = make_plot("Loss of every epoch"), make_plot("AUC of every epoch")
        self._curve: list[Point] = []
        self._most = 0
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        for plot in (self.loss, self.area):
            plot.setMouseEnabled(False, False)
            plot.getPlotItem().layout.setContentsMargins(4, 4, 8, 8)
            plot.setMinimumHeight(170)
            plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)  # as high as there is room
            row.addWidget(plot)
        self._name_axes()

    def show_curve(self, curve: Sequence[Point], most: int = 0) -> None:
        """Draw a network's epochs; the axis reaches as far as they do, `most` at most."""
        self._curve, self._most = list(curve), most
        for plot in (self.loss, self.area):
            plot.clear()
        title_plot(self.loss, _legend())
        title_plot(self.area, "AUC of the watched patients")
        if not self._curve:
            return
        epochs = np.array([point.epoch for point in self._curve], dtype=float)
        losses = [np.array([getattr(point, name) for point in self._curve]) for name in ("loss", "watched")]
        areas = np.array([point.auc for point in self._curve])
        for name, values in zip(LOSSES, losses, strict=True):
            look = look_of(name, LOSSES, ())
            if np.isfinite(values).any():
                self._line(self.loss, epochs, values, look)
        if np.isfinite(areas).any():
            self.area.addItem(pg.InfiniteLine(0.5, angle=0, pen=pg.mkPen(theme().line, style=Qt.PenStyle.DashLine)))
            self._line(self.area, epochs, areas, look_of(LOSSES[1], LOSSES, ()))
        self.area.setVisible(bool(np.isfinite(areas).any()))
        self._mark_phases()
        self._mark_best()
        for plot in (self.loss, self.area):  # epochs are whole numbers
            plot.getAxis("bottom").setTickSpacing(max(1, round((epochs[-1] - epochs[0]) / _TICKS)), 1)
        right = max(epochs[-1], min(self._most or _LEAST_SPAN, _LEAST_SPAN)) + 0.5
        every = np.concatenate(losses)
        every = every[np.isfinite(every)]
        low, high = float(every.min()), float(every.max())
        room = 0.14 * max(high - low, 0.05)
        self.loss.setRange(xRange=(0.5, right), yRange=(max(low - room, 0), high + room), padding=0)
        floor = float(np.nanmin(areas)) if np.isfinite(areas).any() else _LOWEST
        self.area.setRange(xRange=(0.5, right), yRange=(min(_LOWEST, floor) - 0.04, 1.06), padding=0)

    def _line(self, plot: pg.PlotWidget, x: Array, y: Array, look: Look) -> None:
        known = np.isfinite(y)
        plot.addItem(pg.PlotDataItem(x[known], y[known], pen=look.pen(2), antialias=True, symbolSize=6, symbolPen=None,
                                     symbol="o" if known.sum() == 1 else None, symbolBrush=look.colour))

    def _mark_phases(self) -> None:
        for last, phase in phases_of(self._curve):
            for plot in (self.loss, self.area):
                line = pg.InfiniteLine(last + 0.5, angle=90, pen=pg.mkPen(theme().text_dim, style=Qt.PenStyle.DotLine),
                                       label=f"phase {phase}",
                                       labelOpts={"position": 0.06, "color": theme().text_dim,
                                                  "anchors": [(0, 0.5)] * 2})
                plot.addItem(line)

    def _mark_best(self) -> None:
        best = best_of(self._curve)
        if best is None:
            return
        for plot, value in ((self.loss, best.watched if np.isfinite(best.watched) else best.loss),
                            (self.area, best.auc)):
            if np.isfinite(value):
                plot.addItem(pg.ScatterPlotItem([best.epoch], [value], symbol="o", size=13, brush=None,
                                                pen=pg.mkPen(theme().text, width=2)))

    def _name_axes(self) -> None:
        for plot, words in ((self.loss, "Loss"), (self.area, "AUC")):
            label_axis(plot, "left", words)
            label_axis(plot, "bottom", "Epoch")

    def restyle(self) -> None:
        """Follow another theme."""
        for plot in (self.loss, self.area):
            style_plot(plot)
        self._name_axes()
        self.show_curve(self._curve, self._most)


def _legend() -> str:
    """Say which line is which, in their colours, where it covers none of them."""
    dashes = {LOSSES[0]: "\N{EM DASH}", LOSSES[1]: "\N{EN DASH} \N{EN DASH}"}
    told = (f"<span style='color:{look_of(name, LOSSES, ()).colour}'><b>{dashes[name]}</b></span>&nbsp;{name}"
            for name in LOSSES)
    return f"Loss, the lower the better: {'&nbsp;&nbsp; '.join(told)}"
