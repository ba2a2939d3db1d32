"""What a bias correction did, in words and figures: evenness before and after, the field, and the histograms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui.theme import tabular_font, theme
from app.ui.widgets.copy_label import CopyLabel, wrapped
from app.ui.widgets.overlay import DIM, TEXT

_PLAIN, _FLATTER = 0.1, 0.75  # a tumour that stands out by 10 % is seen, and so is the loss of a quarter of that
_ROWS = {"mask": "Where it is estimated", "region": "In the painted region"}
_TUMOUR = "Tumour over the rest"
_TIPS = {"mask": "Standard deviation over mean, all tissues together",
         "region": "Standard deviation over mean of what is painted",
         "tumour": "Mean brightness in the tumour's outline over that of the rest, where the field is estimated"}
_SHORT = {"mask": "Image", "region": "Painted"}
_LEGEND = ("{}&nbsp;&nbsp; \N{BLACK SQUARE} before&nbsp; "
           "<span style='color: {}'>\N{BOX DRAWINGS HEAVY HORIZONTAL}</span> after")
_SAME = 0.005


def percent(value: float) -> str:
    """A coefficient of variation as the reader sees it: '15.9 %'."""
    return f"{100 * value:.1f}\N{NO-BREAK SPACE}%"


def verdict(result: Mapping[str, Any]) -> tuple[str, bool]:
    """Say whether the correction helped, and whether that is a warning.

    Parameters
    ----------
    result : mapping
        `variation`, `worse` and `contrast` of a preview.
    """
    words, warning = _evenness(result)
    before, after = result.get("contrast") or (1.0, 1.0)
    if abs(np.log(before)) > _PLAIN and abs(np.log(after)) < _FLATTER * abs(np.log(before)):
        return f"{words} The tumour itself is being evened out: it stands out less than before.", True
    return words, warning


def _evenness(result: Mapping[str, Any]) -> tuple[str, bool]:
    variation, worse = result["variation"], result["worse"]
    painted = variation.get("region")
    place = "region" if painted else "mask"
    before, after = variation[place]
    where = "the painted region" if painted else "the image, where the field is estimated,"
    figures = f"{percent(before)} before, {percent(after)} after"
    if worse[place]:
        return f"This made it worse: {where} is less even ({figures}).", True
    change = f"More even: {where} varies less ({figures})."
    if abs(after - before) <= _SAME * before:
        change = f"Hardly a change: {where} varies as before ({figures})."
    if not painted:
        return f"{change} This mixes tissues: paint a piece of fat or muscle to judge one alone.", False
    if worse["mask"]:
        return f"{change} Over all tissues together it varies more than before.", False
    return change, False


class BiasFigures(QWidget):
    """The verdict, a small table, and what the field is like."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.verdict, self.about = wrapped(), wrapped(role="dim")
        self.verdict.setAccessibleName("What the correction did")
        self.cells: dict[str, tuple[CopyLabel, CopyLabel]] = {}
        self._titles: dict[str, QLabel] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        for column, words in enumerate(("Coefficient of variation", "before", "after")):
            label = QLabel(words)
            label.setProperty("role", "dim")
            grid.addWidget(label, 0, column, Qt.AlignmentFlag.AlignLeft if not column else Qt.AlignmentFlag.AlignRight)
        for row, (name, title) in enumerate([*_ROWS.items(), ("tumour", _TUMOUR)], 1):
            self._titles[name], self.cells[name] = QLabel(title), (CopyLabel(), CopyLabel())
            grid.addWidget(self._titles[name], row, 0)
            for column, cell in enumerate(self.cells[name], 1):
                cell.setAccessibleName(f"{title}, {('before', 'after')[column - 1]}")
                cell.setToolTip(_TIPS[name])
                cell.setFont(tabular_font(theme().normal_px))
                grid.addWidget(cell, row, column, Qt.AlignmentFlag.AlignRight)
        grid.setColumnStretch(0, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 12, 0)
        layout.setSpacing(6)
        layout.addWidget(self.verdict)
        layout.addLayout(grid)
        layout.addWidget(self.about)
        layout.addStretch(1)
        self.clear()

    def clear(self, words: str = "") -> None:
        """Show no figures, only words."""
        self._say(words)
        self.about.setText("")
        for name in self.cells:
            self._show_row(name, None)

    def show_result(self, result: Mapping[str, Any]) -> None:
        """Show a preview's figures."""
        self._say(*verdict(result))
        for name in _ROWS:
            self._show_row(name, result["variation"].get(name))
        self._show_row("tumour", result.get("contrast"))
        if "field_range" in result:
            low, high = (value / result["scale"] for value in result["field_range"])
            said = [f"Field from {low:.2f} to {high:.2f} times its mean; {result['seconds']:.2f} s."]
            if abs(result["scale"] - 1) > 0.02:
                said.append(f"Its mean is {result['scale']:.2f}: the corrected values are {_times(result['scale'])} "
                            "the original's, and are shown equally bright.")
            said += [str(caution["message"]) for caution in result.get("cautions") or ()]
            self.about.setText(" ".join(said))

    def _say(self, words: str, warning: bool = False) -> None:
        self.verdict.setText(words)
        self.verdict.setProperty("role", "warning" if warning else "")
        self.verdict.style().unpolish(self.verdict)
        self.verdict.style().polish(self.verdict)

    def _show_row(self, name: str, pair: Any) -> None:
        for cell, value in zip(self.cells[name], pair or (None, None), strict=True):
            cell.setText("" if value is None else f"{value:.2f}" if name == "tumour" else percent(value))
        for widget in (self._titles[name], *self.cells[name]):
            widget.setVisible(pair is not None)


def _times(scale: float) -> str:
    return f"{1 / scale:.2g} times"


class BiasHistogram(QWidget):
    """Values before (filled) and after (line) on one axis, where the field is estimated and in the painted region."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        self.setStyleSheet(f"BiasHistogram {{ background: {theme().viewer}; }}")
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 8, 4)
        self.plots: dict[str, pg.PlotWidget] = {}
        for name, title in _ROWS.items():
            plot = pg.PlotWidget(background=theme().viewer, enableMenu=False)
            plot.setAccessibleName(f"Histogram, {title.lower()}")
            plot.hideButtons()
            plot.setMouseEnabled(x=False, y=False)
            plot.hideAxis("left")
            axis = plot.getAxis("bottom")
            axis.setTickFont(tabular_font(theme().small_px))
            axis.setPen(DIM)
            axis.setTextPen(DIM)
            plot.setTitle(_LEGEND.format(_SHORT[name], theme().label_colour(2)), size=f"{theme().small_px}px",
                          color=DIM.name())
            plot.setVisible(name == "mask")
            self.plots[name] = plot
            row.addWidget(plot)

    def show_histograms(self, histograms: Mapping[str, Any] | None) -> None:
        """Draw a preview's histograms; None draws nothing."""
        for name, plot in self.plots.items():
            plot.clear()
            counted = (histograms or {}).get(name)
            plot.setVisible(counted is not None or name == "mask")
            if counted is None:
                continue
            edges = np.asarray(counted["edges"], dtype=float)
            before, after = (np.asarray(counted[key], dtype=float) for key in ("before", "after"))
            grey = pg.mkColor(TEXT)
            grey.setAlpha(90)
            plot.plot(edges, before, stepMode="center", pen=pg.mkPen(DIM, width=1), fillLevel=0, brush=grey)
            plot.plot(edges, after, stepMode="center", pen=pg.mkPen(theme().label_colour(2), width=2))
            plot.setXRange(float(edges[0]), float(edges[-1]), padding=0.01)
            # the first bin is often air's; it may be cut so that tissue keeps its shape
            tallest = max(float(counts[1:].max()) for counts in (before, after))
            plot.setYRange(0, max(1.05 * tallest, 1e-9), padding=0)
