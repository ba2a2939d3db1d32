"""The cases of a run: where each lies against the threshold, who was called wrongly, and the way to the images."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QScrollArea, QSplitter, QVBoxLayout, QWidget

from app.ui.anonymising import anonymise_csv
from app.ui.result_session import ResultSession
from app.ui.saving import ask_save, write_text
from app.ui.widgets.case_features import CaseFeatures
from app.ui.widgets.confusion_panel import ConfusionPanel
from app.ui.widgets.copy_label import ElidedLabel, wrapped
from app.ui.widgets.record_model import Column, Record, RecordModel
from app.ui.widgets.record_table import RecordTable
from app.ui.widgets.threshold_strip import ThresholdStrip

_FILTERS = (("Called wrongly", "wrong"), ("Missed", "missed"), ("False alarms", "alarmed"), ("All cases", ""))
_OUTCOMES = {(True, True): "found", (True, False): "missed", (False, True): "false alarm", (False, False): "cleared"}
_WRONG = ("missed", "false alarm")
SIDE = 300


def _mark(row: Record) -> tuple[str, str] | None:
    return ("cross", "warning") if row["outcome"] in _WRONG else None


COLUMNS = (
    Column("Case", lambda row: row["case"], mark=_mark),
    Column("Truth", lambda row: row["truth"]),
    Column("Outcome", lambda row: row["outcome"]),
    Column("Probability", lambda row: row["probability"], lambda value: f"{value:.3f}", "While the case was held out",
           numeric=True),
    Column("Off by", lambda row: row["gap"], lambda value: f"{value:.3f}",
           "How far a wrong call lies from the threshold", numeric=True),
    Column("Verdict", lambda row: row["verdict"], about="What the case would have been told at the usual error rate"),
    Column("Site", lambda row: row["site"]),
    Column("Images", lambda row: "known" if row["files"] else "", about="Whether the viewer can open it"),
)


class CasesPart(QWidget):
    """Strip above, counts at the left, cases at the right.

    Signals
    -------
    opened(dict)
        The reader wants to see the case of these files.
    said(str), failed(Failure)
        How writing went.
    unknown(str)
        A case was to be opened whose files are not known here.
    features_requested(dict)
        The reader wants the features of the case of these files; `features` shows them.
    """

    opened = Signal(dict)
    said = Signal(str)
    failed = Signal(object)
    unknown = Signal(str)
    features_requested = Signal(dict)

    def __init__(self, session: ResultSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.strip, self.counts = ThresholdStrip(session), ConfusionPanel(session)
        self.model = RecordModel(COLUMNS, "key", parent=self)
        self.table = RecordTable(self.model, "Cases")
        self.shown, self.filter = ElidedLabel(), QComboBox()
        self.open, self.export = QPushButton("Open in the viewer"), QPushButton("Export CSV…")
        self.measure, self.features = QPushButton("Its features"), CaseFeatures()
        self.features.hide()
        self.nothing = wrapped("", "dim")
        self.filter.setAccessibleName("Show cases by outcome")
        for title, value in _FILTERS:
            self.filter.addItem(title, value)
        tools = QHBoxLayout()
        tools.addWidget(self.shown)
        tools.addStretch(1)
        for widget in (self.filter, self.open, self.measure, self.export):
            tools.addWidget(widget)
        right, lower = QWidget(), QSplitter(Qt.Orientation.Horizontal)
        column = QVBoxLayout(right)
        column.setContentsMargins(8, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(tools)
        column.addWidget(self.nothing)
        column.addWidget(self.table, 1)
        self._counts = QScrollArea()
        self._counts.setWidget(self.counts)
        self._counts.setWidgetResizable(True)
        self._counts.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._counts.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        lower.addWidget(self._counts)
        lower.addWidget(right)
        lower.addWidget(self.features)
        lower.setStretchFactor(1, 1)
        lower.setChildrenCollapsible(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addWidget(self.strip)
        whole.addWidget(lower, 1)
        self._bind()

    def _bind(self) -> None:
        self.filter.activated.connect(lambda _row: self._filter())
        self.table.chosen.connect(self._choose)
        self.table.opened.connect(self.open_case)
        self.open.clicked.connect(lambda: self.open_case(self.table.current))
        self.measure.clicked.connect(self._measure)
        self.export.clicked.connect(lambda: ask_save(self, "Export the cases", "cases.csv", "Table (*.csv)",
                                                     self.write))
        self.strip.picked.connect(self._pick)
        self.strip.said.connect(self.said)
        self.strip.failed.connect(self.failed)
        self._session.threshold_moved.connect(self._follow)

    def restyle(self) -> None:
        """Show the cases of the model that is looked at."""
        results = self._session.results
        self.nothing.setVisible(not len(results.labels))
        self.nothing.setText("The answers for single cases are not kept with this result.")
        self.strip.current = -1
        self.features.hide()
        self.strip.restyle()
        self.counts.refresh()
        self._widen()
        QTimer.singleShot(0, self, self._widen)  # once the fonts are known
        self.model.show_records(self._records())
        self._filter()
        self.table.fit()

    def _widen(self) -> None:
        bar = self._counts.verticalScrollBar().sizeHint().width()
        self._counts.setMinimumWidth(max(SIDE, self.counts.minimumSizeHint().width() + bar))

    def _records(self) -> list[dict[str, Any]]:
        results, name = self._session.results, self._session.model
        scores = results.probabilities(name)
        verdicts = (results.part("cases").get("verdict") or {}).get(name) or [None] * len(scores)
        columns = [results.case_column(each) for each in ("case", "row", "site", "files")]
        return [{"key": str(place), "place": place, "case": str(case) if case else f"row {row}", "site": site or "",
                 "files": files, "truth": results.positive if label else results.negative, "label": bool(label),
                 "probability": score, "verdict": str(verdict or "").replace("_", " "), **self._outcome(label, score)}
                for place, (case, row, site, files, label, score, verdict) in
                enumerate(zip(*columns, results.labels.tolist(), scores.tolist(), verdicts, strict=True))]

    def _outcome(self, label: int, score: float) -> dict[str, Any]:
        if not np.isfinite(score):
            return {"outcome": "not tested", "gap": None}
        outcome = _OUTCOMES[bool(label), score >= self._session.threshold]
        return {"outcome": outcome, "gap": abs(score - self._session.threshold) if outcome in _WRONG else None}

    def _follow(self) -> None:
        for record in self.model.records():
            record.update(self._outcome(record["label"], record["probability"]))
        self._filter()

    def _filter(self) -> None:
        kind = self.filter.currentData()
        wanted = {"wrong": _WRONG, "missed": ("missed",), "alarmed": ("false alarm",)}.get(kind, ())
        self.model.keep((lambda record: record["outcome"] in wanted) if wanted else None)
        wrong = sum(record["outcome"] in _WRONG for record in self.model.records())
        self.shown.setText(f"{wrong:,} of {len(self.model.records()):,} cases called wrongly")
        self._offer()

    def _choose(self, key: str) -> None:
        self.strip.look_at(int(key) if key else -1)
        self._offer()

    def _offer(self) -> None:
        record = self.model.find(self.table.current) if self.table.current else None
        known = record is not None and bool(record["files"])
        self.open.setEnabled(known)
        self.open.setToolTip("Show the images with the outline (Enter)" if known else
                             "Choose a case whose images are known here")

        saved = str(self._session.results.raw.get("saved") or "")
        self.measure.setEnabled(known and self._session.model == saved)
        self.measure.setToolTip("Measure them, and show where they lie among the training cases"
                                if self.measure.isEnabled() else
                                "For cases whose images are known here, and the model that was saved")

    def _measure(self) -> None:
        record = self.model.find(self.table.current)
        if record is not None and record["files"]:
            self.features.wait(record["case"])
            self.features_requested.emit(dict(record["files"]))

    def _pick(self, place: int) -> None:
        if self.model.row(str(place)) < 0:
            self.filter.setCurrentIndex(self.filter.findData(""))
            self._filter()
        self.table.choose(str(place))

    def open_case(self, key: str) -> None:
        """Open a case in the viewer where its files are known."""
        record = self.model.find(key)
        if record is None:
            return
        if record["files"]:
            self.opened.emit(dict(record["files"]))
        else:
            self.unknown.emit(record["case"])

    def write(self, path: str) -> None:
        """Write the table as it is shown."""
        told = self.table.text(separator=",")
        failure = write_text(path, anonymise_csv(told) if self._session.anonymise else told)
        if failure is None:
            self.said.emit(f"Written: {path}")
        else:
            self.failed.emit(failure)
