"""Correlations of all features with each other, clustered: a picture to zoom into, each cell named under the mouse."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.theme import theme
from app.ui.widgets.cluster_axis import EXTENT, ClusterAxis, clusters_of
from app.ui.widgets.copy_label import ElidedLabel
from app.ui.widgets.plot_style import make_plot, style_plot

KINDS = {"pearson": ("Pearson", "r"), "spearman": ("Spearman", "ρ")}
_ROOM, _WIDE = 640, 1200
_STEPS = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}
_HOW = ("Hover names the pair; the wheel zooms until each feature is named, dragging moves, arrow keys go from cell to "
        "cell, 0 shows all.")


class MatrixPlot(QWidget):
    """The matrix and its scale. Its lightness rises from -1 to +1, so that it also reads in grey."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind, self.readout, self.whole = QComboBox(), ElidedLabel(_HOW), QPushButton("Show all")
        self.kind.setAccessibleName("Kind of correlation")
        for name, (title, _sign) in KINDS.items():
            self.kind.addItem(title, name)
        self.readout.setAccessibleName("The pair of features under the mouse")
        self.plot = make_plot("Correlation matrix")
        self.sides = {side: ClusterAxis(side) for side in ("left", "bottom")}
        self.plot.setAxisItems(self.sides)
        self.plot.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.image = pg.ImageItem(axisOrder="row-major", autoDownsample=True)
        self.image.setColorMap(pg.colormap.get("cividis"))
        self.cell = pg.PlotCurveItem(pen=pg.mkPen("#ffffff", width=2))
        self.plot.addItem(self.image)
        self.plot.addItem(self.cell)
        self.plot.invertY(True)
        self.plot.setAspectLocked(True)
        self._is_whole = True
        self.plot.getViewBox().sigRangeChangedManually.connect(lambda *_: self._take_part())
        self.plot.getViewBox().sigResized.connect(lambda *_: self._is_whole and self.show_all())
        self.scale = pg.ColorBarItem(values=(-1, 1), colorMap="cividis", interactive=False, width=14)
        self.scale.setImageItem(self.image, insert_in=self.plot.getPlotItem())
        self.plot.getPlotItem().layout.setContentsMargins(8, 12, 8, 12)
        top = QHBoxLayout()
        label = QLabel("Correlation")
        label.setBuddy(self.kind)
        top.addWidget(label)
        top.addWidget(self.kind)
        top.addWidget(self.whole)
        top.addSpacing(8)
        top.addWidget(self.readout)
        top.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.plot, 1)
        self._names: tuple[str, ...] = ()
        self._values: dict[str, Any] = {}
        self._place = (-1, -1)
        self.kind.activated.connect(lambda _row: self._show())
        self.whole.clicked.connect(self.show_all)
        self.plot.scene().sigMouseMoved.connect(self._hover)
        self.plot.installEventFilter(self)
        self.restyle()

    def show_matrix(self, matrix: Mapping[str, Any] | None) -> None:
        """Show `titles` or `names`, and the files of `pearson` and `spearman`, (features, features) in that order."""
        self._names = tuple((matrix or {}).get("titles") or (matrix or {}).get("names") or ())
        self._values = {}
        for name in KINDS:
            path = (matrix or {}).get(name)
            if path and Path(path).is_file():
                self._values[name] = np.load(path, allow_pickle=False)
        self._place = (-1, -1)
        self.cell.setData([], [])
        self.readout.setText(_HOW)
        clusters = clusters_of((matrix or {}).get("names") or (), (matrix or {}).get("groups") or ())
        for side in self.sides.values():
            side.show_features(self._names, clusters)
        self._show()
        self.show_all()

    def value(self, row: int, column: int) -> float:
        """The correlation of two features, by their places."""
        return float(self._values[str(self.kind.currentData())][row, column])

    def look_at(self, row: int, column: int) -> None:
        """Name a cell and frame it."""
        count = len(self._names)
        if not count or not self._values:
            return
        self._place = (min(max(row, 0), count - 1), min(max(column, 0), count - 1))
        row, column = self._place
        self.readout.setText(self.words(row, column))
        self.cell.setData([column, column + 1, column + 1, column, column], [row, row, row + 1, row + 1, row])

    def words(self, row: int, column: int) -> str:
        """Say a pair and its correlation."""
        sign = KINDS[str(self.kind.currentData())][1]
        value = self.value(row, column)
        said = "unknown" if np.isnan(value) else f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")
        return f"{self._names[row]} and {self._names[column]}: {sign} = {said}"

    def show_all(self) -> None:
        """Fit the whole matrix, beside its names."""
        count, view = max(len(self._names), 1), self.plot.getViewBox()
        wide = max(view.width(), 1.0) / max(view.height(), 1.0)
        self.plot.setRange(xRange=(0, count * max(wide, 1.0)), yRange=(0, count * max(1.0, 1.0 / wide)), padding=0)
        self._is_whole = True

    def _take_part(self) -> None:
        self._is_whole = False

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Name the columns too where there is room for it."""
        super().resizeEvent(event)
        self.plot.showAxis("bottom", event.size().height() >= _ROOM)
        self.sides["left"].setWidth(EXTENT["left"] if event.size().width() >= _WIDE else EXTENT["left"] * 2 // 3)

    def restyle(self) -> None:
        """Follow another theme."""
        style_plot(self.plot)
        axis = self.scale.axis
        axis.setPen(QColor(theme().line))
        axis.setTextPen(QColor(theme().text_dim))

    def eventFilter(self, _watched: object, event: QEvent) -> bool:  # noqa: N802
        """Go from cell to cell by keyboard."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in _STEPS:
                down, right = _STEPS[Qt.Key(event.key())]
                self.look_at(self._place[0] + down, self._place[1] + right)
                return True
            if event.text() == "0":
                self.show_all()
                return True
        return False

    def _show(self) -> None:
        values = self._values.get(str(self.kind.currentData()))
        if values is None:
            self.image.clear()
            return
        self.image.setImage(np.asarray(values, dtype=np.float32), levels=(-1, 1), autoLevels=False)
        if self._place[0] >= 0:
            self.look_at(*self._place)

    def _hover(self, spot: QPointF) -> None:
        place = self.plot.getPlotItem().vb.mapSceneToView(spot)
        count = len(self._names)
        if 0 <= place.x() < count and 0 <= place.y() < count:
            self.look_at(int(place.y()), int(place.x()))

