"""The first five seconds: one place to drop a case, the worklist as it was left, the demo, the last cases."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.theme import theme

INVITATION = "Drop a case: an image and its outline, a DICOM folder, or an Analyze pair"
LAST_CASES = 5
LONGEST = 360


class DropZone(QWidget):
    """The empty window.

    Signals
    -------
    open_requested()
        Choose files instead of dropping them.
    demo_requested()
        Open the demo case.
    worklist_requested()
        Go on with the worklist of the last session.
    case_requested(str)
        Open one of the last cases, by key.
    """

    open_requested = Signal()
    demo_requested = Signal()
    worklist_requested = Signal()
    case_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(INVITATION)
        self.invitation = QLabel(INVITATION)
        self.invitation.setWordWrap(True)
        self.invitation.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.invitation.setProperty("role", "title")
        self.open_button = QPushButton("Open…")
        self.open_button.clicked.connect(self.open_requested)
        self.demo_button = QPushButton("Open the demo case")
        self.demo_button.clicked.connect(self.demo_requested)
        self.worklist_button = QPushButton()
        self.worklist_button.clicked.connect(self.worklist_requested)
        self._last_heading = QLabel("Last cases")
        self._last_heading.setProperty("role", "heading")
        self._last = QVBoxLayout()
        self._last.setSpacing(0)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        for button in (self.worklist_button, self.open_button, self.demo_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        inner = QVBoxLayout()
        inner.setSpacing(16)
        inner.addStretch(1)
        inner.addWidget(self.invitation)
        inner.addLayout(buttons)
        inner.addSpacing(16)
        inner.addWidget(self._last_heading, 0, Qt.AlignmentFlag.AlignCenter)
        inner.addLayout(self._last)
        inner.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(48, 48, 48, 48)
        layout.addLayout(inner)
        self._last_heading.hide()
        self._hot = False
        self.offer_worklist(0)

    @property
    def primary(self) -> QPushButton:
        """The button most readers want: the worklist when there is one, else the demo."""
        return self.demo_button if self.worklist_button.isHidden() else self.worklist_button

    def offer_worklist(self, cases: int) -> None:
        """Offer to go on with a worklist of so many cases; none offers nothing. The focus follows the main button."""
        focused = any(button.hasFocus() for button in (self.open_button, self.demo_button, self.worklist_button))
        self.worklist_button.setText(f"Continue with the worklist ({cases:,} {'case' if cases == 1 else 'cases'})")
        self.worklist_button.setVisible(cases > 0)
        for button in (self.demo_button, self.worklist_button):
            button.setProperty("role", "primary" if button is self.primary else "")
            button.style().unpolish(button)
            button.style().polish(button)
        if focused:
            self.primary.setFocus()

    def show_last(self, cases: Sequence[tuple[str, str]]) -> None:
        """Offer the last cases as (key, title), newest first."""
        while (item := self._last.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        for key, title in list(cases)[:LAST_CASES]:
            button = QPushButton(self.fontMetrics().elidedText(title, Qt.TextElideMode.ElideMiddle, LONGEST))
            button.setToolTip(title if button.text() != title else "")
            button.setAccessibleName(title)
            button.setProperty("role", "link")
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            button.clicked.connect(lambda _checked=False, key=key: self.case_requested.emit(key))
            self._last.addWidget(button, 0, Qt.AlignmentFlag.AlignCenter)
        self._last_heading.setVisible(bool(cases))

    def glow(self, *, on: bool) -> None:
        """Light the target while something hovers over the window."""
        self._hot = on
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Paint the target's dashed outline."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = theme()
        pen = QPen(QColor(colours.accent if self._hot else colours.line), 2, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(24, 24, -24, -24), 12, 12)
        painter.end()
