"""Where a probability becomes a call: sensitivity and specificity over the threshold, with a line to drag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.ui.class_names import short_class
from app.ui.theme import theme
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.plot_style import label_axis, make_plot, style_plot

_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_PageDown: -10, Qt.Key.Key_PageUp: 10}

_LEAST, _GAP = 200, 4


class OperatingCurve(QWidget):
    """Two curves and a threshold.

    Signals
    -------
    chosen(float)
        The reader took another threshold.
    """

    chosen = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot, self.said = make_plot("Sensitivity and specificity by threshold"), wrapped()
        self.plot.setRange(xRange=(0, 1), yRange=(0, 1), padding=0.02)
        self.plot.setMouseEnabled(False, False)
        self.plot.getPlotItem().layout.setContentsMargins(4, 8, 8, 8)
        self.plot.setMinimumHeight(_LEAST)
        self.plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)  # as high as there is room
        self.plot.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.plot.setToolTip("Drag the line, or use the arrow keys")
        self.plot.installEventFilter(self)
        self.line = pg.InfiniteLine(0.5, angle=90, movable=True, bounds=(0.001, 0.999))
        self.curves = {name: pg.PlotCurveItem() for name in ("sensitivity", "specificity")}
        self.labels = {name: pg.TextItem(name.capitalize(), anchor=(0, 1 if name == "sensitivity" else 0))
                       for name in self.curves}
        for item in (*self.curves.values(), *self.labels.values(), self.line):
            self.plot.addItem(item)
        self.line.sigPositionChanged.connect(lambda *_: self._say())
        self.line.sigPositionChangeFinished.connect(lambda *_: self.chosen.emit(self.threshold))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(_GAP)
        column.addWidget(self.plot, 1)
        column.addWidget(self.said)
        self._curve: Mapping[str, Sequence[float]] = {}
        self._classes = ("the other class", "the class looked for")
        self.restyle()

    @property
    def threshold(self) -> float:
        """The threshold as it stands."""
        return round(float(self.line.value()), 3)

    def show_curve(self, curve: Mapping[str, Sequence[float]], classes: Sequence[str], threshold: float) -> None:
        """Show lists of `threshold`, `sensitivity` and `specificity`."""
        self._curve, self._classes = curve, (classes[0], classes[1])
        grid = np.asarray(curve.get("threshold") or (), dtype=float)
        for name, item in self.curves.items():
            values = np.asarray(curve.get(name) or (), dtype=float)
            ends = (1.0, 0.0) if name == "sensitivity" else (0.0, 1.0)
            item.setData(np.r_[0.0, grid, 1.0], np.r_[ends[0], values, ends[1]])
            place = 0.62  # beyond the crossing, above the falling curve and below the rising one
            at = float(np.interp(place, np.r_[0.0, grid, 1.0], np.r_[ends[0], values, ends[1]]))
            self.labels[name].setPos(place, min(at, 0.9))
        self.take(threshold)

    def take(self, threshold: float) -> None:
        """Put the line at a threshold."""
        self.line.setValue(min(max(threshold, 0.001), 0.999))
        self._say()

    def rates(self) -> tuple[float, float]:
        """Sensitivity and specificity at the line."""
        grid = np.asarray(self._curve.get("threshold") or (), dtype=float)
        if not len(grid):
            return float("nan"), float("nan")
        place = int(np.argmin(np.abs(grid - self.threshold)))
        return float(self._curve["sensitivity"][place]), float(self._curve["specificity"][place])

    def _say(self) -> None:
        sensitivity, specificity = self.rates()
        if np.isnan(sensitivity):
            self.said.setText("The model keeps no held-out predictions to choose by.")
            return
        other, sought = map(short_class, self._classes)
        self.said.setText(
            f"From {self.threshold:.2f} up a case is called {sought}. Among held-out cases this finds "
            f"{100 * sensitivity:.0f} of 100 {_with(sought)} and clears {100 * specificity:.0f} of 100 "
            f"{_with(other)}; a point chosen by looking at these very cases is slightly flattered.")

        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep every line of the sentence below the curves."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        words = max(self.said.heightForWidth(max(self.width(), _LEAST)), 0)
        self.said.setMinimumHeight(words)
        self.setMinimumHeight(_LEAST + words + _GAP)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Move the line by keyboard, a hundredth at a time."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and event.key() in _STEPS:
            self.take(self.threshold + 0.01 * _STEPS[Qt.Key(event.key())])
            self.chosen.emit(self.threshold)
            return True
        return False

    def restyle(self) -> None:
        """Follow another theme."""
        style_plot(self.plot)
        label_axis(self.plot, "bottom", "Threshold of the probability")
        label_axis(self.plot, "left", "Share of the held-out cases")
        self.curves["sensitivity"].setPen(pg.mkPen(theme().malignant, width=2.4))
        self.curves["specificity"].setPen(pg.mkPen(theme().lipoma, width=2.4, style=Qt.PenStyle.DashLine))
        self.labels["sensitivity"].setColor(theme().malignant)
        self.labels["specificity"].setColor(theme().lipoma)
        self.line.setPen(pg.mkPen(theme().text, width=2))
        self.line.setHoverPen(pg.mkPen(theme().accent, width=3))


def _with(name: str) -> str:
    return f"with {name}" if " = " in name else name


def known_points(points: Sequence[Mapping[str, Any]]) -> list[tuple[str, float]]:
    """Name the operating points that a model has, with their thresholds."""
    return [(str(point["name"]), float(point["threshold"])) for point in points]
