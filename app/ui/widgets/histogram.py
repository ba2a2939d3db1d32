"""Histogram of the image before and after preparation, with the shown range as a band that can be dragged."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from app.ui.theme import tabular_font, theme
from app.ui.widgets.view_case import ViewImage
from app.ui.widgets.view_state import ViewState
from app.ui.widgets.window_level import WindowModel


class HistogramPlot(pg.PlotWidget):
    """How often each value occurs; the curve of the image shown is filled, the other one dashed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=theme().viewer)
        self.setAccessibleName("Histogram of the image")
        plot = self.getPlotItem()
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMouseEnabled(x=False, y=False)
        plot.hideAxis("left")
        axis = plot.getAxis("bottom")
        axis.setTickFont(tabular_font(theme().small_px))
        axis.setPen(theme().line)
        axis.setTextPen("#a9b1ba")
        self._legend = plot.addLegend(offset=(-8, 8), labelTextColor="#e4e7eb", labelTextSize=f"{theme().small_px}px")
        self._band = pg.LinearRegionItem(brush=QColor(88, 191, 180, 36), hoverBrush=QColor(88, 191, 180, 60),
                                         pen=pg.mkPen("#58bfb4", width=1), swapMode="sort")
        self._band.setZValue(-10)
        self._state: ViewState | None = None
        self._windows: WindowModel | None = None
        self._band.sigRegionChanged.connect(self._drag_window)

    def bind(self, state: ViewState, windows: WindowModel) -> None:
        """Follow the viewer: its sequence, before and after, and its window."""
        self._state, self._windows = state, windows
        for signal in (state.case_changed, state.sequence_changed, state.prepared_changed):
            signal.connect(self._follow)
        windows.changed.connect(self._show_window)
        self._follow()

    def show_image(self, image: ViewImage | None, prepared: bool = False) -> None:
        """Draw an image's histograms; None draws nothing."""
        plot = self.getPlotItem()
        plot.clear()
        histogram = image.histogram if image is not None else {}
        for key, title, is_shown in (("before", "before", not prepared), ("after", "after preparation", prepared)):
            counts = histogram.get(key)
            if not counts:
                continue
            edges = np.asarray(histogram.get(f"edges_{key}") or histogram["edges"], dtype=float)
            heights = _even_out(np.asarray(counts, dtype=float))
            colour = QColor("#e4e7eb" if is_shown else "#a9b1ba")
            pen = pg.mkPen(colour, width=1.5 if is_shown else 1, style=Qt.PenStyle.SolidLine if is_shown else Qt.PenStyle.DashLine)
            fill = {"fillLevel": 0, "brush": QColor(228, 231, 235, 50)} if is_shown else {}
            plot.plot(edges, heights, stepMode="center", pen=pen, name=title, **fill)
        if histogram.get("before"):
            plot.addItem(self._band, ignoreBounds=True)
            plot.enableAutoRange()

    def _follow(self, *_: object) -> None:
        if self._state is not None:
            self.show_image(self._state.image, self._state.prepared)
            self._show_window()

    def _show_window(self, *_: object) -> None:
        if self._windows is not None and self._state is not None and self._state.image is not None:
            self._band.blockSignals(True)
            self._band.setRegion(self._windows.window())
            self._band.blockSignals(False)

    def _drag_window(self) -> None:
        if self._windows is not None and self._state is not None and self._state.image is not None:
            low, high = self._band.getRegion()
            self._windows.set_window(low, high)


def _even_out(counts: np.ndarray) -> np.ndarray:
    """Scale to the tallest bin of tissue, so that the background's spike does not flatten everything else."""
    tallest = np.sort(counts)[-2] if counts.size > 2 else counts.max(initial=0)
    return np.minimum(counts / tallest, 1.0) if tallest > 0 else counts
