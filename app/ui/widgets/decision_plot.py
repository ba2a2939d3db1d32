"""Decision curve: what acting on the model is worth per 100 patients, at the prevalence of one's own practice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSlider

from app.ui.result_session import ResultSession
from app.ui.result_words import benefit_sentence
from app.ui.results import Array, as_array
from app.ui.theme import theme
from app.ui.widgets.curve_style import Look, band, look_of, make_legend, make_pen
from app.ui.widgets.decimal_box import DecimalBox
from app.ui.widgets.figure import Figure
from app.ui.widgets.plot_style import label_axis

_CAPTION = ("Net benefit: positives found, less needless treatments at the weight that the threshold implies. Worth "
            "using where its curve lies above both 'treat all' and 'treat none'. At another prevalence the "
            "probabilities are carried there by Bayes' rule, as on the page Score. Vickers and Elkin 2006, "
            "10.1177/0272989X06295361. Band: 95 %, at the cases' own prevalence.")
_STEPS = 1000
_SHOWN, _SAME = (0.01, 0.8), 5e-4


def net_benefit(thresholds: Array, sensitivity: Array, specificity: Array, share: float) -> Array:
    """Net benefit at each threshold where `share` of the patients are positive: shape (thresholds,).

    References
    ----------
    Vickers and Elkin, Med Decis Making 26 (2006), 10.1177/0272989X06295361.
    """
    weight = thresholds / (1 - thresholds)
    return share * sensitivity - weight * (1 - share) * (1 - specificity)


def carried(thresholds: Array, cohort: float, share: float) -> Array:
    """Where a threshold of another prevalence lies on the probabilities of the cohort's own, by Bayes' rule."""
    odds = thresholds / (1 - thresholds) * (cohort / (1 - cohort)) / (share / (1 - share))
    return odds / (1 + odds)


class DecisionPlot(Figure):
    """Follows a session; the prevalence is the reader's to set.

    Signals
    -------
    prevalence_changed(float)
        The reader's patients are another mix.
    """

    prevalence_changed = Signal(float)

    def __init__(self, session: ResultSession) -> None:
        super().__init__("Decision curve", _CAPTION)
        self._session, self.prevalence = session, 0.5
        self.slider, self.number = QSlider(Qt.Orientation.Horizontal), DecimalBox()
        self.back = QPushButton("As in these cases")
        self.slider.setRange(1, _STEPS - 1)
        self.slider.setPageStep(50)
        self.slider.setAccessibleName("Prevalence")
        self.number.setRange(0.1, 99.9)
        self.number.setDecimals(1)
        self.number.setSuffix(" in 100")
        self.number.setKeyboardTracking(False)
        self.number.setAccessibleName("Prevalence in 100 patients")
        self.words = QLabel()
        self.words.setBuddy(self.slider)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.words)
        row.addWidget(self.slider, 1)
        row.addWidget(self.number)
        row.addWidget(self.back)
        self.column.insertLayout(0, row)
        self.slider.valueChanged.connect(lambda value: self.take(value / _STEPS))
        self.number.valueChanged.connect(lambda value: self.take(value / 100))
        self.back.clicked.connect(self.reset)
        session.loaded.connect(self.reset)
        self._curves: dict[str, tuple[Array, Array]] = {}
        self.reset()

    def reset(self) -> None:
        """Return to the share among these cases."""
        own = self._session.results.prevalence
        self.take(own if 0 < own < 1 else 0.5)

    def take(self, share: float) -> None:
        """Draw for another prevalence."""
        share = min(max(share, 0.001), 0.999)
        for widget, value in ((self.slider, round(share * _STEPS)), (self.number, share * 100)):
            blocked = widget.blockSignals(True)
            widget.setValue(value)  # type: ignore[arg-type]
            widget.blockSignals(blocked)
        if share != self.prevalence:
            self.prevalence = share
            self.restyle()
            self.prevalence_changed.emit(share)

    def curve(self, name: str) -> tuple[Array, Array]:
        """Thresholds and net benefit of a model at the prevalence."""
        results = self._session.results
        found, cohort = results.of("decision", name) or {}, results.prevalence
        limits = as_array(found.get("threshold") or ())
        hits, cleared = as_array(found.get("sensitivity") or ()), as_array(found.get("specificity") or ())
        inside = (limits > 0) & (limits < 1)
        limits, hits, cleared = limits[inside], hits[inside], cleared[inside]
        if not len(limits):
            return limits, hits
        if 0 < cohort < 1 and abs(cohort - self.prevalence) >= _SAME:
            known = carried(limits, cohort, self.prevalence)
            hits, cleared = np.interp(known, limits, hits), np.interp(known, limits, cleared)
            held = (known >= limits[0]) & (known <= limits[-1])
            limits, hits, cleared = limits[held], hits[held], cleared[held]
        return limits, net_benefit(limits, hits, cleared, self.prevalence)

    def draw(self) -> None:
        """Draw everybody treated, nobody treated, and every model."""
        session, results = self._session, self._session.results
        self.words.setText(f"Of the patients you see, {results.positive}:")
        label_axis(self.plot, "left", f"Net benefit ({results.positive} found per 100 patients)")
        label_axis(self.plot, "bottom", "Threshold: the probability from which you would act")
        make_legend(self.plot, (-12, 12))
        grid = np.linspace(*_SHOWN, 159)
        everybody = net_benefit(grid, np.ones_like(grid), np.zeros_like(grid), self.prevalence)
        lowest = -0.25 * self.prevalence  # what runs out of the picture is left out of it, also on paper
        inside = everybody >= lowest
        self.plot.plot(grid[inside], 100 * everybody[inside], pen=Look(theme().text_dim, (8.0, 4.0)).pen(1.5),
                       antialias=True, name="treat all")
        self.plot.plot(list(_SHOWN), [0, 0], pen=make_pen(theme().text_dim, width=1.5), name="treat none")
        self._draw_band(lowest)
        self._curves = {}
        for name in session.drawn:
            limits, benefit = self._curves[name] = self.curve(name)
            if len(limits):
                look = look_of(name, results.models, results.comparators)
                leading = name == session.model
                inside = (benefit >= lowest) & (limits <= _SHOWN[1])
                line = self.plot.plot(limits[inside], 100 * benefit[inside], antialias=True, name=results.word(name),
                                      pen=look.pen(3.5 if leading else 2.0))
                line.setZValue(2 if leading else 1)
        highest = max([self.prevalence, *(float(np.nanmax(each)) for _x, each in self._curves.values() if len(each))])
        self.plot.getAxis("bottom").setTicks([[(step / 10, f"{step * 10} %") for step in range(1, 9)]])
        self.plot.setRange(xRange=_SHOWN, yRange=(100 * lowest, 108 * highest), padding=0)

    def _draw_band(self, lowest: float) -> None:
        """Draw the interval of the model looked at; it is known at the cases' own prevalence alone."""
        results, name = self._session.results, self._session.model
        found = results.of("decision", name) or {}
        limits, low, high = (as_array(found.get(key) or ()) for key in ("threshold", "low", "high"))
        if len(limits) and len(low) == len(high) == len(limits) and abs(results.prevalence - self.prevalence) < _SAME:
            shown = limits <= _SHOWN[1]
            low, high = (np.clip(100 * side[shown], 100 * lowest, 108 * self.prevalence) for side in (low, high))
            self.plot.addItem(band(limits[shown], low, high, look_of(name, results.models, results.comparators)))

    def words_at(self, x: float, _y: float) -> str:
        """Say what the model is worth to somebody who acts from this probability."""
        limits, benefit = self._curves.get(self._session.model, (np.empty(0), np.empty(0)))
        if not len(limits) or not max(limits[0], 0.005) <= x <= limits[-1]:
            return ""
        everybody = float(net_benefit(np.array([x]), np.ones(1), np.zeros(1), self.prevalence)[0])
        results = self._session.results
        return benefit_sentence(x, float(np.interp(x, limits, benefit)), everybody, results.positive,
                                results.word(self._session.model))

    def numbers(self) -> list[Sequence[Any]]:
        """Net benefit per patient of every curve at the prevalence on screen."""
        rows: list[Sequence[Any]] = [("model", "prevalence", "threshold", "net_benefit", "treat_all")]
        for name in self._session.drawn:
            limits, benefit = self.curve(name)
            everybody = net_benefit(limits, np.ones_like(limits), np.zeros_like(limits), self.prevalence)
            rows += [(name, self.prevalence, *each) for each in zip(limits.tolist(), benefit.tolist(),
                                                                    everybody.tolist(), strict=True)]
        return rows
