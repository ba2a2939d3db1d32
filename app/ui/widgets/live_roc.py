"""ROC curves and fold AUCs of a run, as its folds are finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.ui.theme import theme
from app.ui.training_folds import FinishedFolds, mean_roc
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.plot_style import groups_of, label_axis, make_plot, style_plot, title_plot

_STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)
_LOWEST = 0.4  # of the axis of AUCs, unless a fold lies below
_MOST_CURVES = 60


class LiveRoc(QWidget):
    """The chosen model's folds as thin lines with their mean; every fold's AUC as a point beside."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.roc, self.areas = make_plot("ROC curves of the finished folds"), make_plot("AUC of every finished fold")
        self.said = wrapped(role="dim")
        label_axis(self.roc, "bottom", "1 − specificity")
        label_axis(self.roc, "left", "Sensitivity")
        label_axis(self.areas, "left", "AUC of a fold")
        self.roc.setRange(xRange=(0, 1), yRange=(0, 1), padding=0.02)
        for plot in (self.roc, self.areas):
            plot.setMouseEnabled(False, False)
            plot.getPlotItem().layout.setContentsMargins(4, 4, 8, 8)
            plot.setMinimumHeight(220)
            plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)  # as high as there is room
        self.areas.getPlotItem().layout.setContentsMargins(4, 4, 8, 16)  # names of models hang below the axis
        plots = QHBoxLayout()
        plots.setSpacing(12)
        plots.addWidget(self.roc, 3)
        plots.addWidget(self.areas, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(plots, 1)
        column.addWidget(self.said)
        self._last: tuple[FinishedFolds, tuple[str, ...], str, dict[str, str]] | None = None

    def show_folds(self, folds: FinishedFolds, models: Sequence[str], chosen: str, titles: Mapping[str, str]) -> None:
        """Draw what is finished of these models, one of them with all its folds."""
        self._last = (folds, tuple(models), chosen, dict(titles))
        self.roc.clear()
        self.areas.clear()
        self.roc.addItem(pg.PlotCurveItem([0, 1], [0, 1], pen=pg.mkPen(theme().line, width=1,
                                                                     style=Qt.PenStyle.DashLine)))
        self.areas.addItem(pg.InfiniteLine(0.5, angle=0, pen=pg.mkPen(theme().line, style=Qt.PenStyle.DashLine)))
        groups = {group.name: group for group in groups_of([titles.get(name, name) for name in models])}
        ordered = [name for name in models if folds.count(name)]
        for place, name in enumerate(models):
            group = groups[titles.get(name, name)]
            curves, values = folds.curves(name), folds.aucs(name)
            if not curves:
                continue
            if name == chosen:
                thin = QColor(group.colour)
                thin.setAlpha(70)
                for fpr, tpr in curves[-_MOST_CURVES:]:
                    self.roc.addItem(pg.PlotCurveItem(fpr, tpr, pen=pg.mkPen(thin, width=1)))
            pen = pg.mkPen(group.colour, width=3 if name == chosen else 1.6, style=_STYLES[place % len(_STYLES)])
            self.roc.addItem(pg.PlotCurveItem(*mean_roc(curves), pen=pen))
            spread = np.random.default_rng(0).uniform(-0.18, 0.18, len(values))
            self.areas.addItem(pg.ScatterPlotItem(ordered.index(name) + spread, values, size=8, symbol=group.symbol,
                                                  brush=pg.mkBrush(group.colour), pen=pg.mkPen(theme().panel)))
            mean = float(np.mean(values)) if values else np.nan
            self.areas.addItem(pg.PlotCurveItem([ordered.index(name) - 0.3, ordered.index(name) + 0.3], [mean, mean],
                                                pen=pg.mkPen(theme().text, width=2)))
        shown = [(place, _short(titles.get(name, name))) for place, name in enumerate(ordered)]
        self.areas.getAxis("bottom").setTicks([shown])
        worst = min((value for name in ordered for value in folds.aucs(name)), default=1.0)
        self.areas.setYRange(min(_LOWEST, worst), 1.0, padding=0.04)
        self.areas.setXRange(-0.6, max(len(ordered), 1) - 0.4, padding=0)
        title_plot(self.roc, f"{titles.get(chosen, chosen)}: every finished fold, and the mean" if chosen else "")
        title_plot(self.areas, "One point a fold; the line is their mean")
        self.said.setText(_say(folds, ordered, titles))

    def restyle(self) -> None:
        """Follow another theme."""
        for plot in (self.roc, self.areas):
            style_plot(plot)
        label_axis(self.roc, "bottom", "1 − specificity")
        label_axis(self.roc, "left", "Sensitivity")
        label_axis(self.areas, "left", "AUC of a fold")
        if self._last is not None:
            self.show_folds(*self._last)


def _short(title: str) -> str:
    return title if len(title) <= 14 else f"{title[:13]}…"


def _say(folds: FinishedFolds, models: Sequence[str], titles: Mapping[str, str]) -> str:
    said = []
    for name in models:
        values = folds.aucs(name)
        if values:
            spread = f" ± {np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
            count = f"{len(values)} fold{'s' * (len(values) != 1)}"
            said.append(f"{titles.get(name, name)} {np.mean(values):.2f}{spread} ({count})")
    return f"Mean AUC of the finished folds: {'; '.join(said)}." if said else "The first fold is still at work."
