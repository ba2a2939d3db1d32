"""Every case on the scale of probability, truth by shape and row, with the threshold as a line that is dragged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent

from app.ui.result_session import ResultSession
from app.ui.theme import theme
from app.ui.widgets.curve_style import make_pen, make_points
from app.ui.widgets.figure import Figure
from app.ui.widgets.plot_style import label_axis

_HOW = ("Drag the line, or press the arrow keys, to move the threshold; Home brings it back. A click chooses a case. "
        "Filled: on the wrong side.")
_CAPTION = "Each case by the probability that it was given while held out. Filled: on the wrong side of the line."
_GOLDEN = 0.618034  # neighbours of like probability never lie on each other
_HEIGHT, _SPREAD = 156, 0.62
_SIZE, _NEAR = 9, 9


class ThresholdStrip(Figure):
    """Follows a session and moves its threshold.

    Signals
    -------
    picked(int)
        The reader wants this case: its place among the cases.
    """

    picked = Signal(int)

    def __init__(self, session: ResultSession) -> None:
        super().__init__("Probabilities of the cases", _CAPTION, _HOW)
        self._session, self.current = session, -1
        self.line = pg.InfiniteLine(0.5, angle=90, movable=True, bounds=(0, 1))
        self.points = make_points()
        self._ring = make_points()
        self._moving = False
        self.plot.setFixedHeight(_HEIGHT)
        self.caption.hide()  # the room is the cases'
        self.plot.installEventFilter(self)
        self.line.sigPositionChanged.connect(self._drag)
        self.points.sigClicked.connect(self._pick)
        session.threshold_moved.connect(self._follow)

    def draw(self) -> None:
        """Draw cases and line."""
        results = self._session.results
        label_axis(self.plot, "bottom", f"Probability of {results.positive}")
        self.name_rows("left", (results.negative, results.positive))
        self.points, self._ring = make_points(), make_points()
        self.points.sigClicked.connect(self._pick)
        for item in (self.points, self._ring):
            self.plot.addItem(item)
        self.line.setPen(make_pen(theme().text, 2))
        self.line.setHoverPen(make_pen(theme().accent, 4))
        self.line.setZValue(5)
        self.plot.addItem(self.line)
        self._follow()
        self.plot.setRange(xRange=(-0.02, 1.02), yRange=(-0.55, 1.55), padding=0)

    def places(self) -> tuple[Any, Any]:
        """Where each case lies: probability, and its row with a little aside."""
        results = self._session.results
        count = len(results.labels)
        aside = (np.arange(count) * _GOLDEN % 1 - 0.5) * _SPREAD
        return results.probabilities(self._session.model), results.labels + aside

    def look_at(self, place: int) -> None:
        """Ring a case; -1 none."""
        self.current = place
        x, y = self.places()
        if 0 <= place < len(x) and np.isfinite(x[place]):
            self._ring.setData(x=[x[place]], y=[y[place]], size=_SIZE + 9, symbol="o", brush=None,
                               pen=make_pen(theme().accent, 2.5))
        else:
            self._ring.clear()

    def _follow(self) -> None:
        self._moving = True
        self.line.setPos(self._session.threshold)
        self._moving = False
        results, threshold = self._session.results, self._session.threshold
        x, y = self.places()
        if len(x):
            wrong = (x >= threshold) != (results.labels == 1)
            colours = [QColor(theme().malignant if label else theme().lipoma) for label in results.labels]
            brushes = [pg.mkBrush(colour if bad else None) for colour, bad in zip(colours, wrong, strict=True)]
            self.points.setData(x=x, y=y, data=np.arange(len(x)), brush=brushes,
                                pen=[make_pen(colour, 1.5) for colour in colours], size=_SIZE,
                                symbol=["t1" if label else "o" for label in results.labels])
        self.look_at(self.current)
        self.plot.setAccessibleDescription(f"Threshold {threshold:.3f}")

    def _drag(self) -> None:
        if not self._moving:
            self._session.move_threshold(float(self.line.value()))

    def _pick(self, _item: Any, spots: Sequence[Any], _event: Any = None) -> None:
        if len(spots):
            self.picked.emit(int(spots[0].data()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Move the threshold by the keys."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_PageUp: 5, Qt.Key.Key_PageDown: -5}
            if event.key() in steps:
                self._session.step_threshold(steps[Qt.Key(event.key())])
                return True
            if event.key() == Qt.Key.Key_Home:
                self._session.reset_threshold()
                return True
        return super().eventFilter(watched, event)

    def words_at(self, x: float, y: float) -> str:
        """Name the nearest case."""
        xs, ys = self.places()
        if not np.isfinite(xs).any():
            return ""
        wide, high = self.plot.getViewBox().viewPixelSize()
        gaps = np.hypot((xs - x) / wide, (ys - y) / high)
        nearest = int(np.nanargmin(gaps))
        if gaps[nearest] > _NEAR:
            return ""
        results = self._session.results
        truth = results.positive if results.labels[nearest] else results.negative
        name = results.case_column("case")[nearest] or f"row {results.case_column('row')[nearest]}"
        return f"{name}: {truth}, probability {xs[nearest]:.3f}"

    def numbers(self) -> list[Sequence[Any]]:
        """Every case."""
        results = self._session.results
        scores = results.probabilities(self._session.model).tolist()
        rows: list[Sequence[Any]] = [("case", "row", "site", "label", "probability", "called_at", "called")]
        columns = [results.case_column(name) for name in ("case", "row", "site")]
        rows += [(*each, int(label), score, self._session.threshold, int(score >= self._session.threshold))
                 for *each, label, score in zip(*columns, results.labels.tolist(), scores, strict=True)]
        return rows
