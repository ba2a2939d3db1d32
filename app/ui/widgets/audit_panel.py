"""The audit: the honest figure beside what a fault would have shown and what chance shows, in words too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.result_session import ResultSession
from app.ui.result_words import p_text, range_text
from app.ui.results import Estimate, as_array, as_number
from app.ui.theme import theme
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.curve_style import make_pen, make_points
from app.ui.widgets.figure import Figure
from app.ui.widgets.plot_style import label_axis
from app.ui.widgets.record_model import Column, RecordModel
from app.ui.widgets.record_table import RecordTable

_CAPTION = ("Honest: everything learned in the training part of each fold. Naive: the same cases where harmonisation "
            "and selection have seen the held-out ones. Permuted: the honest way under labels dealt at random.")
_NOT_AUDITED = ("This run was not audited. Ask for the audit when training: it repeats the run the wrong way and under "
                "labels that mean nothing, to show what chance and leakage would have looked like.")
_LEVEL, _LEAK = 0.05, 0.55
_GOLDEN, _HEIGHT, _TABLE = 0.618034, 150, 104


class AuditPlot(Figure):
    """Three rows on one axis."""

    def __init__(self, session: ResultSession) -> None:
        super().__init__("Audit", _CAPTION)
        self._session = session
        self.plot.setMinimumHeight(_HEIGHT)

    def draw(self) -> None:
        """Draw the honest figure with its interval, the naive one, and every permutation."""
        label_axis(self.plot, "bottom", "AUC")
        self.name_rows("left", ("permuted", "naive", "honest"))
        honest, naive, each = self._honest(), self._naive(), self._permuted()
        self.plot.plot([0.5, 0.5], [-1, 3], pen=make_pen(theme().line))
        ink = make_pen(theme().text, 1.5)
        if len(each):
            aside = (np.arange(len(each)) * _GOLDEN % 1 - 0.5) * 0.6
            self.plot.addItem(make_points(x=each, y=aside, symbol="x", size=7, pen=None, brush=theme().text_dim))
        if honest.is_known:
            if honest.has_interval:
                self.plot.plot([honest.low, honest.high], [2, 2], pen=make_pen(theme().text, 2.5))
            self.plot.plot([honest.mean] * 2, [-0.5, 2], pen=make_pen(theme().text_dim))
            self.plot.addItem(make_points(x=[honest.mean], y=[2], symbol="s", size=13, pen=ink, brush=theme().lipoma))
        if naive.is_known:
            self.plot.addItem(make_points(x=[naive.mean], y=[1], symbol="t1", size=14, pen=ink,
                                          brush=theme().malignant))
        known = [value for value in (honest.low, honest.mean, naive.mean, *each) if np.isfinite(value)]
        self.plot.setRange(xRange=(min([0.35, *known]) - 0.02, 1.02), yRange=(-0.6, 2.6), padding=0)

    def _part(self, name: str) -> Mapping[str, Any]:
        found = self._session.results.part("audit").get(name)
        return found if isinstance(found, Mapping) else {}

    def _honest(self) -> Estimate:
        found = Estimate.read(self._part("honest").get("auc"))
        results = self._session.results
        return found if found.is_known else results.auc(next(iter(results.models), ""))

    def _naive(self) -> Estimate:
        return Estimate.read(self._part("naive").get("auc"))

    def _permuted(self) -> Any:
        return as_array((self._part("permuted").get("auc") or {}).get("each") or ())

    def sentences(self) -> list[str]:
        """Say what each row means."""
        honest, each, permuted = self._honest(), self._permuted(), self._part("permuted")
        told = []
        if self._part("naive").get("sentence"):
            told.append(str(self._part("naive")["sentence"]))
        if permuted:
            mean = as_number((permuted.get("auc") or {}).get("mean"))
            count = int(permuted.get("permutations") or len(each))
            verdict = "What the model found could be chance"
            if as_number(permuted.get("p_value")) <= _LEVEL:
                verdict = "The labels matter: what the model found is not chance alone"
            elif (count + 1) * _LEVEL < 1:
                verdict = f"No p value below {1 / (count + 1):.2g} can come of {count}: ask for more of them"
            told.append(f"With labels dealt at random {count} times the same pipeline reached {mean:.2f} on average "
                        f"(one half is expected), against {honest.mean:.2f} with the true ones "
                        f"({p_text(permuted.get('p_value'))}). {verdict}.")
            if mean > _LEAK:
                told.append("Labels dealt at random should give one half: a higher mean says that something leaks.")
        return told

    def words_at(self, x: float, y: float) -> str:
        """Say a row's figures."""
        honest, naive, each = self._honest(), self._naive(), self._permuted()
        words = {2: f"Honest: {honest.mean:.3f} ({range_text(honest)})" if honest.is_known else "",
                 1: f"Naive: {naive.mean:.3f}" if naive.is_known else "",
                 0: f"{(each >= x).sum()} of {len(each)} permutations at or above {x:.2f}" if len(each) else ""}
        return words.get(round(y), "")

    def numbers(self) -> list[Sequence[Any]]:
        """Honest, naive, and every permutation."""
        honest, naive = self._honest(), self._naive()
        return [("what", "auc", "low", "high"), ("honest", honest.mean, honest.low, honest.high),
                ("naive", naive.mean, "", ""), *(("permuted", value, "", "") for value in self._permuted().tolist())]


def settings_text(settings: Mapping[str, Any]) -> str:
    """Write what was chosen in a fold: 'C 0.1, l1 ratio 0.5', the members of an average one after the other."""
    told = []
    for name, value in settings.items():
        title = str(name).rpartition("__")[2].replace("_", " ")
        if isinstance(value, Mapping):
            member = f"model {int(title) + 1}" if title.isdigit() else title
            told.append(f"{member}: {settings_text(value)}")
        else:
            told.append(f"{title} {value:.3g}" if isinstance(value, float) else f"{title} {value}")
    return ("; " if any(isinstance(value, Mapping) for value in settings.values()) else ", ").join(told)


def _plain(name: str) -> Any:
    return lambda row: row.get(name)


FIT_COLUMNS = (
    Column("Repeat", _plain("repeat"), numeric=True), Column("Fold", _plain("fold"), numeric=True),
    Column("Trained cases", _plain("trained_rows"), numeric=True),
    Column("Trained patients", _plain("trained_patients"), numeric=True),
    Column("Tested cases", _plain("tested_rows"), numeric=True),
    Column("On both sides", _plain("patients_on_both_sides"), about="Patients in training and test: must be 0",
           numeric=True),
    Column("Settings", lambda row: settings_text(row.get("settings") or {})),
)


class AuditPanel(QWidget):
    """Words, figure, and what was fitted in each fold."""

    def __init__(self, session: ResultSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.words, self.sides, self.figure = wrapped(), wrapped(), AuditPlot(session)
        self.model = RecordModel(FIT_COLUMNS, "key", parent=self)
        self.table = RecordTable(self.model, "What was fitted in each fold")
        self.table.setMinimumHeight(_TABLE)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.words)
        column.addWidget(self.figure, 1)
        column.addWidget(self.sides)
        column.addWidget(self.table, 1)

    def restyle(self) -> None:
        """Draw anew."""
        results = self._session.results
        audited = bool(results.part("audit"))
        self.figure.setVisible(audited)
        self.figure.restyle()
        self.words.setText("\n".join(self.figure.sentences()) if audited else
                           _NOT_AUDITED)
        fits = [{**fit, "key": str(place)} for place, fit in
                enumerate(results.of("fits", self._session.model) or ())]
        both = sum(int(fit.get("patients_on_both_sides") or 0) for fit in fits)
        told = "No patient was" if not both else f"{both} patients were"
        self.sides.setText(f"{told} on both sides in any of the {len(fits)} fits of {self._session.model}." if fits
                           else "")
        self.model.show_records(fits)
        self.table.setVisible(bool(fits))
        self.table.fit()
