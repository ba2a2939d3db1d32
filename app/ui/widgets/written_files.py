"""Files that a run has written, each with a way to where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui.folders import show_in_folder
from app.ui.widgets.copy_label import ElidedLabel


class WrittenFiles(QWidget):
    """One line per file."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self.paths: tuple[str, ...] = ()

    def show_files(self, paths: Sequence[str]) -> None:
        """Show paths; the folder button stands at the first of each folder."""
        while (item := self._column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        self.paths = tuple(paths)
        folders: set[Path] = set()
        for path in self.paths:
            line = QWidget()
            row = QHBoxLayout(line)
            row.setContentsMargins(0, 0, 0, 0)
            name = ElidedLabel(Path(path).name, middle=True)
            name.setToolTip(path)
            row.addWidget(name)
            row.addStretch(1)
            if Path(path).parent not in folders:
                folders.add(Path(path).parent)
                button = QPushButton("Show in folder")
                button.setProperty("role", "link")
                button.setToolTip(str(Path(path).parent))
                button.clicked.connect(lambda _checked=False, path=path: show_in_folder(path))
                row.addWidget(button)
            self._column.addWidget(line)
        self.setVisible(bool(self.paths))
