"""All figures as tables: every metric of what is drawn, and every paired difference; sorted, copied, written as CSV."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QPushButton, QSplitter, QVBoxLayout, QWidget

from app.ui.result_session import ResultSession
from app.ui.result_words import p_text, range_text, signed_text
from app.ui.results import Estimate, as_number
from app.ui.saving import ask_save, write_text
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.record_model import Column, Record, RecordModel
from app.ui.widgets.record_table import RecordTable
from app.ui.widgets.result_panel import heading


def _figure(value: Any) -> str:
    value = float(value)
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"


def _interval(row: Record) -> str:
    return range_text(Estimate.read({**row, "interval": None}), digits=3)


METRICS = (
    Column("Metric", lambda row: row["name"], tip=lambda row: str(row.get("explained") or row["name"])),
    Column("Of", lambda row: row["of"]),
    Column("Mean", lambda row: row.get("mean"), _figure, "Over folds; over cases in an external test",
           numeric=True),
    Column("SD", lambda row: row.get("sd"), _figure, "Standard deviation over folds", numeric=True),
    Column("95 % interval", _interval, about="Where the mean would lie, new training cases and new test cases alike",
           numeric=True),
    Column("What it says", lambda row: row.get("explained")),
)
DIFFERENCES = (
    Column("AUC of", lambda row: row["a"]), Column("less that of", lambda row: row["b"]),
    Column("Difference", lambda row: row.get("mean"), lambda value: signed_text(value, 3), numeric=True),
    Column("95 % interval", lambda row: range_text(Estimate.read(row), signed=True, digits=3), numeric=True),
    Column("p", lambda row: as_number(row.get("p_value")), lambda value: p_text(value).removeprefix("p = "),
           numeric=True),
    Column("How", lambda row: row.get("how")),
)


class MetricTable(QWidget):
    """Follows a session.

    Signals
    -------
    said(str)
        Where a file was written.
    failed(Failure)
        Why it was not.
    """

    said = Signal(str)
    failed = Signal(object)

    def __init__(self, session: ResultSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.metrics = RecordModel(METRICS, "key", parent=self)
        self.table = RecordTable(self.metrics, "Metrics")
        self.differences = RecordModel(DIFFERENCES, "key", parent=self)
        self.pairs = RecordTable(self.differences, "Paired differences in AUC")
        for table in (self.table, self.pairs):
            last = table.records.columnCount() - 1
            table.horizontalHeader().setSectionResizeMode(last, QHeaderView.ResizeMode.Stretch)
        self.nothing = wrapped("", "dim")
        self.export = QPushButton("Export CSV…")
        self.export.clicked.connect(lambda: ask_save(self, "Export the table", "metrics.csv", "Table (*.csv)",
                                                     self.write))
        top = QHBoxLayout()
        top.addWidget(wrapped("Sort by a heading; Ctrl+C copies the chosen rows, or all of them.", "dim"), 1)
        top.addWidget(self.export)
        upper, lower = QWidget(), QWidget()
        for part, widgets in ((upper, (self.table,)), (lower, (heading("Paired differences in AUC"), self.nothing,
                                                                self.pairs))):
            column = QVBoxLayout(part)
            column.setContentsMargins(0, 4, 0, 0)
            column.setSpacing(6)
            if part is upper:
                column.addLayout(top)
            for widget in widgets:
                column.addWidget(widget)
        rooms = QSplitter(Qt.Orientation.Vertical)
        rooms.addWidget(upper)
        rooms.addWidget(lower)
        rooms.setStretchFactor(0, 3)
        rooms.setStretchFactor(1, 2)
        rooms.setChildrenCollapsible(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(rooms)

    def restyle(self) -> None:
        """Show what is drawn."""
        session, results = self._session, self._session.results
        rows = [{**each, "of": results.word(name), "key": f"{name}\n{each['name']}"} for name in session.drawn
                for each in results.of("metrics", name) or ()]
        self.metrics.show_records(rows)
        self.table.fit()
        drawn = set(session.drawn)
        head = dict(results.part("headline"))
        told = [{**head, "a": results.raw.get("saved"), "b": head.get("comparator"), "how": head.get("how", "as run")}]
        named = {(row.get("a"), row.get("b")) for row in results.rows("comparisons")}
        pairs = [*results.rows("comparisons"), *(row for row in told if (row["a"], row["b"]) not in named)]
        pairs = [row for row in pairs if {row.get("a"), row.get("b")} <= drawn and row.get("mean") is not None]
        self.differences.show_records({**row, "a": results.word(str(row["a"])), "b": results.word(str(row["b"])),
                                       "key": f"{row['a']}\n{row['b']}"} for row in pairs)
        self.pairs.fit()
        self.pairs.setVisible(bool(pairs))
        self.nothing.setVisible(not pairs)
        self.nothing.setText("Tick two or more above to compare them." if len(drawn) < 2 else
                             "No paired difference is kept for these.")

    def write(self, path: str) -> None:
        """Write both tables, one below the other."""
        failure = write_text(path, f"{self.table.text(separator=',')}\n{self.pairs.text(separator=',')}")
        if failure is None:
            self.said.emit(f"Written: {path}")
        else:
            self.failed.emit(failure)


