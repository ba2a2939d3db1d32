"""An empty page: one sentence in a dashed target, and buttons for those who would rather choose than drop."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui.theme import theme
from app.ui.widgets.copy_label import wrapped


class Invitation(QWidget):
    """What may be dropped here.

    Parameters
    ----------
    sentence : str
        The invitation.
    about : str
        A line below it, dim.
    buttons : sequence of QPushButton
        The other ways; the first is the main one. Without any, nothing can be dropped here and no target is drawn.
    """

    def __init__(self, sentence: str, about: str, buttons: Sequence[QPushButton],
                 parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(sentence)
        self.sentence, self.about = wrapped(sentence, "title"), wrapped(about, "dim")
        for label in (self.sentence, self.about):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._droppable = bool(buttons)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        for button in buttons:
            row.addWidget(button)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(72, 48, 72, 48)
        layout.setSpacing(16)
        layout.addStretch(1)
        layout.addWidget(self.sentence)
        layout.addWidget(self.about)
        layout.addLayout(row)
        layout.addStretch(1)
        self._hot = False

    def glow(self, *, on: bool) -> None:
        """Light the target while something hovers over the window."""
        self._hot = on
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Paint the target's dashed outline."""
        if not self._droppable:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = theme()
        painter.setPen(QPen(QColor(colours.accent if self._hot else colours.line), 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(24, 24, -24, -24), 12, 12)
        painter.end()
