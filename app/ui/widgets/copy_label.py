"""A label whose text can be copied: selected with the mouse, or whole with Ctrl+C, or from its menu."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLabel, QMenu, QWidget


class CopyLabel(QLabel):
    """Text or a number that the reader can take along.

    Parameters
    ----------
    text : str
        What is shown.
    role : str
        Role in the style sheet: 'display', 'dim', 'heading', 'title', 'warning' or ''.
    """

    def __init__(self, text: str = "", role: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        if role:
            self.setProperty("role", role)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse
                                     | Qt.TextInteractionFlag.TextSelectableByKeyboard)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.whole = ""

    def copy(self) -> None:
        """Put the selected text, or all of it, on the clipboard."""
        QGuiApplication.clipboard().setText(self.selectedText() or self.text())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Answer the copy key even when nothing is selected."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """Offer this text, and the whole finding in words where there is one."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(f"Copy “{(self.selectedText() or self.text())[:40]}”", self.copy)
        if self.whole:
            menu.addAction("Copy the whole finding in words", lambda: QGuiApplication.clipboard().setText(self.whole))
        menu.popup(event.globalPos())


def wrapped(text: str = "", role: str = "") -> CopyLabel:
    """Make a copyable label that wraps its text."""
    label = CopyLabel(text, role)
    label.setWordWrap(True)
    label.setMinimumWidth(40)
    return label
