"""Features of a cohort: what was matched, case by case, and the run that measures them."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.ui.cohort import Cohort
from app.ui.cohort_columns import WIDTHS, counts_text, filters, standing
from app.ui.folders import short_path
from app.ui.widgets.copy_label import ElidedLabel, wrapped
from app.ui.widgets.extraction_panel import ExtractionPanel
from app.ui.widgets.record_model import Record
from app.ui.widgets.record_table import RecordTable

SHOWN_NOTES = 3
_RECOUNT_MS = 250


class FeaturesPage(QWidget):
    """Cases in the middle, the run at the right.

    Signals
    -------
    choose_requested(str)
        The reader wants another 'folder' or 'table'.
    opened(str)
        The reader wants to see this case.
    """

    choose_requested = Signal(str)
    opened = Signal(str)

    def __init__(self, cohort: Cohort, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cohort = cohort
        self.source, self.counts = ElidedLabel(role="title", middle=True), ElidedLabel()
        self.notes = wrapped(role="dim")
        self.folder, self.table_button = QPushButton("Folder…"), QPushButton("Table…")
        self.again = QPushButton("Read again")
        self.folder.setToolTip("Take the cases of another folder; or drop one anywhere on the page")
        self.table_button.setToolTip("Take the cases that a table names; or drop one anywhere on the page")
        self.again.setToolTip("Look again at what lies there")
        self.filter, self.search = QComboBox(), QLineEdit()
        self.filter.setAccessibleName("Show cases by standing")
        self.filter.setMinimumWidth(120)
        self.search.setPlaceholderText("Find a case")
        self.search.setAccessibleName("Show cases by name")
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(220)
        self.table = RecordTable(cohort.model, "Cases of the cohort")
        self.table.set_widths(WIDTHS, stretch=3)
        self.table.setToolTipDuration(20_000)
        self.panel = ExtractionPanel(cohort)
        top, tools, left = QHBoxLayout(), QHBoxLayout(), QVBoxLayout()
        for layout in (top, tools):
            layout.setSpacing(8)
        top.addWidget(self.source)
        top.addStretch(1)
        for button in (self.folder, self.table_button, self.again):
            top.addWidget(button)
        tools.addWidget(self.counts)
        tools.addStretch(1)
        tools.addWidget(self.search)
        tools.addWidget(self.filter)
        left.setSpacing(8)
        left.addLayout(top)
        left.addLayout(tools)
        left.addWidget(self.notes)
        left.addWidget(self.table, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 0, 8)
        layout.setSpacing(8)
        layout.addLayout(left, 1)
        layout.addWidget(self.panel)
        self._recount = QTimer(self)  # a run ends many cases a second; the counts may follow a moment later
        self._recount.setSingleShot(True)
        self._recount.setInterval(_RECOUNT_MS)
        self._recount.timeout.connect(self._count)
        self._bind()
        self._show_source()
        self._count()

    def _bind(self) -> None:
        cohort = self._cohort
        self.folder.clicked.connect(lambda: self.choose_requested.emit("folder"))
        self.table_button.clicked.connect(lambda: self.choose_requested.emit("table"))
        self.again.clicked.connect(cohort.read)
        self.filter.activated.connect(lambda _row: self._filter())
        self.search.textChanged.connect(lambda _text: self._filter())
        self.table.opened.connect(self.opened)
        cohort.reading_began.connect(self._show_source)
        cohort.listed.connect(self._show_source)
        cohort.listed.connect(self._count)
        cohort.listed.connect(self.table.fit)
        cohort.measuring_changed.connect(self._count)
        cohort.measuring_changed.connect(self._show_source)
        cohort.model.checked_changed.connect(self._count)
        cohort.progressed.connect(lambda *_: self._recount.isActive() or self._recount.start())

    def _show_source(self) -> None:
        cohort = self._cohort
        self.source.setText(short_path(cohort.source))
        self.source.setToolTip(f"The cohort's folder or table: {cohort.source}")
        busy = cohort.is_reading or cohort.is_measuring
        for button in (self.folder, self.table_button, self.again):
            button.setEnabled(not busy)
        if cohort.is_reading:
            self.counts.setText("Looking for cases.")
        shown = cohort.notes[:SHOWN_NOTES]
        more = len(cohort.notes) - len(shown)
        self.notes.setText("\n".join([*shown, *([f"and {more:,} more notes"] if more > 0 else [])]))
        self.notes.setToolTip("\n".join(cohort.notes) if more > 0 else "")
        self.notes.setVisible(bool(shown))

    def _count(self) -> None:
        if self._cohort.is_reading:
            return
        records = self._cohort.model.records()
        self.counts.setText(counts_text(records, len(self._cohort.model.unchecked)))
        chosen = self.filter.currentData()
        self.filter.clear()
        for words, name in filters(records):
            self.filter.addItem(words, name)
        self.filter.setCurrentIndex(max(0, self.filter.findData(chosen)))
        if chosen and self.filter.currentData() != chosen:
            self._filter()

    def _filter(self) -> None:
        wanted, words = self.filter.currentData() or "", self.search.text().casefold()

        def passes(record: Record) -> bool:
            return (not wanted or standing(record) == wanted) and words in str(record["case"]).casefold()

        self._cohort.model.keep(passes if wanted or words else None)
