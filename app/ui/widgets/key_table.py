"""The keys as a table: every action with its keys, changed by pressing the new one; whoever loses a key is named."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.ui.theme import tabular_font, theme
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.flow import FlowLayout
from app.ui.widgets.keymap import ACTIONS, Keymap, pressed_key

_NAME = int(Qt.ItemDataRole.UserRole)
_MODIFIERS = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)


class _KeyTree(QTreeWidget):
    """The rows; while it listens, the next key press belongs to the chosen action and to nothing else."""

    pressed = Signal(str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.listening = False

    def event(self, event: QEvent) -> bool:
        if self.listening and isinstance(event, QKeyEvent):
            event.accept()  # an accepted ShortcutOverride keeps the window's own shortcuts from taking the key
            if event.type() == QEvent.Type.KeyPress and event.key() not in _MODIFIERS:
                self.pressed.emit("" if event.key() == Qt.Key.Key_Escape else pressed_key(event))
            return True
        return super().event(event)

    def focusOutEvent(self, event: object) -> None:  # noqa: N802
        super().focusOutEvent(event)  # type: ignore[arg-type]
        self.left.emit()


class KeyTable(QWidget):
    """Actions and their keys.

    Parameters
    ----------
    keymap : Keymap
        What is shown and changed.

    Signals
    -------
    remapped()
        The reader changed a key, or took the profile's back.
    """

    remapped = Signal()

    def __init__(self, keymap: Keymap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keymap, self._adding = keymap, False
        self._reserved: dict[str, str] = {}
        self.tree = _KeyTree()
        self.tree.setColumnCount(2)
        self.tree.setHeaderLabels(["Action", "Keys"])
        self.tree.setRootIsDecorated(False)
        self.tree.setIndentation(12)
        self.tree.setStyleSheet("QTreeView::item { padding-right: 24px }")
        self.tree.setAccessibleName("Actions and their keys")
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.tree.header().setStretchLastSection(True)
        self.tree.itemActivated.connect(lambda _item, _column: self.listen())
        self.tree.pressed.connect(self._take)
        self.tree.left.connect(self._hush)
        self.tree.currentItemChanged.connect(lambda *_: self._enable())
        self.said = wrapped("Choose an action, then press Enter and the new key.", "dim")
        self.change, self.add = QPushButton("Change…"), QPushButton("Add a key…")
        self.clear, self.restore = QPushButton("No key"), QPushButton("Restore the profile's keys")
        self.change.clicked.connect(lambda: self.listen())
        self.add.clicked.connect(lambda: self.listen(adding=True))
        self.clear.clicked.connect(lambda: self._give(()))
        self.restore.clicked.connect(self._restore)
        buttons = FlowLayout()
        for button in (self.change, self.add, self.clear, self.restore):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.said)
        layout.addLayout(buttons)
        self._rows: dict[str, QTreeWidgetItem] = {}
        self._fill()
        keymap.changed.connect(self._show)
        self._show()
        self._enable()

    def reserve(self, keys: Mapping[str, str]) -> None:
        """Name the window's own keys (portable text) and what they do: no action can have them."""
        self._reserved = dict(keys)

    def choose(self, action: str) -> None:
        """Make an action the current row."""
        self.tree.setCurrentItem(self._rows[action])

    def listen(self, *, adding: bool = False) -> None:
        """Wait for the key to give to the current action; Esc lets it be."""
        if self._current():
            self._adding, self.tree.listening = adding, True
            self.tree.setFocus()
            self.said.setText(f"Press the key for “{ACTIONS[self._current()].title}”, or Esc to let it be.")

    def keys_shown(self, action: str) -> str:
        """Read an action's keys off the table."""
        return self._rows[action].text(1)

    def _fill(self) -> None:
        groups: dict[str, QTreeWidgetItem] = {}
        for name, action in ACTIONS.items():
            group = groups.get(action.group)
            if group is None:
                group = groups[action.group] = QTreeWidgetItem(self.tree, [action.group])
                group.setFlags(Qt.ItemFlag.ItemIsEnabled)
                group.setFont(0, tabular_font(theme().small_px, bold=True))
            row = self._rows[name] = QTreeWidgetItem(group, [action.title])
            row.setData(0, _NAME, name)
        self.tree.expandAll()
        self.tree.setItemsExpandable(False)

    def _show(self) -> None:
        for name, row in self._rows.items():
            row.setText(1, ", ".join(self._keymap.keys(name)) or "\N{EN DASH}")
            font = row.font(1)
            font.setBold(self._keymap.is_own(name))
            row.setFont(1, font)
            row.setToolTip(1, "Your own" if self._keymap.is_own(name) else f"As {self._keymap.profile} has it")

    def _current(self) -> str:
        item = self.tree.currentItem()
        return str(item.data(0, _NAME) or "") if item is not None else ""

    def _enable(self) -> None:
        self._hush()
        for button in (self.change, self.add, self.clear):
            button.setEnabled(bool(self._current()))

    def _hush(self) -> None:
        self.tree.listening = False

    def _take(self, key: str) -> None:
        self._hush()
        owner = "" if key in self._keymap.profile_keys(self._current()) else self._reserved.get(key, "")
        if not key:
            self.said.setText("Nothing was changed.")
        elif owner:
            self.said.setText(f"{key} belongs to the window: {owner}. Choose another key.")
        else:
            kept = self._keymap.keys(self._current()) if self._adding else ()
            self._give(tuple(dict.fromkeys((*kept, key))))

    def _give(self, keys: tuple[str, ...]) -> None:
        name = self._current()
        if not name:
            return
        losers = self._keymap.remap(name, keys)
        title = ACTIONS[name].title
        said = f"“{title}” is now {' or '.join(keys)}." if keys else f"“{title}” has no key now."
        for loser in losers:
            left = ", ".join(self._keymap.keys(loser))
            said += f" “{ACTIONS[loser].title}” lost it and has {left or 'no key'} now."
        self.said.setText(said)
        self.remapped.emit()

    def _restore(self) -> None:
        self._keymap.restore()
        self.said.setText(f"Every key is as {self._keymap.profile} has it.")
        self.remapped.emit()
