"""By site and subgroup: each AUC with its interval, a square as large as it has cases, the whole as a diamond."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtWidgets import QScrollArea

from app.ui.result_session import ResultSession
from app.ui.result_words import range_text
from app.ui.results import Estimate
from app.ui.theme import theme
from app.ui.widgets.curve_style import make_pen, make_points
from app.ui.widgets.figure import Figure
from app.ui.widgets.plot_style import label_axis

_CAPTION = ("AUC within each site, with its interval of 95 %; the size of a square tells its cases. Groups with "
            "fewer than two cases of a class allow none. Cases of different sites are not compared here.")
_ROW, _MARGIN, _SEVERAL = 26, 64, 3


@dataclass(frozen=True)
class Line:
    """One row: name, cases, how many of them positive, AUC, and what to know."""

    name: str
    cases: int
    positive: int
    auc: Estimate
    note: str = ""


class ForestPlot(Figure):
    """Follows a session."""

    def __init__(self, session: ResultSession) -> None:
        super().__init__("AUC by site", _CAPTION)
        self._session = session
        self.lines: list[Line] = []
        room = QScrollArea()
        room.setWidgetResizable(True)
        place = self.column.indexOf(self.plot)
        self.column.removeWidget(self.plot)
        room.setWidget(self.plot)
        self.column.insertWidget(place, room, 1)

    def draw(self) -> None:
        """Draw sites, subgroups and the whole, from above."""
        results = self._session.results
        self.lines = gather_small(self._list())
        label_axis(self.plot, "bottom", "AUC")
        count = len(self.lines)
        self.plot.setMinimumHeight(_ROW * count + _MARGIN)
        self.plot.setMaximumHeight(max(44 * count, _ROW * count) + _MARGIN)
        ink = make_pen(theme().text, 1.5)
        self.plot.plot([0.5, 0.5], [-1, count], pen=make_pen(theme().line))
        whole = results.auc(self._session.model)
        if whole.is_known:
            self.plot.plot([whole.mean] * 2, [-1, count], pen=make_pen(theme().text_dim, 1))
        most = max((line.cases for line in self.lines), default=1)
        for place, line in enumerate(self.lines):
            y = count - 1 - place
            if not line.auc.is_known:
                continue
            if line.auc.has_interval:
                self.plot.plot([line.auc.low, line.auc.high], [y, y], pen=ink)
            diamond = place == count - 1
            size = 16.0 if diamond else 6 + 9 * float(np.sqrt(line.cases / most))
            self.plot.addItem(make_points(x=[line.auc.mean], y=[y], symbol="d" if diamond else "s", size=size,
                                          pen=ink, brush=theme().accent if diamond else theme().panel_high))
        self.name_rows("left", [f"{line.name}  ({line.positive}/{line.cases})" for line in reversed(self.lines)])
        self.name_rows("right", [range_words(line) for line in reversed(self.lines)])
        low = min([0.45, *(line.auc.low for line in self.lines if line.auc.has_interval)])
        self.plot.getAxis("bottom").setTicks([[(tick / 10, f"{tick / 10:.1f}") for tick in range(11)]])
        self.plot.setRange(xRange=(low, 1.01), yRange=(-0.6, count - 0.4), padding=0)

    def _list(self) -> list[Line]:
        results = self._session.results
        lines = [Line(str(row.get("site") or "unknown"), int(row.get("cases") or 0), int(row.get("positive") or 0),
                      Estimate.read({**row, "mean": row.get("auc")})) for row in results.rows("sites")]
        for row in results.rows("subgroups"):
            if row.get("variable") in ("all", "site"):
                continue
            positives, negatives = int(row.get("positives") or 0), int(row.get("negatives") or 0)
            lines.append(Line(f"{row.get('variable')}: {row.get('level')}", positives + negatives, positives,
                              Estimate.read(row.get("auc")), str(row.get("note") or "")))
        labels = results.labels
        whole = Line("All cases", len(labels), int(labels.sum()), results.auc(self._session.model))
        return [*lines, whole] if lines else []

    def words_at(self, _x: float, y: float) -> str:
        """Say a row in words."""
        place = len(self.lines) - 1 - round(y)
        if not 0 <= place < len(self.lines):
            return ""
        line = self.lines[place]
        text = f"{line.name}: {line.positive} {self._session.results.positive} of {line.cases} cases"
        figure = f", AUC {line.auc.mean:.2f} ({range_text(line.auc)})" if line.auc.is_known else ", too few for an AUC"
        return f"{text}{figure}. {line.note}".strip()

    def numbers(self) -> list[Sequence[Any]]:
        """Every row."""
        return [("group", "cases", "positive", "auc", "low", "high"),
                *((line.name, line.cases, line.positive, line.auc.mean, line.auc.low, line.auc.high)
                  for line in self._list())]


def gather_small(lines: Sequence[Line]) -> list[Line]:
    """Put groups that allow no AUC into one row where they are several; it stands above the whole."""
    small = [line for line in lines if not line.auc.is_known]
    if len(small) < _SEVERAL:
        return list(lines)
    one = Line(f"{len(small)} small groups", sum(line.cases for line in small), sum(line.positive for line in small),
               Estimate(float("nan")), f"In each of them: {', '.join(line.name for line in small)}.")
    known = [line for line in lines if line.auc.is_known]
    return [*known[:-1], one, *known[-1:]]


def range_words(line: Line) -> str:
    """Say a row's figures in the width of an axis."""
    if not line.auc.is_known:
        return "too few"
    interval = range_text(line.auc)
    return f"{line.auc.mean:.2f}" + (f" ({interval})" if interval else "")
