"""Calibration: what the model said against what was so, with its band, and where its answers lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg

from app.ui.result_session import ResultSession
from app.ui.results import Array, as_array, as_number
from app.ui.theme import theme
from app.ui.widgets.curve_style import band, look_of, make_legend, make_pen, make_points
from app.ui.widgets.figure import Figure
from app.ui.widgets.plot_style import label_axis

_CAPTION = ("On the diagonal, of the cases given 30 %, 30 of 100 are positive. Band: 95 %. Points: cases in groups of "
            "like probability, with Wilson's interval. Bars: how many cases were given each probability, filled for "
            "{positive}, open for {negative}.")
_STRIP = 0.1


class CalibrationPlot(Figure):
    """Follows a session."""

    def __init__(self, session: ResultSession) -> None:
        super().__init__("Calibration", "", square=True)
        self._session = session
        self._curves: dict[str, tuple[Array, Array]] = {}

    def draw(self) -> None:
        """Draw the curve of each model; band, groups and counts of the one that is looked at."""
        session, results = self._session, self._session.results
        self._curves = {}
        label_axis(self.plot, "left", f"Observed share of {results.positive}")
        label_axis(self.plot, "bottom", f"Probability of {results.positive} that the model gave")
        self.caption.setText(_CAPTION.format(positive=results.positive, negative=results.negative))
        make_legend(self.plot, (12, 12))
        self.plot.plot([0, 1], [0, 1], pen=make_pen(theme().text_dim, width=1), name="as it should be")
        for name in session.drawn:
            self._draw_curve(name, leading=name == session.model)
        if session.drawn:
            self._draw_groups()
            self._draw_counts()
        ticks = [(step / 5, f"{step / 5:.1f}") for step in range(6)]
        for side in ("left", "bottom"):
            self.plot.getAxis(side).setTicks([ticks])
        self.plot.setRange(xRange=(-0.02, 1.04), yRange=(-_STRIP - 0.01, 1.04), padding=0)

    def _draw_curve(self, name: str, *, leading: bool) -> None:
        results = self._session.results
        curve = (results.of("calibration", name) or {}).get("curve") or {}
        predicted, observed = as_array(curve.get("predicted") or ()), as_array(curve.get("observed") or ())
        if not len(predicted) or len(predicted) != len(observed):
            return
        look = look_of(name, results.models, results.comparators)
        low, high = as_array(curve.get("low") or ()), as_array(curve.get("high") or ())
        if leading and len(low) == len(high) == len(predicted):
            self.plot.addItem(band(predicted, low, high, look))
        line = self.plot.plot(predicted, observed, pen=look.pen(3.5 if leading else 2.0), antialias=True,
                              name=results.word(name))
        line.setZValue(2 if leading else 1)
        self._curves[name] = (predicted, observed)

    def _draw_groups(self) -> None:
        bins = self._bins()
        if not bins:
            return
        x, y = (as_array([each.get(key) for each in bins]) for key in ("predicted", "observed"))
        low, high = (as_array([each.get(key) for each in bins]) for key in ("low", "high"))
        ink = make_pen(theme().text, width=1.5)
        self.plot.addItem(pg.ErrorBarItem(x=x, y=y, top=high - y, bottom=y - low, pen=ink, beam=0.015))
        cases = as_array([each.get("cases") for each in bins])
        size = 6 + 8 * np.sqrt(np.nan_to_num(cases) / max(float(np.nanmax(cases)), 1.0))
        self.plot.addItem(make_points(x=x, y=y, size=size, symbol="o", pen=ink,
                                             brush=pg.mkBrush(theme().panel_high)))

    def _draw_counts(self) -> None:
        """Draw the two classes' histograms below zero: filled for the positive, open for the negative."""
        results = self._session.results
        scores = results.probabilities(self._session.model)
        if not np.isfinite(scores).any():
            return
        edges = np.linspace(0, 1, 26)
        counts = [np.histogram(scores[(results.labels == side) & np.isfinite(scores)], edges)[0] for side in (1, 0)]
        scale = _STRIP / 2 * 0.9 / max(int(max(each.max() for each in counts)), 1)
        middle = -_STRIP / 2
        look = look_of(self._session.model, results.models, results.comparators)
        for share, heights, brush in ((1, counts[0], pg.mkBrush(look.colour)), (-1, counts[1], None)):
            self.plot.addItem(pg.BarGraphItem(x0=edges[:-1], x1=edges[1:], y0=middle, height=share * heights * scale,
                                              brush=brush, pen=make_pen(theme().text_dim, width=1)))

    def _bins(self) -> list[dict[str, Any]]:
        found = (self._session.results.of("calibration", self._session.model) or {}).get("bins") or ()
        return [dict(each) for each in found if np.isfinite(as_number(each.get("predicted")))]

    def words_at(self, x: float, y: float) -> str:
        """Say what was so among cases given this probability, and the nearest group."""
        results = self._session.results
        near = [each for each in self._bins() if abs(as_number(each["predicted"]) - x) < 0.02
                and abs(as_number(each["observed"]) - y) < 0.06]
        if near:
            each = near[0]
            return (f"{each.get('cases')} cases given about {as_number(each['predicted']):.0%}: "
                    f"{as_number(each['observed']):.0%} were {results.positive} "
                    f"({as_number(each.get('low')):.0%} to {as_number(each.get('high')):.0%})").replace("%", " %")
        words = [f"{results.word(name)} {float(np.interp(x, xs, ys)):.0%}".replace("%", " %")
                 for name, (xs, ys) in self._curves.items() if xs[0] <= x <= xs[-1]]
        return f"Given {x:.0%}".replace("%", " %") + f", observed: {', '.join(words)}" if words else ""

    def numbers(self) -> list[Sequence[Any]]:
        """Curves and groups."""
        rows: list[Sequence[Any]] = [("what", "model", "predicted", "observed", "low", "high", "cases")]
        for name in self._session.drawn:
            found = self._session.results.of("calibration", name) or {}
            curve = found.get("curve") or {}
            size = len(curve.get("predicted") or ())
            columns = [curve.get(key) or [None] * size for key in ("predicted", "observed", "low", "high")]
            rows += [("curve", name, *each, "") for each in zip(*columns, strict=True)]
            rows += [("group", name, *(each.get(key) for key in ("predicted", "observed", "low", "high", "cases")))
                     for each in found.get("bins") or ()]
        return rows
