"""Histograms of the image before and after preparation, each with its shown range as a band that can be dragged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.theme import tabular_font, theme
from app.ui.widgets.overlay import DIM, FOCUS, TEXT
from app.ui.widgets.view_case import ViewImage
from app.ui.widgets.view_state import ViewState
from app.ui.widgets.window_level import WindowModel

_TITLES = {"before": "Before preparation", "after": "After preparation"}


class HistogramPlot(QWidget):
    """How often each value occurs in the image (filled) and in the tumour (line), before over after.

    Attributes
    ----------
    plots, bands : dict of str to PlotWidget, LinearRegionItem
        Under 'before' and 'after'.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Histograms before and after preparation")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        self.setStyleSheet(f"HistogramPlot {{ background: {theme().viewer}; }}")
        self.setMinimumSize(120, 120)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 4)
        self.plots: dict[str, pg.PlotWidget] = {}
        self.bands: dict[str, pg.LinearRegionItem] = {}
        self._state: ViewState | None = None
        self._windows: WindowModel | None = None
        for key, title in _TITLES.items():
            self.plots[key] = _make_plot(f"Histogram {title.lower()}")
            column.addWidget(self.plots[key])
            self.bands[key] = pg.LinearRegionItem(pen=pg.mkPen(FOCUS), brush=QColor(88, 191, 180, 30),
                                                  hoverBrush=QColor(88, 191, 180, 55), swapMode="sort")
            self.bands[key].setZValue(-10)
            self.bands[key].sigRegionChanged.connect(lambda band, after=key == "after": self._drag_window(band, after))

    def bind(self, state: ViewState, windows: WindowModel) -> None:
        """Follow the viewer: its sequence, before and after, and its windows."""
        self._state, self._windows = state, windows
        for signal in (state.case_changed, state.sequence_changed, state.prepared_changed):
            signal.connect(self._follow)
        windows.changed.connect(self._show_windows)
        self._follow()

    def show_image(self, image: ViewImage | None, prepared: bool = False) -> None:
        """Draw an image's histograms; None draws nothing."""
        histogram = image.histogram if image is not None else {}
        for key, plot in self.plots.items():
            plot.clear()
            counts = histogram.get(key)
            plot.setVisible(bool(counts))
            if not counts:
                continue
            edges = (histogram.get("after_edges") if key == "after" else None) or histogram["edges"]
            is_shown = prepared == (key == "after")
            fill = QColor(228, 231, 235, 90 if is_shown else 35)
            _draw(plot, edges, counts, TEXT if is_shown else DIM, fill=fill)
            if histogram.get(f"tumour_{key}"):
                _draw(plot, edges, histogram[f"tumour_{key}"], QColor(theme().label_colour(1)))
            colour = TEXT if is_shown else DIM
            plot.setTitle(_title(histogram, key, is_shown=is_shown), size=f"{theme().small_px}px", color=colour.name())
            plot.addItem(self.bands[key], ignoreBounds=True)
            plot.setXRange(float(edges[0]), float(edges[-1]), padding=0.01)
            plot.setYRange(0, 1.05, padding=0)

    def _follow(self, *_: object) -> None:
        if self._state is not None:
            self.show_image(self._state.image, self._state.prepared)
            self._show_windows()

    def _show_windows(self, *_: object) -> None:
        if self._windows is None or self._state is None or self._state.image is None:
            return
        for key, band in self.bands.items():
            if key == "before" or self._state.can_compare:
                band.blockSignals(True)
                band.setRegion(self._windows.window(prepared=key == "after"))
                band.blockSignals(False)

    def _drag_window(self, band: pg.LinearRegionItem, after: bool) -> None:
        if self._windows is not None and self._state is not None and self._state.image is not None:
            low, high = band.getRegion()
            self._windows.set_window(low, high, prepared=after)


def _title(histogram: Mapping[str, Any], key: str, *, is_shown: bool) -> str:
    tumour = bool(histogram.get(f"tumour_{key}"))
    if not histogram.get("after"):
        return "Whole image (filled) and tumour (line)" if tumour else "Whole image"
    state = f"{_TITLES[key]}{', shown' if is_shown else ''}"
    return f"{state}: image (filled), tumour (line)" if tumour else state


def _make_plot(name: str) -> pg.PlotWidget:
    plot = pg.PlotWidget(background=theme().viewer, enableMenu=False)
    plot.setAccessibleName(name)
    plot.hideButtons()
    plot.setMouseEnabled(x=False, y=False)
    plot.hideAxis("left")
    axis = plot.getAxis("bottom")
    axis.setTickFont(tabular_font(theme().small_px))
    axis.setPen(DIM)
    axis.setTextPen(DIM)
    return plot


def _draw(plot: pg.PlotWidget, edges: Sequence[float], counts: Sequence[float], colour: QColor,
          fill: QColor | None = None) -> None:
    heights = np.asarray(counts, dtype=float)
    # the tallest bin of all is often background; it may be cut so that tissue keeps its shape
    tallest = float(np.sort(heights)[-2]) if heights.size > 2 else float(heights.max(initial=0))
    heights = np.minimum(heights / tallest, 1.0) if tallest > 0 else heights
    filled = {"fillLevel": 0, "brush": fill} if fill is not None else {}
    plot.plot(np.asarray(edges, dtype=float), heights, stepMode="center", pen=pg.mkPen(colour, width=1), **filled)
