"""What a network starts from: nothing, a file of weights, or a model of one's own."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.core.paths import data_folder
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.file_choice import FileChoice

KINDS = "Weights (*.pth *.pt *.safetensors)"
_INDENT = 20


class WeightsField(QWidget):
    """A switch, a path, and whether what lies there fits.

    Signals
    -------
    changed()
        The reader has chosen something else.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.switch = QCheckBox("Start from weights that are there")
        self.switch.setToolTip("Else the network starts from scratch, from random numbers drawn by the seed")
        self.file, self.own = FileChoice("File of weights", KINDS), QPushButton("A model of mine…")
        self.own.setToolTip("Start from a network that was trained here: choose the model's folder")
        self.said = wrapped(role="dim")
        row, room, column = QHBoxLayout(), QVBoxLayout(), QVBoxLayout(self)
        row.setSpacing(8)
        row.addWidget(self.file, 1)
        row.addWidget(self.own)
        room.setContentsMargins(_INDENT, 0, 0, 0)
        room.setSpacing(4)
        room.addLayout(row)
        room.addWidget(self.said)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.switch)
        column.addLayout(room)
        self.switch.clicked.connect(lambda _on: self._show_used(tell=True))
        self.file.chosen.connect(lambda _path: self.changed.emit())
        self.own.clicked.connect(self.ask_model)
        self.set_value(None)

    def value(self) -> str | None:
        """The path, or the name of a file in the data folder's `weights`; None from scratch."""
        return self.file.path or None if self.switch.isChecked() else None

    def set_value(self, value: str | None) -> None:
        """Show a path, or that there is none."""
        self.switch.setChecked(value is not None)
        if (value or "") != self.file.path:
            self.file.show_path(value or "")
        self._show_used(tell=False)

    def say(self, words: str) -> None:
        """Say whether what lies there fits."""
        self.said.setText(words)
        self.said.setVisible(bool(words) and self.switch.isChecked())

    def ask_model(self) -> QFileDialog:
        """Let the reader choose the folder of a model."""
        dialog = QFileDialog(self, "The folder of a model with a network", str(data_folder() / "models"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self._take)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def _take(self, path: str) -> None:
        self.file.show_path(path)
        self.changed.emit()

    def _show_used(self, *, tell: bool) -> None:
        used = self.switch.isChecked()
        for part in (self.file, self.own):
            part.setVisible(used)
        self.said.setVisible(used and bool(self.said.text()))
        if tell:
            self.changed.emit()
