"""ROC: folds thin, their mean with a band, all cases pooled, what is simpler in other dashes, and the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent

from app.ui.result_session import ResultSession
from app.ui.result_words import range_text
from app.ui.results import Array, Estimate, as_array
from app.ui.theme import theme
from app.ui.widgets.curve_style import Look, band, look_of, make_legend, make_pen
from app.ui.widgets.figure import Figure
from app.ui.widgets.plot_style import label_axis

_HOW = "Drag the square, or press the arrow keys, to move the threshold."
_CAPTION = ("Thin: each fold. Bold: mean over folds at each false positive share, with its band of 95 %. Fine: all "
            "held-out answers pooled. The square is the threshold on the cases' own probabilities.")
_OUTSIDE = ("The model's answers for these cases, none of which it was fitted to, with its band of 95 % and DeLong's "
            "interval of the area. The square is the threshold.")
HANDLE, _SHORT = 13, 16


class RocPlot(Figure):
    """Follows a session; its handle moves the session's threshold."""

    def __init__(self, session: ResultSession) -> None:
        super().__init__("ROC curve", _CAPTION, _HOW, square=True)
        self._session = session
        self.handle = pg.TargetItem((0, 0), size=HANDLE, symbol="s", movable=True, label=None)
        self._lines: dict[str, tuple[Array, Array, Array | None]] = {}
        self._moving = False
        self.handle.sigPositionChanged.connect(self._drag)
        session.threshold_moved.connect(self._place_handle)

    def draw(self) -> None:
        """Draw every curve of the session."""
        session, results = self._session, self._session.results
        self._lines = {}
        fits = max(len(results.positive), len(results.negative)) <= _SHORT
        label_axis(self.plot, "left", "Sensitivity" + f" (share of {results.positive} found)" * fits)
        label_axis(self.plot, "bottom", "1 \N{MINUS SIGN} specificity"
                   + f" (share of {results.negative} called positive)" * fits)
        self.caption.setText(_OUTSIDE if results.is_external else _CAPTION)
        make_legend(self.plot, (-12, -12))
        self.plot.plot([0, 1], [0, 1], pen=make_pen(theme().line, width=1))
        for name in session.drawn:
            self._draw_one(name, leading=name == session.model)
        if session.drawn:
            self._draw_handle()
        tenths = [(step / 5, f"{step / 5:.1f}") for step in range(6)]
        for side in ("left", "bottom"):
            self.plot.getAxis(side).setTicks([tenths])
        self.plot.setRange(xRange=(-0.02, 1.02), yRange=(-0.01, 1.03), padding=0)

    def _draw_one(self, name: str, *, leading: bool) -> None:
        results = self._session.results
        found, look = results.of("roc", name) or {}, look_of(name, results.models, results.comparators)
        grid, mean = as_array(found.get("grid") or ()), as_array(found.get("mean") or ())
        pooled = found.get("pooled") or {}
        fpr, tpr = as_array(pooled.get("fpr") or ()), as_array(pooled.get("tpr") or ())
        folds = found.get("folds") or ()
        if leading and len(grid):
            self._draw_folds(folds, look)
            self._draw_band(grid, found, look)
        alone = results.is_external or len(mean) != len(grid) or not len(grid)  # no folds to take a mean of
        if not alone:
            what = f"mean of {len(folds)} folds" if leading and folds else ""
            line = self.plot.plot(grid, mean, pen=look.pen(3.5 if leading else 2.0), antialias=True,
                                  name=self._entry(name, what, results.auc(name)))
            line.setZValue(2 if leading else 1)
            self._lines[name] = (grid, mean, None)
        if len(fpr) and (leading or alone):
            area = Estimate.read(pooled.get("auc"))
            if not area.is_known:
                area = Estimate(float(np.trapezoid(tpr, fpr)))
            if pooled.get("interval"):
                area = Estimate.read({"mean": area.mean, "interval": pooled["interval"]})
            name_ = self._entry(name, "", results.auc(name)) if alone else self._entry(name, "pooled", area)
            pen = look.pen(3.5 if leading else 2.0) if alone else Look(theme().text, ()).pen(1.2)
            self.plot.plot(fpr, tpr, pen=pen, antialias=True, name=name_).setZValue(2 if leading else 1)
            if alone:
                self._lines[name] = (fpr, tpr, as_array(pooled.get("threshold") or ()))

    def _draw_folds(self, folds: Sequence[Any], look: Look) -> None:
        xs, ys = [], []
        for fold in folds:
            xs += [as_array(fold["fpr"]), [np.nan]]
            ys += [as_array(fold["tpr"]), [np.nan]]
        if xs:
            self.plot.plot(np.concatenate(xs), np.concatenate(ys), connect="finite", antialias=True,
                           pen=make_pen(look.faint(min(max(1500 // len(folds), 30), 120)), width=1))

    def _draw_band(self, grid: Array, found: Any, look: Look) -> None:
        low, high = as_array(found.get("low") or ()), as_array(found.get("high") or ())
        if len(low) == len(high) == len(grid):
            self.plot.addItem(band(grid, low, high, look))

    def _entry(self, name: str, what: str, area: Estimate) -> str:
        interval = f" ({range_text(area)})" if area.has_interval else ""
        figure = f"AUC {area.mean:.2f}{interval}" if area.is_known else "no AUC"
        return f"{self._session.results.word(name)}{f', {what}' if what else ''}: {figure}"

    # The threshold

    def _draw_handle(self) -> None:
        if not len(self._session.results.steps(self._session.model)[0]):
            return
        self.handle.setPen(make_pen(theme().text, width=2))
        self.handle.setBrush(pg.mkBrush(theme().panel))
        self.handle.setHoverBrush(pg.mkBrush(theme().accent))
        self.handle.setZValue(20)
        self.plot.addItem(self.handle)
        self._place_handle()

    def _place_handle(self) -> None:
        counts = self._session.confusion
        if counts.cases and not self._moving:
            self._moving = True
            self.handle.setPos(1 - counts.specificity, counts.sensitivity)
            self._moving = False
            self.plot.setAccessibleDescription(self._handle_words())

    def _drag(self) -> None:
        if self._moving:
            return
        fpr, tpr, thresholds = self._session.results.steps(self._session.model)
        if len(fpr):
            spot = self.handle.pos()
            nearest = int(np.hypot(fpr - spot.x(), tpr - spot.y()).argmin())
            self._session.move_threshold(float(thresholds[nearest]))
            self._place_handle()
            self.readout.setText(self._handle_words())

    def _handle_words(self) -> str:
        counts = self._session.confusion
        return (f"Threshold {self._session.threshold:.3f}: sensitivity {counts.sensitivity:.2f}, "
                f"specificity {counts.specificity:.2f}")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Move the threshold by the arrow keys; Home returns to where it came from."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            keys = {Qt.Key.Key_Right: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Left: 1, Qt.Key.Key_Down: 1}
            if event.key() in keys:
                self._session.step_threshold(keys[Qt.Key(event.key())])
                self.readout.setText(self._handle_words())
                return True
            if event.key() == Qt.Key.Key_Home:
                self._session.reset_threshold()
                return True
        return super().eventFilter(watched, event)

    # Numbers

    def words_at(self, x: float, y: float) -> str:
        """Say the nearest curve's sensitivity at this false positive share."""
        results, found = self._session.results, []
        for name, (xs, ys, _thresholds) in self._lines.items():
            height = float(np.interp(x, xs, ys))
            found.append((abs(height - y), name, height))
        if not 0 <= x <= 1 or not found:
            return ""
        found.sort()
        words = [f"{results.word(name)} {height:.2f}" for _gap, name, height in found]
        return f"At specificity {1 - x:.2f}, sensitivity: {', '.join(words)}"

    def numbers(self) -> list[Sequence[Any]]:
        """Every point of every curve."""
        rows: list[Sequence[Any]] = [("curve", "model", "false_positive_share", "sensitivity", "low", "high",
                                      "threshold")]
        for name in self._session.drawn:
            found = self._session.results.of("roc", name) or {}
            for number, fold in enumerate(found.get("folds") or (), 1):
                rows += [(f"fold {number}", name, *pair, "", "", "") for pair in zip(fold["fpr"], fold["tpr"],
                                                                                      strict=True)]
            grid = found.get("grid") or ()
            empty = [None] * len(grid)
            rows += [("mean", name, *each, "") for each in zip(grid, found.get("mean") or empty,
                                                                found.get("low") or empty, found.get("high") or empty,
                                                                strict=True)]
            pooled = found.get("pooled") or {}
            fpr = pooled.get("fpr") or ()
            rows += [("pooled", name, x, y, "", "", cut) for x, y, cut in
                     zip(fpr, pooled.get("tpr") or (), pooled.get("threshold") or [None] * len(fpr), strict=True)]
        return rows
