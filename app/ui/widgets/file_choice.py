"""A file or folder that is chosen: its name shortened in the middle, whole on hover, with a button to take another."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from app.ui.folders import long_path, short_path


class FileChoice(QWidget):
    """A path in a field, and a dialog for it.

    Parameters
    ----------
    title : str
        Says what is chosen: of the dialog, and for screen readers.
    kinds : str
        Name filters of the dialog; '' for a folder.
    save : bool
        Whether a file is to be written.

    Signals
    -------
    chosen(str)
        The reader took another path.
    """

    chosen = Signal(str)

    def __init__(self, title: str, kinds: str, *, save: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._kinds, self._save = title, kinds, save
        self.text, self.button = QLineEdit(), QPushButton("Choose…")
        self.text.setAccessibleName(title)
        self.button.setAccessibleName(f"Choose: {title}")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.text, 1)
        row.addWidget(self.button)
        self._told = ""
        self.setFocusProxy(self.text)
        self.text.editingFinished.connect(lambda: self._take(self.path))
        self.button.clicked.connect(self.ask)

    @property
    def path(self) -> str:
        """The path as it stands; '' when none is chosen."""
        return long_path(self.text.text().strip())

    def show_path(self, path: str) -> None:
        """Show a path without telling."""
        self._told = path
        self.text.setText(short_path(path))
        self.text.setToolTip(path)
        self.text.setCursorPosition(len(self.text.text()))

    def ask(self) -> QFileDialog:
        """Let the reader choose."""
        now = Path(self.path) if self.path else Path.home()
        folder = now if now.is_dir() else now.parent
        dialog = QFileDialog(self, self._title, str(folder), self._kinds)
        if self._save:
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.setDefaultSuffix(now.suffix.removeprefix(".") or "csv")
            dialog.selectFile(now.name)
        else:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile if self._kinds else QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self._take)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def _take(self, path: str) -> None:
        if path != self._told:
            self.show_path(path)
            self.chosen.emit(path)
