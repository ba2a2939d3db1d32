"""The worklist beside the picture: cases with their standing, a filter when there are many, all of it by keyboard."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, QRectF, QSize, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QAccessible, QColor, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.ui.theme import tabular_font, theme
from app.ui.widgets.verdict_mark import paint_mark
from app.ui.widgets.worklist_model import ENTRY_ROLE, OTHER_ROLE, AnyIndex, Entry, WorklistModel

MANY = 12
ROOMY = 184
_LIST_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class _RowPainter(QStyledItemDelegate):
    """Title on the left, standing and shape on the right."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: AnyIndex) -> QSize:  # noqa: N802
        return QSize(160, 32)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        entry: Entry = index.data(ENTRY_ROLE)
        colours, box = theme(), QRectF(option.rect).adjusted(8, 0, -8, 0)  # type: ignore[attr-defined]
        painter.save()
        selected = bool(option.state & option.state.State_Selected)  # type: ignore[attr-defined]
        if selected:
            painter.setBrush(QColor(colours.panel_high))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawRoundedRect(QRectF(option.rect).adjusted(1, 1, -1, -1), 4, 4)  # type: ignore[attr-defined]
            painter.setBrush(QColor(colours.accent))
            painter.drawRect(QRectF(box.left() - 8, box.top() + 6, 3, box.height() - 12))
        mark = QRectF(box.right() - 12, box.center().y() - 6, 12, 12)
        paint_mark(painter, entry.shape, getattr(colours, entry.role), mark)
        other = bool(index.data(OTHER_ROLE))  # another model's score is small and dim, and says so
        plain = entry.status == "scored" and not other
        summary = f"other model {entry.summary}" if other and box.width() >= ROOMY else entry.summary
        painter.setFont(tabular_font(colours.normal_px if plain else colours.small_px))
        painter.setPen(QColor(colours.text if plain else colours.text_dim))
        right = box.adjusted(0, 0, -20, 0)
        painter.drawText(right, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, summary)
        taken = painter.fontMetrics().horizontalAdvance(summary) + 28
        painter.setFont(tabular_font(colours.normal_px, bold=selected))
        painter.setPen(QColor(colours.text))
        room = box.adjusted(0, 0, -taken, 0)
        title = painter.fontMetrics().elidedText(entry.title, Qt.TextElideMode.ElideMiddle, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        painter.restore()


class _CaseList(QListView):
    """The list itself: arrows move, delete removes, and every other key is left to the picture."""

    deleted = Signal()

    def dataChanged(self, first: AnyIndex, last: AnyIndex, roles: Sequence[int] = ()) -> None:  # noqa: N802
        """Draw the rows that have changed; every row is as high as any other, so that none needs to be placed anew."""
        if QAccessible.isActive():  # a screen reader is told by the view itself
            super().dataChanged(first, last, list(roles))
        else:
            self.viewport().update(self.visualRect(first).united(self.visualRect(last)))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.deleted.emit()
        elif event.key() in _LIST_KEYS or event.matches(QKeySequence.StandardKey.SelectAll):
            super().keyPressEvent(event)
        else:
            event.ignore()


class Worklist(QWidget):
    """List of cases.

    Signals
    -------
    chosen(str)
        The case to show.
    removed(list)
        Keys to take out.
    open_requested()
        The reader wants to choose files.
    """

    chosen = Signal(str)
    removed = Signal(list)
    open_requested = Signal()

    def __init__(self, model: WorklistModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self._proxy = QSortFilterProxyModel(self)
        self._proxy.setSourceModel(model)
        self._proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        heading = QLabel("Worklist")
        heading.setProperty("role", "heading")
        self.count = QLabel("")
        self.count.setProperty("role", "dim")
        self.open_button = QPushButton("Open…")
        self.open_button.setToolTip("Choose files or a folder (Ctrl+O); or drop them anywhere on the window")
        self.open_button.clicked.connect(self.open_requested)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("Filter the worklist by name")
        self.filter.textChanged.connect(self._proxy.setFilterFixedString)
        self.filter.hide()
        self.list = _CaseList()
        self.list.setModel(self._proxy)
        self.list.setItemDelegate(_RowPainter(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName("Worklist")
        self.list.deleted.connect(self._remove_selected)
        self.list.selectionModel().currentChanged.connect(self._tell_choice)
        top = QHBoxLayout()
        top.addWidget(heading)
        top.addWidget(self.count)
        top.addStretch(1)
        top.addWidget(self.open_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 4, 8)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(self.filter)
        layout.addWidget(self.list, 1)
        self.setMinimumWidth(168)
        model.rowsInserted.connect(self._count)
        model.rowsRemoved.connect(self._count)
        model.modelReset.connect(self._count)
        self._count()

    def select(self, key: str) -> None:
        """Make a case the current one, clearing a filter that hides it."""
        row = self.model.row(key)
        if row < 0:
            return
        index = self._proxy.mapFromSource(self.model.index(row))
        if not index.isValid():
            self.filter.clear()
            index = self._proxy.mapFromSource(self.model.index(row))
        self.list.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.list.scrollTo(index)

    def current_key(self) -> str:
        """Key of the current case; empty when there is none."""
        entry = self.list.currentIndex().data(ENTRY_ROLE)
        return entry.key if entry else ""

    def step(self, by: int) -> None:
        """Go to a neighbouring case of those the filter shows."""
        rows = self._proxy.rowCount()
        if not rows:
            return
        row = min(max(self.list.currentIndex().row() + by, 0), rows - 1)
        self.list.selectionModel().setCurrentIndex(self._proxy.index(row, 0),
                                                   QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def _tell_choice(self, current: AnyIndex) -> None:
        entry = current.data(ENTRY_ROLE)
        if entry is not None:
            self.chosen.emit(entry.key)

    def _remove_selected(self) -> None:
        keys = [index.data(ENTRY_ROLE).key for index in self.list.selectionModel().selectedIndexes()]
        if keys:
            self.removed.emit(keys)

    def _count(self) -> None:
        rows = self.model.rowCount()
        self.count.setText(f"{rows:,}" if rows else "")
        self.filter.setVisible(rows >= MANY or bool(self.filter.text()))
