"""Histograms of every image of the cohort, before and after each normalisation; the one under the mouse is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.ui.theme import theme
from app.ui.widgets.copy_label import CopyLabel
from app.ui.widgets.plot_style import make_plot, style_plot, title_plot

STAGES = {"before": "As stored", "zscore": "z-score", "percentile": "Percentiles", "nyul": "Standard histogram (Nyul)"}
_HOW = "Hover names the case, on all plots at once."
_COLUMNS = 2


class CaseHistograms(QWidget):
    """One plot per stage, one line per image.

    Signals
    -------
    opened(str)
        The reader wants to see this case.
    """

    opened = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.readout = CopyLabel(_HOW)
        self._grid = QGridLayout()
        self._grid.setSpacing(12)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.readout)
        column.addLayout(self._grid, 1)
        self.plots: dict[str, pg.PlotWidget] = {}
        self.lines: dict[str, pg.PlotDataItem] = {}
        self._marked: dict[str, pg.PlotDataItem] = {}
        self._curves: dict[str, tuple[Any, Any]] = {}
        self._cases: tuple[str, ...] = ()
        self.current = -1

    def show_histograms(self, histograms: Mapping[str, Any] | None, cases: Sequence[str]) -> None:
        """Show shares by stage, each (images, bins), over `edges`, which every stage may have of its own."""
        found = dict(histograms or {})
        edges = found.pop("edges", ())
        self._cases, self.current = tuple(map(str, found.pop("cases", None) or cases)), -1
        self._curves = {}
        for stage, shares in found.items():
            own = np.asarray(edges.get(stage, ()) if isinstance(edges, Mapping) else edges, dtype=float)
            counts = np.asarray(shares, dtype=float)
            if counts.ndim == 2 and own.size == counts.shape[1] + 1:
                self._curves[stage] = ((own[:-1] + own[1:]) / 2, counts)
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        self.plots, self.lines, self._marked = {}, {}, {}
        ordered = sorted(self._curves, key=lambda stage: list(STAGES).index(stage) if stage in STAGES else 99)
        for place, stage in enumerate(ordered):
            plot = self.plots[stage] = make_plot(f"Histograms, {STAGES.get(stage, stage)}")
            plot.hideAxis("left")
            plot.setMouseEnabled(x=True, y=False)
            plot.scene().sigMouseMoved.connect(lambda spot, stage=stage: self._hover(stage, spot))
            plot.scene().sigMouseClicked.connect(lambda event: event.double() and self._open())
            self._grid.addWidget(plot, place // _COLUMNS, place % _COLUMNS)
        self.readout.setText(_HOW if self._curves else
                             "The images of the cohort were not looked at: choose it on the page Features.")
        self.restyle()

    def look_at(self, place: int) -> None:
        """Name an image and draw it in front, on every plot."""
        if not 0 <= place < len(self._cases):
            return
        self.current = place
        self.readout.setText(self._cases[place])
        for stage, (middles, counts) in self._curves.items():
            if place < len(counts):
                self._marked[stage].setData(middles, counts[place])

    def restyle(self) -> None:
        """Draw in the theme's colours."""
        faint = QColor(theme().text)
        faint.setAlpha(70)
        for stage, plot in self.plots.items():
            plot.clear()
            style_plot(plot)
            title_plot(plot, STAGES.get(stage, stage))
            middles, counts = self._curves[stage]
            gap = np.full((len(counts), 1), np.nan)  # one line for all: a gap after each image
            xs = np.hstack([np.broadcast_to(middles, counts.shape), gap]).ravel()
            ys = np.hstack([counts, gap]).ravel()
            self.lines[stage] = plot.plot(xs, ys, connect="finite", pen=pg.mkPen(faint))
            self._marked[stage] = plot.plot([], [], pen=pg.mkPen(theme().accent, width=3))
            most = np.nanpercentile(counts.max(axis=1), 95) if counts.size else 1.0
            ends = (float(middles[0]), float(middles[-1]))
            plot.setRange(xRange=ends, yRange=(0, float(most) * 1.1 or 1.0), padding=0)
        if self.current >= 0:
            self.look_at(self.current)

    def _hover(self, stage: str, spot: QPointF) -> None:
        middles, counts = self._curves[stage]
        place = self.plots[stage].getPlotItem().vb.mapSceneToView(spot)
        if not len(counts) or not middles[0] <= place.x() <= middles[-1]:
            return
        column = int(np.abs(middles - place.x()).argmin())
        self.look_at(int(np.abs(np.nan_to_num(counts[:, column]) - place.y()).argmin()))

    def _open(self) -> None:
        if self.current >= 0:
            self.opened.emit(self._cases[self.current])
