"""The checked case at the right: what was flagged, and its slices with the outline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui.widgets.copy_label import ElidedLabel
from app.ui.widgets.flag_list import FlagList
from app.ui.widgets.picture_view import PictureView


class QualitySide(QWidget):
    """Title, flags, contact sheet.

    Signals
    -------
    opened(str)
        The reader wants to see this case in the viewer.
    """

    opened = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._case = ""
        self.title, self.flags, self.sheet = ElidedLabel(role="title", middle=True), FlagList(), PictureView("Slices")
        self.open_button = QPushButton("Open in the viewer")
        self.open_button.setToolTip("Show this case with its outline; also Enter or a double click in the table")
        self.open_button.clicked.connect(lambda: self.opened.emit(self._case))
        top = QHBoxLayout()
        top.addWidget(self.title)
        top.addStretch(1)
        top.addWidget(self.open_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 0, 0, 8)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.flags)
        column.addWidget(self.sheet, 1)
        self.show_record(None)

    def show_record(self, record: Mapping[str, Any] | None) -> None:
        """Show a checked case; None shows how to choose one."""
        self._case = "" if record is None else str(record["case"])
        self.open_button.setVisible(record is not None)
        if record is None:
            self.title.setText("")
            self.flags.show_flags(())
            self.sheet.show_picture("", "Choose a case in the table to see its slices.")
            return
        sequence = str(record.get("sequence") or "")
        self.title.setText(f"{self._case}, {sequence}" if sequence and sequence != "image" else self._case)
        self.flags.show_flags(record.get("flags") or (), "Nothing was flagged.")
        self.sheet.show_picture(str(record.get("sheet") or ""), "There is no contact sheet of this case.")
