"""Records as a table: any number of rows, sorted and filtered in one pass, some columns with a mark or a check box."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from app.ui.widgets.mark_icon import mark_icon

Record = Mapping[str, Any]
AnyIndex = QModelIndex | QPersistentModelIndex
Mark = tuple[str, str]
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_Role = Qt.ItemDataRole


@dataclass(frozen=True)
class Column:
    """One column.

    Parameters
    ----------
    title : str
        Its heading.
    value : callable
        Record to what it is sorted by; None and NaN come last either way.
    text : callable
        Value to what is read.
    about : str
        Tool tip of the heading.
    numeric : bool
        Whether its figures are aligned.
    mark : callable, optional
        Record to (shape, theme colour) before the text, or None.
    tip : callable, optional
        Record to the cell's tool tip; by default the text.
    """

    title: str
    value: Callable[[Record], Any]
    text: Callable[[Any], str] = str
    about: str = ""
    numeric: bool = False
    mark: Callable[[Record], Mark | None] | None = None
    tip: Callable[[Record], str] | None = None


class RecordModel(QAbstractTableModel):
    """Rows of records, found by their key.

    Parameters
    ----------
    columns : sequence of Column
        From left to right.
    key : str
        The entry of a record that names it; unique.
    checkable : callable, optional
        Record to whether it may be ticked; None gives no check boxes.

    Signals
    -------
    checked_changed()
        Other records are ticked than before.
    ticked()
        The reader has ticked or unticked something; `undo_tick` takes it back.
    """

    checked_changed = Signal()
    ticked = Signal()

    def __init__(self, columns: Sequence[Column], key: str, checkable: Callable[[Record], bool] | None = None,
                 parent: Any = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self._key, self._checkable = key, checkable
        self._records: list[dict[str, Any]] = []
        self._places: dict[str, int] = {}
        self._shown: list[int] = []
        self._rows: dict[int, int] = {}
        self._keep: Callable[[Record], bool] | None = None
        self._order: tuple[int, bool] | None = None
        self.unchecked: set[str] = set()
        self._past: list[set[str]] = []

    @property
    def has_ticks(self) -> bool:
        """Whether records have check boxes."""
        return self._checkable is not None

    # What Qt asks

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """Count the rows shown."""
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """Count the columns."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = int(_Role.DisplayRole)) -> Any:  # noqa: N802
        """Heading of a column."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        if role == int(_Role.DisplayRole):
            return column.title
        if role == int(_Role.ToolTipRole):
            return column.about or None
        if role == int(_Role.TextAlignmentRole):
            return _RIGHT if column.numeric else _LEFT
        return None

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        """What can be done with a cell."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.column() == 0 and self._can_check(self.record(index.row())):
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        return flags

    def data(self, index: AnyIndex, role: int = int(_Role.DisplayRole)) -> Any:
        """One cell."""
        if not index.isValid() or not 0 <= index.row() < len(self._shown):
            return None
        record, column = self.record(index.row()), self.columns[index.column()]
        if role == int(_Role.DisplayRole):
            return self._text(record, column)
        if role in (int(_Role.ToolTipRole), int(_Role.AccessibleTextRole)):
            return column.tip(record) if column.tip is not None else self._text(record, column)
        if role == int(_Role.TextAlignmentRole):
            return _RIGHT if column.numeric else _LEFT
        if role == int(_Role.DecorationRole) and column.mark is not None:
            mark = column.mark(record)
            return mark_icon(*mark) if mark else None
        if role == int(_Role.CheckStateRole) and index.column() == 0 and self._can_check(record):
            return Qt.CheckState.Checked if self.is_checked(record) else Qt.CheckState.Unchecked
        return None

    def setData(self, index: AnyIndex, value: Any, role: int = int(_Role.EditRole)) -> bool:  # noqa: N802
        """Tick or untick a row."""
        if role != int(_Role.CheckStateRole) or not self.flags(index) & Qt.ItemFlag.ItemIsUserCheckable:
            return False
        self.check([self.key_of(index.row())], on=Qt.CheckState(value) == Qt.CheckState.Checked)
        return True

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; a negative one returns to the order in which the records came."""
        self._order = (column, order == Qt.SortOrder.DescendingOrder) if column >= 0 else None
        self._arrange()

    # What the window asks

    def show_records(self, records: Iterable[Record]) -> None:
        """Show other records; ticks begin anew."""
        self._past = []
        self._records = [dict(record) for record in records]
        self._places = {str(record[self._key]): place for place, record in enumerate(self._records)}
        self.unchecked = set()
        self._arrange()

    def records(self) -> list[dict[str, Any]]:
        """Every record, shown or not, in the order they came."""
        return self._records

    def shown(self) -> list[dict[str, Any]]:
        """Records on screen, in the order on screen."""
        return [self._records[place] for place in self._shown]

    def record(self, row: int) -> dict[str, Any]:
        """Record of a row on screen."""
        return self._records[self._shown[row]]

    def key_of(self, row: int) -> str:
        """Name of a row on screen."""
        return str(self.record(row)[self._key])

    def find(self, key: str) -> dict[str, Any] | None:
        """Find a record by its key."""
        place = self._places.get(key)
        return None if place is None else self._records[place]

    def row(self, key: str) -> int:
        """Row on screen of a key; -1 when it is not there."""
        return self._rows.get(self._places.get(key, -1), -1)

    def change(self, key: str, **changes: Any) -> None:
        """Change entries of one record; it keeps its place until the next sorting."""
        place = self._places.get(key)
        if place is None:
            return
        self._records[place].update(changes)
        row = self._rows.get(place, -1)
        if row >= 0:
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(self.columns) - 1))

    def refresh(self) -> None:
        """Show what has been changed in the records themselves; sorting and filter are followed."""
        self._arrange()

    def keep(self, test: Callable[[Record], bool] | None) -> None:
        """Show only the records that pass a test; None shows all."""
        self._keep = test
        self._arrange()

    def is_checked(self, record: Record) -> bool:
        """Whether a record is ticked."""
        return self._can_check(record) and str(record[self._key]) not in self.unchecked

    def checked(self) -> list[dict[str, Any]]:
        """Every ticked record, shown or not."""
        return [record for record in self._records if self.is_checked(record)]

    def check(self, keys: Sequence[str], *, on: bool) -> None:
        """Tick or untick records."""
        self._past.append(self.unchecked)
        self._tick(self.unchecked.difference(keys) if on else self.unchecked.union(keys), keys)
        self.ticked.emit()

    def undo_tick(self) -> bool:
        """Take back what was ticked or unticked last; False when there is nothing."""
        if not self._past:
            return False
        before = self._past.pop()
        self._tick(before, [*before.symmetric_difference(self.unchecked)])
        return True

    def _tick(self, unchecked: set[str], keys: Sequence[str]) -> None:
        self.unchecked = unchecked
        rows = sorted(row for row in map(self.row, keys) if row >= 0)
        if rows:
            self.dataChanged.emit(self.index(rows[0], 0), self.index(rows[-1], len(self.columns) - 1))
        self.checked_changed.emit()

    def _can_check(self, record: Record) -> bool:
        return self._checkable is not None and self._checkable(record)

    def _arrange(self) -> None:
        self.beginResetModel()
        shown = [place for place, record in enumerate(self._records) if self._keep is None or self._keep(record)]
        if self._order is not None:
            column, falling = self._order
            keyed = [(self.columns[column].value(self._records[place]), place) for place in shown]
            known = [each for each in keyed if not is_missing(each[0])]
            missing = [place for value, place in keyed if is_missing(value)]
            known.sort(key=lambda each: _sortable(each[0]), reverse=falling)
            shown = [place for _value, place in known] + missing
        self._shown = shown
        self._rows = {place: row for row, place in enumerate(shown)}
        self.endResetModel()

    @staticmethod
    def _text(record: Record, column: Column) -> str:
        value = column.value(record)
        return "" if is_missing(value) else column.text(value)


def is_missing(value: Any) -> bool:
    """Whether a cell has nothing to show."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _sortable(value: Any) -> tuple[int, float, str]:
    if isinstance(value, (int, float)):
        return 0, float(value), ""
    return 1, 0.0, str(value).casefold()
