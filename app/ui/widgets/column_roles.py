"""What each column of a table is for: recognised, shown, and changed cell by cell or for several columns at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView, QWidget

AnyIndex = QModelIndex | QPersistentModelIndex
ROLES = {"label": "Label", "patient": "Patient", "site": "Site", "clinical": "Clinical", "feature": "Feature",
         "ignore": "Not used", "file": "File"}
MEANINGS = {"label": "what the model shall tell: the diagnosis", "patient": "cases of one patient stay together",
            "site": "hospital or scanner", "clinical": "known beforehand; a model of these alone stands beside",
            "feature": "measured; the model learns from it", "ignore": "left alone",
            "file": "where an image or an outline lies"}
_TITLES = ("Column", "Role", "Holds", "Missing", "Examples")
_ORDER = {role: place for place, role in enumerate(("label", "patient", "site", "clinical", "file", "ignore",
                                                    "feature"))}
ROLE_COLUMN, _ROW = 1, 28


class ColumnModel(QAbstractTableModel):
    """A row for each column of the table that is looked at."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.columns: list[dict[str, Any]] = []
        self._rows = 0

    def show_columns(self, columns: Sequence[Mapping[str, Any]], role_of: Callable[[str], str], rows: int) -> None:
        """Show columns with their roles; those that need a look come first, features last."""
        shown = [{**each, "role": role_of(each["name"])} for each in columns]
        shown.sort(key=lambda each: _ORDER.get(each["role"], 9))
        self._rows = rows
        if shown and [each["name"] for each in shown] == [each["name"] for each in self.columns]:
            self.columns = shown
            self.dataChanged.emit(self.index(0, 0), self.index(len(shown) - 1, len(_TITLES) - 1))
            return
        self.beginResetModel()
        self.columns = shown
        self.endResetModel()

    def rowCount(self, _parent: AnyIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """Count the columns of the table."""
        return len(self.columns)

    def columnCount(self, _parent: AnyIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """Count what is said of each."""
        return len(_TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation,  # noqa: N802
                   role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name what is said."""
        shown = orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole
        return _TITLES[section] if shown else None

    def is_free(self, row: int) -> bool:
        """Whether a column's role can be changed: that of a file cannot."""
        return bool(self.columns[row]["role"] != "file")

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Say one thing of one column."""
        each = self.columns[index.row()]
        if role == Qt.ItemDataRole.ToolTipRole:
            if index.column() == ROLE_COLUMN:
                return f"{ROLES.get(each['role'], '')}: {MEANINGS.get(each['role'], '')}"
            return self.data(index)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        missing = each["missing"]
        share = f" ({100 * missing / self._rows:.0f} %)" if missing and self._rows else ""
        shown = ROLES.get(each["role"], each["role"]) + ("  ▾" if self.is_free(index.row()) else "")
        return (each["name"], shown, _holds(each),
                f"{missing:,}{share}" if missing else "none", ", ".join(map(str, each["examples"])))[index.column()]


def _holds(column: Mapping[str, Any]) -> str:
    if column["kind"] == "empty":
        return "nothing"
    if column["kind"] == "number" and column["distinct"] > 2:
        return "numbers"
    return f"{column['distinct']:,} value{'s' * (column['distinct'] != 1)}"


class ColumnRoles(QTableView):
    """The columns of a table, each with its role.

    Signals
    -------
    role_chosen(list, str)
        The reader gives these columns this role.
    """

    role_chosen = Signal(list, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.columns, self._words = ColumnModel(self), ""
        self.setModel(self.columns)
        self.setAccessibleName("Columns of the table and their roles")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.menu: QMenu | None = None
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for place, width in enumerate((180, 96, 92, 72, 100)):
            self.setColumnWidth(place, width)
        header.setSectionResizeMode(len(_TITLES) - 1, QHeaderView.ResizeMode.Stretch)
        self.clicked.connect(lambda index: index.column() == ROLE_COLUMN and self.offer_roles(index.row()))

    def show_columns(self, columns: Sequence[Mapping[str, Any]], role_of: Callable[[str], str], rows: int) -> None:
        """Show the columns of a table of so many rows."""
        self.columns.show_columns(columns, role_of, rows)
        for place, each in enumerate(self.columns.columns):
            words = " ".join(map(str, (each["name"], ROLES.get(each["role"], ""))))
            self.setRowHidden(place, bool(self._words) and self._words not in words.casefold())

    def find(self, words: str) -> None:
        """Show the columns whose name or role holds these words."""
        self._words = words.strip().casefold()
        for place, each in enumerate(self.columns.columns):
            held = f"{each['name']} {ROLES.get(each['role'], '')}".casefold()
            self.setRowHidden(place, self._words not in held)

    def offer_roles(self, row: int) -> None:
        """Open the list of roles below a row's own."""
        index = self.columns.index(row, ROLE_COLUMN)
        if not index.isValid() or not self.columns.is_free(row):
            return
        menu = self.menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for name, title in ROLES.items():
            if name != "file":
                action = menu.addAction(f"{title}: {MEANINGS[name]}", lambda name=name: self._take(row, name))
                action.setCheckable(True)
                action.setChecked(self.columns.columns[row]["role"] == name)
        menu.popup(self.viewport().mapToGlobal(self.visualRect(index).bottomLeft()))

    def _take(self, row: int, role: str) -> None:
        rows = {index.row() for index in self.selectionModel().selectedRows() if not self.isRowHidden(index.row())}
        rows = rows if row in rows else {row}
        names = [self.columns.columns[each]["name"] for each in (row, *sorted(rows - {row}))
                 if self.columns.columns[each]["role"] != "file"]
        if names:
            self.role_chosen.emit(names, role)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Change the role of the row at hand with Enter, F2 or space."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_F2):
            self.offer_roles(self.currentIndex().row())
            return
        super().keyPressEvent(event)
