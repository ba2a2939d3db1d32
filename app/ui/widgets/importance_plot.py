"""What the model leans on: each feature's weight over the folds with its spread, and in how many folds it was kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QScrollArea

from app.ui.result_session import ResultSession
from app.ui.results import as_number
from app.ui.theme import theme
from app.ui.widgets.contributions import feature_title
from app.ui.widgets.curve_style import look_of, make_pen, make_points
from app.ui.widgets.figure import Figure
from app.ui.widgets.plot_style import label_axis

_CAPTION = ("Point: mean over the folds that kept the feature, with the range that holds 95 % of them. Bar and figure "
            "at the right: the share of folds that kept it. A feature that few folds keep is chance as much as "
            "biology; of two that go together, either may stand for both.")
_ROW, _MARGIN, MOST = 26, 64, 40


class ImportancePlot(Figure):
    """Follows a session."""

    def __init__(self, session: ResultSession) -> None:
        super().__init__("Importance of features", _CAPTION)
        self._session = session
        self.rows: list[dict[str, Any]] = []
        room = QScrollArea()
        room.setWidgetResizable(True)
        place = self.column.indexOf(self.plot)
        self.column.removeWidget(self.plot)
        room.setWidget(self.plot)
        self.column.insertWidget(place, room, 1)

    def draw(self) -> None:
        """Draw the features that most folds lean on, from above."""
        results = self._session.results
        found = [dict(each) for each in results.of("importance", self._session.model) or ()]
        found.sort(key=lambda row: -_weight(row))
        self.rows = found[:MOST]
        count = len(self.rows)
        self.plot.setMinimumHeight(_ROW * count + _MARGIN)
        self.plot.setMaximumHeight(44 * count + _MARGIN)
        label_axis(self.plot, "bottom", "Share of the model's weight")
        ends = [value for row in self.rows for value in (as_number(row.get("low")), as_number(row.get("high")),
                                                        as_number(row.get("mean"))) if np.isfinite(value)]
        low, high = min([0.0, *ends]), max([*ends, 0.05])
        look = look_of(self._session.model, results.models, results.comparators)
        self.plot.plot([0, 0], [-1, count], pen=make_pen(theme().line))
        for place, row in enumerate(self.rows):
            y, share = count - 1 - place, as_number(row.get("share"))
            if np.isfinite(share):
                self.plot.addItem(pg.BarGraphItem(x0=[low], width=[(high - low) * share], y=[y], height=[0.62],
                                                  brush=look.faint(45), pen=None))
            if not np.isfinite(as_number(row.get("mean"))):
                continue  # a kernel's or a network's weights are not of features
            self.plot.plot([as_number(row.get("low")), as_number(row.get("high"))], [y, y],
                           pen=make_pen(theme().text, 1.5))
            self.plot.addItem(make_points(x=[as_number(row.get("mean"))], y=[y], symbol="o", size=9,
                                          pen=make_pen(theme().text, 1.5), brush=look.colour))
        self.name_rows("left", [_short(feature_title(row)) for row in reversed(self.rows)])
        self.name_rows("right", [_kept(row) for row in reversed(self.rows)])
        self.plot.setRange(xRange=(low, high * 1.02), yRange=(-0.6, max(count, 1) - 0.4), padding=0)

    def words_at(self, _x: float, y: float) -> str:
        """Say a feature's figures."""
        place = len(self.rows) - 1 - round(y)
        if not 0 <= place < len(self.rows):
            return ""
        row = self.rows[place]
        return (f"{row['feature']}: {_figures(row)}kept by {_kept(row)} of folds")

    def numbers(self) -> list[Sequence[Any]]:
        """Every feature, also those that the figure has no room for."""
        found = self._session.results.of("importance", self._session.model) or ()
        keys = ("feature", "share", "mean", "low", "high")
        return [("feature", "share_of_folds", "mean", "low", "high"), *(tuple(row.get(key) for key in keys)
                                                                        for row in found)]


def _weight(row: dict[str, Any]) -> float:
    share, mean = as_number(row.get("share")), as_number(row.get("mean"))
    return float(np.nan_to_num(share, nan=1.0) * abs(np.nan_to_num(mean)))


def _figures(row: dict[str, Any]) -> str:
    mean, low, high = (as_number(row.get(key)) for key in ("mean", "low", "high"))
    return f"{mean:.2f} of the model's weight ({low:.2f} to {high:.2f}), " if np.isfinite(mean) else ""


def _kept(row: dict[str, Any]) -> str:
    share = as_number(row.get("share"))
    return f"{share * 100:.0f} %" if np.isfinite(share) else ""


def _short(title: str) -> str:
    return title if len(title) <= 44 else f"{title[:28]}…{title[-15:]}"
