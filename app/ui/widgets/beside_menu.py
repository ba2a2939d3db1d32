"""What is drawn beside a model: one button that says it, and a list of ticks that stays open while several change."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QIcon, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

_FEW, _TICK = 2, "  \N{CHECK MARK}"
_KEYS = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class _Ticks(QMenu):
    """Ticking an entry does not close it; Escape and a click elsewhere do."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if not self._tick():
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() not in _KEYS or not self._tick():
            super().keyPressEvent(event)

    def _tick(self) -> bool:
        action = self.activeAction()
        if action is None or not action.isCheckable() or not action.isEnabled():
            return False
        action.trigger()
        return True


class BesideMenu(QPushButton):
    """Offers models and simpler things by name.

    Signals
    -------
    ticked(list)
        The names that are ticked now.
    """

    ticked = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.boxes: dict[str, QAction] = {}
        self._menu = _Ticks(self)
        self._menu.setToolTipsVisible(True)
        self.setMenu(self._menu)
        self.setAccessibleName("What is drawn beside the model")
        self.setToolTip("Other models, and simpler things on the same cases, to draw and compare")

    def offer(self, entries: Sequence[tuple[str, str, QIcon]], ticked: Sequence[str]) -> None:
        """Offer entries of name, title and the look of their curve, and tick some."""
        if list(self.boxes) != [name for name, _, _ in entries]:
            self._menu.clear()
            self.boxes = {name: self._add(title) for name, title, _ in entries}
        for name, title, icon in entries:
            self.boxes[name].setIcon(icon)
            self.boxes[name].setText(title + _TICK * (name in ticked))
            self.boxes[name].setChecked(name in ticked)
        shown = [title for name, title, _ in entries if name in ticked]
        told = ", ".join(shown) if 0 < len(shown) <= _FEW else f"{len(shown)} of {len(entries)}" if shown else "nothing"
        self.setText(f"Beside it: {told}")
        self.setVisible(bool(entries))

    def _add(self, title: str) -> QAction:
        action = self._menu.addAction(title)
        action.setCheckable(True)
        action.triggered.connect(lambda _on: self.ticked.emit([name for name, each in self.boxes.items()
                                                               if each.isChecked()]))
        return action
