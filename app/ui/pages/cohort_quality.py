"""Quality of a cohort: every image with its flags and how it was made, its slices, and how stable its features are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSplitter, QTabWidget, QVBoxLayout, QWidget

from app.core.requests import QualityRequest
from app.ui.anonymising import SETTING, AnonymousBox, anonymise_csv
from app.ui.calls import Call
from app.ui.cohort import Cohort
from app.ui.quality_columns import COLUMNS, counts_text, records_of, worst
from app.ui.saving import ask_save, write_text
from app.ui.widgets.copy_label import ElidedLabel
from app.ui.widgets.flag_list import FlagList
from app.ui.widgets.quality_side import QualitySide
from app.ui.widgets.record_model import RecordModel
from app.ui.widgets.record_table import RecordTable
from app.ui.widgets.run_bar import RunBar
from app.ui.widgets.stability_panel import StabilityPanel

_FILTERS = (("All", ""), ("Flagged", "flagged"), ("With problems", "problem"))


class QualityPage(QWidget):
    """Cases, and the stability of their features.

    Signals
    -------
    opened(str)
        The reader wants to see this case in the viewer.
    noticed(Failure)
        Something to be said.
    """

    opened = Signal(str)
    noticed = Signal(object)

    def __init__(self, cohort: Cohort, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cohort, self._source = cohort, ""
        self._cases: frozenset[str] = frozenset()
        self._call = Call(cohort.jobs, "check_quality", "train", self)
        self.run = RunBar("Check quality", self._call)
        self.counts, self.flags, self.side = ElidedLabel(), FlagList(), QualitySide()
        self.model = RecordModel(COLUMNS, "key", parent=self)
        self.table = RecordTable(self.model, "Images of the cohort with their flags")
        self.filter, self.all, self.export = QComboBox(), QPushButton("Show all"), QPushButton("Export CSV…")
        self.filter.setAccessibleName("Show images by their flags")
        for title, value in _FILTERS:
            self.filter.addItem(title, value)
        self.all.setToolTip("The table shows the cases of one finding; show all again")
        self.export.setToolTip("Write the table as it is shown, with the flags in words")
        self.stability = StabilityPanel(cohort)
        self.tabs = QTabWidget()
        self.tabs.tabBar().setAccessibleName("Parts of quality")
        self.tabs.addTab(self._build_cases(), "Cases")
        self.tabs.addTab(self.stability, "Stability of features")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 4, 0, 0)
        layout.addWidget(self.tabs)
        self._bind()
        self._show(None)

    def _build_cases(self) -> QWidget:
        cases, left, right = QWidget(), QWidget(), QSplitter(Qt.Orientation.Horizontal)
        top, tools = QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.run)
        top.addStretch(1)
        tools.setSpacing(8)
        tools.addWidget(self.counts)
        tools.addStretch(1)
        for widget in (self.all, self.filter, AnonymousBox(self._cohort.state), self.export):
            tools.addWidget(widget)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 8)
        column.setSpacing(8)
        column.addLayout(tools)
        column.addWidget(self.table, 1)
        right.addWidget(left)
        right.addWidget(self.side)
        right.setStretchFactor(0, 3)
        right.setStretchFactor(1, 2)
        right.setChildrenCollapsible(False)
        right.setHandleWidth(4)
        whole = QVBoxLayout(cases)
        whole.setContentsMargins(4, 8, 16, 0)
        whole.setSpacing(8)
        whole.addLayout(top)
        whole.addWidget(self.flags)
        whole.addWidget(right, 1)
        return cases

    def _bind(self) -> None:
        self.run.start_requested.connect(self.check)
        self._call.finished.connect(self._show)
        self._call.failed.connect(self.noticed)
        self.filter.activated.connect(lambda _row: self._filter())
        self.all.clicked.connect(lambda: self.show_cases(()))
        self.flags.cases_requested.connect(self.show_cases)
        self.export.clicked.connect(lambda: ask_save(self, "Export the table", self._cohort.beside("quality.csv"),
                                                     "Table (*.csv)", self.write))
        self.table.chosen.connect(lambda key: self.side.show_record(self.model.find(key)))
        self.table.opened.connect(lambda key: self.opened.emit(str((self.model.find(key) or {}).get("case", ""))))
        self.side.opened.connect(self.opened)
        self.stability.noticed.connect(self.noticed)
        self._cohort.reading_began.connect(self._forget)

    def check(self) -> None:
        """Check the cohort at hand."""
        if self._call.running:
            return
        self._source = self._cohort.source
        request = QualityRequest(out=self._cohort.beside("quality"), jobs=int(self._cohort.recall("jobs", 1)),
                                 **self._cohort.scope(bare=True))
        self._call.start(request.model_dump(mode="json"), "Checking the cohort")

    def show_cases(self, cases: Sequence[str]) -> None:
        """Show these cases alone; none shows all."""
        self._cases = frozenset(cases)
        self._filter()

    def write(self, path: str) -> None:
        """Write the table as it is shown."""
        told = self.table.text(separator=",")
        failure = write_text(path, anonymise_csv(told) if self._cohort.state[SETTING] else told)
        if failure is not None:
            self.noticed.emit(failure)
        else:
            self.run.say(f"Written: {path}")

    def restyle(self) -> None:
        """Follow another theme."""
        self.model.refresh()
        self.side.show_record(self.model.find(self.table.current))
        self.stability.restyle()

    def _forget(self) -> None:
        """Another cohort is read: what was found belongs to the former."""
        if self._source and self._source != self._cohort.source:
            self._call.cancel()
            self._show(None)

    def _show(self, result: Mapping[str, Any] | None) -> None:
        self._cases = frozenset()
        records = records_of(result) if result is not None else []
        self.model.show_records(records)
        self.table.fit()
        nothing = "Nothing was flagged across the cohort." if result is not None else ""
        self.flags.show_flags((result or {}).get("flags") or (), nothing)
        for widget in (self.filter, self.export, self.counts):
            widget.setVisible(result is not None)
        self.side.show_record(None)
        self._filter()
        if records:
            self.table.choose(self.model.key_of(0))
            self.side.show_record(self.model.find(self.table.current))
        if result is None:
            self.run.say("Looks at every image: slices, spacing, acquisition, outline, duplicates.")

    def _filter(self) -> None:
        wanted, cases = self.filter.currentData() or "", self._cases

        def passes(record: Mapping[str, Any]) -> bool:
            grave = worst(record)
            flagged = not wanted or (bool(grave) if wanted == "flagged" else grave == wanted)
            return flagged and (not cases or str(record["case"]) in cases)

        self.model.keep(passes if wanted or cases else None)
        self.all.setVisible(bool(cases))
        shown, records = self.model.rowCount(), self.model.records()
        words = counts_text(records) if records else ""
        self.counts.setText(words if shown == len(records) else f"{words}; {shown:,} shown")

