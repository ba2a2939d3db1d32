"""A figure with its caption, and the files of it that a run has written, to be copied where the reader wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from app.ui.saving import ask_save, copy_file
from app.ui.widgets.copy_label import wrapped

FORMATS = {"svg": "Drawing (*.svg)", "png": "Picture (*.png)", "csv": "Table (*.csv)"}


class FigureTab(QWidget):
    """Content above, caption and export below.

    Parameters
    ----------
    content : QWidget
        What is looked at.
    caption : str
        What it shows and how it was made.
    words : sequence of str
        Parts of the names of its figures, as a run names them.
    told : int
        How many of the figures' own captions take the place of the caption.

    Signals
    -------
    said(str)
        Where a file was written.
    failed(Failure)
        Why it was not.
    """

    said = Signal(str)
    failed = Signal(object)

    def __init__(self, content: QWidget, caption: str, words: Sequence[str], told: int = 0,
                 parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words, self._own, self._told = tuple(words), caption, told
        self.content, self.caption, self.export = content, wrapped(caption, "dim"), QPushButton("Export")
        self.menu = QMenu(self.export)
        self.export.setMenu(self.menu)
        self.export.setEnabled(False)
        foot = QHBoxLayout()
        foot.addWidget(self.caption, 1)
        foot.addWidget(self.export)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 8, 16, 8)
        column.setSpacing(8)
        column.addWidget(content, 1)
        column.addLayout(foot)

    def offer(self, figures: Sequence[Mapping[str, Any]]) -> None:
        """Offer those of a run's figures that belong here."""
        self.menu.clear()
        mine = [each for each in figures if any(word in str(each["name"]).casefold() for word in self._words)]
        captions = [str(each["caption"]) for each in mine if each.get("caption")]
        self.caption.setText("\n".join(captions[:self._told]) or self._own)
        self.caption.setToolTip("\n\n".join(captions))
        for figure in mine:
            for kind in FORMATS:
                path = figure.get(kind)
                if path:
                    title = f"{figure.get('title') or figure['name']}, {kind.upper()}…"
                    self.menu.addAction(title, lambda path=str(path), kind=kind: self._ask(path, kind))
        self.export.setEnabled(not self.menu.isEmpty())

    def copy(self, source: str, path: str) -> None:
        """Copy a written file."""
        failure = copy_file(source, path)
        if failure is not None:
            self.failed.emit(failure)
        else:
            self.said.emit(f"Written: {path}")

    def _ask(self, source: str, kind: str) -> None:
        ask_save(self, "Export", str(Path.home() / Path(source).name), FORMATS[kind],
                 lambda path: self.copy(source, path))
