"""Learning curve: whether more patients would help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.ui.result_session import ResultSession
from app.ui.result_words import range_text
from app.ui.results import Estimate, as_number
from app.ui.theme import theme
from app.ui.widgets.curve_style import band, look_of, make_pen, make_points
from app.ui.widgets.figure import Figure
from app.ui.widgets.plot_style import label_axis

_CAPTION = ("AUC on the same held-out cases after training on part of each fold's patients, with its interval of 95 %. "
            "A curve that still rises at its right end says that more patients would help.")


_RISES = 0.01


class LearningPlot(Figure):
    """Follows a session."""

    def __init__(self, session: ResultSession) -> None:
        super().__init__("Learning curve", _CAPTION)
        self._session = session
        self._points: list[tuple[float, Estimate]] = []

    def draw(self) -> None:
        """Draw the points with their band."""
        results = self._session.results
        name = str(results.part("learning_curve").get("model") or next(iter(results.models), ""))
        look = look_of(name, results.models, results.comparators)
        self._points = points_of(results.raw.get("learning_curve"))
        label_axis(self.plot, "left", "AUC on held-out cases")
        label_axis(self.plot, "bottom", "Patients in each training part")
        if not self._points:
            return
        x = np.array([patients for patients, _auc in self._points])
        mean, low, high = (np.array([getattr(auc, part) for _patients, auc in self._points])
                           for part in ("mean", "low", "high"))
        self.plot.plot([0, x.max() * 1.05], [0.5, 0.5], pen=make_pen(theme().line))
        if np.isfinite(low).all() and np.isfinite(high).all():
            self.plot.addItem(band(x, low, high, look))
        self.plot.plot(x, mean, pen=look.pen(3), antialias=True)
        self.plot.addItem(make_points(x=x, y=mean, symbol="o", size=10, pen=make_pen(theme().text, 1.5),
                                      brush=theme().panel_high))
        floor = float(np.nanmin([0.45, *low[np.isfinite(low)]]))
        self.plot.setRange(xRange=(0, x.max() * 1.05), yRange=(floor - 0.02, 1.02), padding=0)

    def sentence(self) -> str:
        """Say whether the last step still gained."""
        if len(self._points) < 2:
            return ""
        (fewer, before), (most, last) = self._points[-2:]
        first = self._points[0][1]
        gain = last.mean - before.mean
        words = f"From {fewer:.0f} to {most:.0f} patients the AUC went from {before.mean:.2f} to {last.mean:.2f}: "
        if not (last.has_interval and first.has_interval and last.low > first.mean):  # a rise within its uncertainty
            return f"{words}too uncertain to tell whether more patients would help."
        return words + ("more patients would likely help." if gain > _RISES else "more of the same would gain little.")

    def words_at(self, x: float, _y: float) -> str:
        """Say the nearest point."""
        if not self._points:
            return ""
        patients, auc = min(self._points, key=lambda point: abs(point[0] - x))
        return f"{patients:.0f} patients: AUC {auc.mean:.2f} ({range_text(auc)})"

    def numbers(self) -> list[Sequence[Any]]:
        """Every point."""
        return [("patients", "auc", "low", "high"),
                *((patients, auc.mean, auc.low, auc.high) for patients, auc in self._points)]


def points_of(found: Any) -> list[tuple[float, Estimate]]:
    """Read a learning curve: a list of points, or a mapping that holds one; fewest patients first."""
    rows = found.get("points") if isinstance(found, dict) else found
    points = [(as_number(row.get("patients")), Estimate.read(row.get("auc"))) for row in rows or ()]
    return sorted((each for each in points if each[1].is_known), key=lambda point: point[0])
