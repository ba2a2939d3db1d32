"""Several of a few words: one check box for each, in rows that wrap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QCheckBox, QWidget

from app.ui.widgets.flow import FlowLayout
from app.ui.widgets.form_fields import Field


class Several(Field):
    """A setting that lists words; those it was given and does not know get a box of their own.

    Parameters
    ----------
    words : mapping of str to str
        Each word, and how it is shown; their order is the value's.
    """

    def __init__(self, words: Mapping[str, str]) -> None:
        self._room = QWidget()
        self._flow = FlowLayout(self._room, spacing=10)
        self.boxes: dict[str, QCheckBox] = {}
        super().__init__(self._room)
        self.setFocusProxy(None)
        for word, title in words.items():
            self._add(word, title)

    def _add(self, word: str, title: str) -> None:
        box = QCheckBox(title)
        box.clicked.connect(lambda _checked: self.changed.emit())
        self.boxes[word] = box
        self._flow.addWidget(box)

    def value(self) -> tuple[str, ...]:
        """The ticked words."""
        return tuple(word for word, box in self.boxes.items() if box.isChecked())

    def set_value(self, value: Any) -> None:
        """Tick words."""
        for word in value:
            if word not in self.boxes:
                self._add(str(word), str(word))
        for word, box in self.boxes.items():
            box.setChecked(word in value)

    def name(self, title: str, words: str) -> None:
        """Tell screen readers whose choices these are."""
        self._room.setAccessibleName(title)
        self._room.setToolTip(words)
