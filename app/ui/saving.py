"""Asks where a thing shall go without blocking, writes it, and says where it is or why it is not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.errors import Failure
from app.core.files import write_atomically
from app.ui.recipes import not_written


def ask_save(parent: QWidget, title: str, proposed: str, kinds: str, take: Callable[[str], object]) -> QFileDialog:
    """Ask for a file to write; `take` gets its path."""
    path = Path(proposed)
    dialog = QFileDialog(parent, title, str(path.parent), kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(path.suffix.removeprefix("."))
    dialog.selectFile(path.name)
    dialog.fileSelected.connect(take)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog


def write_text(path: str, text: str) -> Failure | None:
    """Write a text; why it could not be, or None."""
    try:
        write_atomically(Path(path), text.encode())
    except OSError as error:
        return not_written(path, error)
    return None


def copy_file(source: str, path: str) -> Failure | None:
    """Copy a file that a run has written; why it could not be, or None."""
    try:
        if Path(source).resolve() != Path(path).resolve():
            shutil.copyfile(source, path)
    except OSError as error:
        return not_written(path, error)
    return None
