"""Maps of the cohort: each case a point, told apart by colour and shape, named under the mouse, opened by a click."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui.theme import theme
from app.ui.widgets.copy_label import ElidedLabel, wrapped
from app.ui.widgets.plot_style import UNKNOWN, Group, groups_of, legend_text, make_plot, style_plot, title_plot

MAPS = {"tsne": "t-SNE", "umap": "UMAP"}
COLOURED = {"label": "Label", "site": "Site", "vendor": "Vendor"}
_HOW = "Hover names the case; a click opens it. With the keyboard: arrows go from case to case, Enter opens."
_SIZE = 10


class MapPlot(QWidget):
    """t-SNE and UMAP side by side.

    Signals
    -------
    opened(str)
        The reader wants to see this case.
    """

    opened = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.coloured, self.legend, self.readout = QComboBox(), QLabel(), ElidedLabel(_HOW)
        self.coloured.setAccessibleName("Colour and shape by")
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setWordWrap(True)
        self.nothing = wrapped(role="dim")
        self.plots: dict[str, pg.PlotWidget] = {}
        self.points: dict[str, list[pg.ScatterPlotItem]] = {name: [] for name in MAPS}
        self._rings: dict[str, pg.ScatterPlotItem] = {}
        top, plots = QHBoxLayout(), QHBoxLayout()
        label = QLabel("Colour and shape by")
        label.setBuddy(self.coloured)
        top.addWidget(label)
        top.addWidget(self.coloured)
        top.addSpacing(8)
        top.addWidget(self.readout)
        top.addStretch(1)
        plots.setSpacing(12)
        for name, title in MAPS.items():
            plot = self.plots[name] = make_plot(f"{title} of the cohort")
            plot.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            plot.setAspectLocked(False)
            plot.installEventFilter(self)
            for side in ("left", "bottom"):  # the axes mean nothing
                plot.hideAxis(side)
            plots.addWidget(plot)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.legend)
        column.addWidget(self.nothing)
        column.addLayout(plots, 1)
        self._places: dict[str, Any] = {}
        self._groups: Mapping[str, Sequence[Any]] = {}
        self._cases: tuple[str, ...] = ()
        self.current = -1
        self.coloured.activated.connect(lambda _row: self._draw())

    def show_maps(self, embeddings: Mapping[str, Any], groups: Mapping[str, Sequence[Any]],
                  cases: Sequence[str], columns: Mapping[str, str | None] | None = None) -> None:
        """Show maps by name, each (cases, 2); groups by kind, one value per case, and the columns they come from."""
        self._places = {name: np.asarray(embeddings.get(name) or (), dtype=float).reshape(-1, 2) for name in MAPS}
        self._groups, self._cases, self.current = groups, tuple(map(str, cases)), -1
        chosen = self.coloured.currentData()
        self.coloured.clear()
        for name, title in COLOURED.items():
            if groups.get(name):
                column = (columns or {}).get(name)
                self.coloured.addItem(f"{title}: {column}" if column else title, name)
        self.coloured.setCurrentIndex(max(0, self.coloured.findData(chosen)))
        self.coloured.setEnabled(self.coloured.count() > 0)
        self.readout.setText(_HOW)
        self._draw()

    def look_at(self, place: int) -> None:
        """Name a case and ring it on every map."""
        if not 0 <= place < len(self._cases):
            return
        self.current = place
        said = [_said(title, self._groups[name][place]) for name, title in COLOURED.items()
                if self._groups.get(name) and self._groups[name][place] not in (None, "")]
        self.readout.setText(", ".join([self._cases[place], *said]))
        for name, ring in self._rings.items():
            if place < len(self._places[name]):
                ring.setData(pos=self._places[name][place:place + 1])

    def restyle(self) -> None:
        """Follow another theme."""
        for plot in self.plots.values():
            style_plot(plot)
        self._draw()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Go from case to case by keyboard."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and self._cases:
            step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}.get(
                Qt.Key(event.key()))
            if step is not None:
                self.look_at((self.current + step) % len(self._cases))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.current >= 0:
                self.opened.emit(self._cases[self.current])
                return True
        return False

    def _draw(self) -> None:
        values = list(self._groups.get(str(self.coloured.currentData() or ""), ())) or [None] * len(self._cases)
        groups = groups_of(values)
        self.legend.setText(legend_text(groups) if self.coloured.count() else "")
        self.legend.setVisible(bool(self.legend.text()))
        names = np.asarray([UNKNOWN if value in (None, "") else str(value) for value in values], dtype=object)
        empty = all(not len(places) for places in self._places.values()) if self._places else True
        self.nothing.setText("There are no maps: they were left out, or there are too few cases." if empty else "")
        self.nothing.setVisible(empty)
        for name, plot in self.plots.items():
            plot.clear()
            self.points[name] = []
            places = self._places.get(name)
            plot.setVisible(places is not None and len(places) > 0)
            if places is None or not len(places):
                continue
            title_plot(plot, MAPS[name])
            for group in groups:
                self._add(name, group, np.flatnonzero(names == group.name))
            self._rings[name] = pg.ScatterPlotItem(size=_SIZE + 8, pen=pg.mkPen(theme().text, width=2), brush=None)
            plot.addItem(self._rings[name])
        if self.current >= 0:
            self.look_at(self.current)

    def _add(self, name: str, group: Group, members: Any) -> None:
        members = members[members < len(self._places[name])]
        points = pg.ScatterPlotItem(pos=self._places[name][members], data=members.tolist(), symbol=group.symbol,
                                    size=_SIZE, pen=pg.mkPen(group.colour), brush=pg.mkBrush(group.colour),
                                    hoverable=True, tip=None)
        points.sigHovered.connect(lambda _item, hit, _event: len(hit) and self.look_at(int(hit[0].data())))
        points.sigClicked.connect(lambda _item, hit, _event: len(hit)
                                  and self.opened.emit(self._cases[int(hit[0].data())]))
        self.points[name].append(points)
        self.plots[name].addItem(points)


def _said(title: str, group: Any) -> str:
    return str(group) if "=" in str(group) else f"{title.lower()} {group}"
