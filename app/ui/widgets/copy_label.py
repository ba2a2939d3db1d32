"""A label whose text can be copied: selected with the mouse, or whole with Ctrl+C, or from its menu."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QLabel, QMenu, QSizePolicy, QWidget


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
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if text else Qt.FocusPolicy.ClickFocus)
        self.whole = ""

    def setText(self, text: str) -> None:  # noqa: N802
        """Show a text; an empty label is no stop of the Tab key."""
        super().setText(text)
        self._stop(text)

    def _stop(self, text: str) -> None:
        if self.focusPolicy() != Qt.FocusPolicy.NoFocus:
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if text else Qt.FocusPolicy.ClickFocus)

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


class ElidedLabel(CopyLabel):
    """One line that gives way: what does not fit is cut with an ellipsis and stands whole in the tooltip."""

    def __init__(self, text: str = "", role: str = "", *, middle: bool = False, least: int = 4,
                 parent: QWidget | None = None) -> None:
        self._full, self._tip, self._least = text, "", least
        self._mode = Qt.TextElideMode.ElideMiddle if middle else Qt.TextElideMode.ElideRight
        super().__init__(text, role, parent)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)

    def setText(self, text: str) -> None:  # noqa: N802
        """Show a text, whole or cut."""
        self._full = text
        self._stop(text)
        self._fit()
        self.updateGeometry()

    def text(self) -> str:
        """Return the whole text."""
        return self._full

    def setToolTip(self, tip: str) -> None:  # noqa: N802
        """Say more on hover; the whole text comes first where it is cut."""
        self._tip = tip
        self._fit()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Ask for the room of the whole text."""
        self.ensurePolished()
        return QSize(self.fontMetrics().horizontalAdvance(self._full) + 4, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Need room for a few letters only."""
        least = min(self.sizeHint().width(), self.fontMetrics().averageCharWidth() * self._least)
        return QSize(least, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Cut anew."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Cut anew in another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        shown = self.fontMetrics().elidedText(self._full, self._mode, max(self.width() - 2, 0))
        if shown != QLabel.text(self):
            QLabel.setText(self, shown)
        lines = [self._full] if shown != self._full else []
        super().setToolTip("\n".join([*lines, *([self._tip] if self._tip else [])]))


def wrapped(text: str = "", role: str = "") -> CopyLabel:
    """Make a copyable label that wraps its text."""
    label = CopyLabel(text, role)
    label.setWordWrap(True)
    label.setMinimumWidth(40)
    return label
