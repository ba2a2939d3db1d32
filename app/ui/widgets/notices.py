"""Questions and messages above the picture: one at a time with a count, and never more than a part of the room."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

SHARE = 0.45
LEAST = 120


class Notices(QWidget):
    """Questions, then messages, each in the order they came; answering one shows the next."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cards: dict[str, QWidget] = {}
        self._questions: set[str] = set()
        self._shown = ""
        self._limit = 400
        self._room = QScrollArea()
        self._room.setWidgetResizable(True)
        self._room.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.count = QLabel()
        self.count.setProperty("role", "dim")
        self.next = QPushButton("Next")
        self.next.setAccessibleName("Show the next question or message")
        self.next.clicked.connect(self.step)
        self._foot = QWidget()
        row = QHBoxLayout(self._foot)
        row.setContentsMargins(12, 0, 0, 0)
        row.addWidget(self.count)
        row.addWidget(self.next)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 0)
        layout.setSpacing(4)
        layout.addWidget(self._room)
        layout.addWidget(self._foot)
        self.hide()

    def names(self) -> tuple[str, ...]:
        """What is open, in order."""
        return tuple(self._cards)

    def card(self, name: str = "") -> QWidget | None:
        """Return the card of this name, or the one on screen."""
        return self._cards.get(name or self._shown)

    def put(self, name: str, card: QWidget, *, first: bool = False) -> None:
        """Add a card, or put it in the place of the one with the same name; questions come `first`."""
        old = self._cards.get(name)
        self._cards[name] = card
        if first:
            self._questions.add(name)
        self._cards = dict(sorted(self._cards.items(), key=lambda item: item[0] not in self._questions))
        if old is not None and name == self._shown:
            self._shown = ""
            self._take_out(old)
        elif old is not None:
            old.deleteLater()
        message = self._shown not in self._questions
        self._show(name if first and message else self._shown or name)

    def drop(self, name: str) -> None:
        """Take a card away; unknown names are let be."""
        card = self._cards.get(name)
        if card is None:
            return
        after = self._after(name)
        del self._cards[name]
        if name == self._shown:
            self._shown = ""
            self._take_out(card)
            self._show(after if after in self._cards else "")
        else:
            card.deleteLater()
            self._show(self._shown)

    def step(self) -> None:
        """Show the next card."""
        self._show(self._after(self._shown))

    def limit(self, height: int) -> None:
        """Follow the height of the room that the picture shares."""
        self._limit = max(LEAST, int(height * SHARE))
        self._fit()

    def _after(self, name: str) -> str:
        names = list(self._cards)
        return names[(names.index(name) + 1) % len(names)] if name in names else ""

    def _take_out(self, card: QWidget) -> None:
        if self._room.widget() is card:
            self._room.takeWidget()
        card.removeEventFilter(self)
        card.hide()
        card.deleteLater()

    def _show(self, name: str) -> None:
        card = self._cards.get(name)
        if card is not None and name != self._shown:
            before = self._room.takeWidget()
            if before is not None:
                before.removeEventFilter(self)
                before.setParent(self)
                before.hide()
            self._room.setWidget(card)
            card.installEventFilter(self)
            card.show()
            self._shown = name
        names = list(self._cards)
        self._foot.setVisible(len(names) > 1)
        if self._shown in names:
            self.count.setText(f"{names.index(self._shown) + 1} of {len(names)}")
        self.setVisible(bool(names))
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Follow a card that needs more room, or less."""
        if event.type() == QEvent.Type.LayoutRequest and watched is self.card():
            self._fit()
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Fit the height to the width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        card = self.card()
        if card is None:
            return
        width = max(self.width() - 16, 1)
        needed = max(card.heightForWidth(width) if card.hasHeightForWidth() else 0, card.minimumSizeHint().height())
        self._room.setFixedHeight(min(needed, self._limit))
