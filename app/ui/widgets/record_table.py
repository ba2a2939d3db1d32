"""A table of records: sorted by a click on a heading, copied with Ctrl+C, ticked with space, opened with Enter."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.ui.widgets.record_model import AnyIndex, RecordModel, is_missing

ROW_HEIGHT = 28
LEAST, MOST, SPARE, TICK = 64, 320, 12, 28
_SPREADSHEET_FORMULA = ("=", "+", "@", "\t")


class RecordTable(QTableView):
    """Shows a `RecordModel`.

    Signals
    -------
    chosen(str)
        The reader looks at this record; '' when at none.
    opened(str)
        The reader wants this record opened.
    """

    chosen = Signal(str)
    opened = Signal(str)

    def __init__(self, model: RecordModel, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.records, self._current = model, ""
        self.setModel(model)
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setSortIndicatorClearable(True)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setResizeContentsPrecision(100)  # rows looked at for a width
        self.setSortingEnabled(True)
        self.setCornerButtonEnabled(False)
        self.doubleClicked.connect(lambda index: self.opened.emit(model.key_of(index.row())))
        self.selectionModel().currentRowChanged.connect(self._tell)
        model.modelReset.connect(self._return)

    @property
    def current(self) -> str:
        """Key of the record that the reader looks at; '' for none."""
        return self._current

    def set_widths(self, widths: Iterable[int], stretch: int = -1) -> None:
        """Give columns their widths, pixels; one of them may take what is left."""
        for column, width in enumerate(widths):
            self.setColumnWidth(column, width)
        if stretch >= 0:
            self.horizontalHeader().setSectionResizeMode(stretch, QHeaderView.ResizeMode.Stretch)

    def fit(self) -> None:
        """Give columns the room of what they hold, and hide those that hold nothing."""
        records = self.records.records()
        for place, column in enumerate(self.records.columns):
            empty = bool(records) and all(is_missing(column.value(record)) for record in records)
            self.setColumnHidden(place, empty)
            if not empty:
                title = self.horizontalHeader().fontMetrics().horizontalAdvance(column.title)
                box = TICK if place == 0 and self.records.has_ticks else 0  # the style's hint leaves it out
                width = max(self.sizeHintForColumn(place) + box, title + 2 * SPARE)
                self.setColumnWidth(place, min(max(width, LEAST), MOST))

    def choose(self, key: str) -> None:
        """Look at a record."""
        row = self.records.row(key)
        if row >= 0:
            self.selectRow(row)
            self.scrollTo(self.records.index(row, 0))

    def text(self, keys: Iterable[str] | None = None, separator: str = "\t") -> str:
        """Write rows with their headings; by default all that are shown."""
        wanted = None if keys is None else set(keys)
        out = io.StringIO()
        writer = csv.writer(out, delimiter=separator, lineterminator="\n")
        writer.writerow([column.title for column in self.records.columns])
        for row in range(self.records.rowCount()):
            if wanted is None or self.records.key_of(row) in wanted:
                cells = [str(self.records.data(self.records.index(row, place)) or "")
                         for place in range(len(self.records.columns))]
                writer.writerow([f"'{cell}" if cell.startswith(_SPREADSHEET_FORMULA) else cell for cell in cells])
        return out.getvalue()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Copy, tick, open."""
        rows = [index.row() for index in self.selectionModel().selectedRows()]
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.text([self.records.key_of(row) for row in rows] or None))
        elif event.key() == Qt.Key.Key_Space and rows:
            records = [self.records.record(row) for row in rows]
            on = not all(self.records.is_checked(record) for record in records)
            self.records.check([self.records.key_of(row) for row in rows], on=on)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._current:
            self.opened.emit(self._current)
        else:
            super().keyPressEvent(event)

    def _tell(self, now: AnyIndex, _before: AnyIndex) -> None:
        key = self.records.key_of(now.row()) if now.isValid() else ""
        if key and key != self._current:
            self._current = key
            self.chosen.emit(key)

    def _return(self) -> None:
        """After sorting or filtering, look at the same record again."""
        row = self.records.row(self._current)
        if row >= 0:
            self.selectRow(row)
        elif self._current and self.records.find(self._current) is None:
            self._current = ""
            self.chosen.emit("")
