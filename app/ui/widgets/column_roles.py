"""What each column of a table is for: recognised, shown, and changed cell by cell or for several columns at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

AnyIndex = QModelIndex | QPersistentModelIndex
ROLES = {"label": "Label", "patient": "Patient", "site": "Site", "clinical": "Clinical", "feature": "Feature",
         "ignore": "Not used", "file": "Image or outline"}
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

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        """Let roles be changed, save those of files."""
        free = index.column() == ROLE_COLUMN and self.columns[index.row()]["role"] != "file"
        return super().flags(index) | (Qt.ItemFlag.ItemIsEditable if free else Qt.ItemFlag.NoItemFlags)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Say one thing of one column."""
        each = self.columns[index.row()]
        if role == Qt.ItemDataRole.ToolTipRole:
            if index.column() == ROLE_COLUMN:
                return f"{ROLES.get(each['role'], '')}: {MEANINGS.get(each['role'], '')}"
            return self.data(index)
        if role == Qt.ItemDataRole.EditRole and index.column() == ROLE_COLUMN:
            return each["role"]
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        missing = each["missing"]
        share = f" ({100 * missing / self._rows:.0f} %)" if missing and self._rows else ""
        return (each["name"], ROLES.get(each["role"], each["role"]), _holds(each),
                f"{missing:,}{share}" if missing else "", ", ".join(map(str, each["examples"])))[index.column()]


def _holds(column: Mapping[str, Any]) -> str:
    if column["kind"] == "empty":
        return "nothing"
    if column["kind"] == "number" and column["distinct"] > 2:
        return "numbers"
    return f"{column['distinct']:,} value{'s' * (column['distinct'] != 1)}"


class _RoleBox(QStyledItemDelegate):
    """Offers the roles in a cell."""

    def __init__(self, taken: Callable[[int, str], None], parent: QWidget) -> None:
        super().__init__(parent)
        self._taken = taken

    def createEditor(self, parent: QWidget, _option: QStyleOptionViewItem, index: AnyIndex) -> QWidget:  # noqa: N802
        """Open the list at once: the click that asked for it was enough."""
        box = QComboBox(parent)
        box.setAccessibleName("Role of the column")
        for name, title in ROLES.items():
            if name != "file":
                box.addItem(title, name)
                box.setItemData(box.count() - 1, MEANINGS[name], Qt.ItemDataRole.ToolTipRole)
        row = index.row()
        box.activated.connect(lambda _place: self._take(box, row))
        return box

    def _take(self, box: QComboBox, row: int) -> None:
        role = str(box.currentData())
        self.closeEditor.emit(box)
        self._taken(row, role)

    def setEditorData(self, editor: QWidget, index: AnyIndex) -> None:  # noqa: N802
        """Show the present role."""
        if isinstance(editor, QComboBox):
            editor.setCurrentIndex(editor.findData(index.data(Qt.ItemDataRole.EditRole)))
            editor.showPopup()

    def setModelData(self, _editor: QWidget, _model: QAbstractItemModel, _index: AnyIndex) -> None:  # noqa: N802
        """Leave the table alone: choosing in the list is what counts."""


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
        self.columns = ColumnModel(self)
        self.setModel(self.columns)
        self.setAccessibleName("Columns of the table and their roles")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setItemDelegateForColumn(ROLE_COLUMN, _RoleBox(self._take, self))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for place, width in enumerate((180, 96, 110, 84, 100)):
            self.setColumnWidth(place, width)
        header.setSectionResizeMode(len(_TITLES) - 1, QHeaderView.ResizeMode.Stretch)
        self.clicked.connect(lambda index: index.column() == ROLE_COLUMN and self.edit(index))

    def show_columns(self, columns: Sequence[Mapping[str, Any]], role_of: Callable[[str], str], rows: int) -> None:
        """Show the columns of a table of so many rows."""
        self.columns.show_columns(columns, role_of, rows)
        for place, each in enumerate(self.columns.columns):
            words = " ".join(map(str, (each["name"], ROLES.get(each["role"], ""))))
            self.setRowHidden(place, bool(self._words) and self._words not in words.casefold())

    _words = ""

    def find(self, words: str) -> None:
        """Show the columns whose name or role holds these words."""
        self._words = words.strip().casefold()
        for place, each in enumerate(self.columns.columns):
            held = f"{each['name']} {ROLES.get(each['role'], '')}".casefold()
            self.setRowHidden(place, self._words not in held)

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
            index = self.columns.index(self.currentIndex().row(), ROLE_COLUMN)
            if index.isValid():
                self.edit(index)
            return
        super().keyPressEvent(event)
