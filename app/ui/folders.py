"""Where files lie: shown in the system's own file browser, and written shortly."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from app.ui.outside import other_programs


def short_path(path: str) -> str:
    """Write a path with '~' for the reader's home folder."""
    home = str(Path.home())
    return f"~{path[len(home):]}" if path == home or path.startswith((home + "/", home + "\\")) else path


def long_path(text: str) -> str:
    """Read a path in which '~' may stand for the reader's home folder."""
    return str(Path.home()) + text[1:] if text == "~" or text.startswith(("~/", "~\\")) else text


def show_in_folder(path: str) -> bool:
    """Open the folder of a file; False when the system knows no way."""
    place = Path(path)
    with other_programs():
        return QDesktopServices.openUrl(QUrl.fromLocalFile(str(place if place.is_dir() else place.parent)))
