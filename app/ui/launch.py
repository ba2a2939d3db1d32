"""Opening the window: faults first, then paint, then engines."""

from __future__ import annotations

import faulthandler
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QMessageBox

from app.core.errors import AppError
from app.core.paths import logs_folder, program_folder
from app.core.store import Store


def launch(*, demo: bool = False, paths: Sequence[str] = ()) -> int:
    """Open the window and run until it is closed.

    Parameters
    ----------
    demo : bool
        Show and score the demo case.
    paths : sequence of str
        Files and folders to open, as if they had been dropped.

    Returns
    -------
    int
        Exit status.
    """
    try:
        folder = logs_folder()
        store = Store()
    except AppError as error:
        _tell(error)
        return 2
    with (folder / "window-faults.log").open("a", encoding="utf-8") as faults:
        faulthandler.enable(faults)
        application = QApplication.instance() or QApplication(sys.argv[:1])
        application.setApplicationName("LipoScope")
        application.setDesktopFileName("liposcope")
        application.setWindowIcon(QIcon(str(program_folder() / "resources" / "icons" / "liposcope.svg")))
        from app.ui.window import MainWindow

        window = MainWindow(store)
        window.show()
        if demo:
            QTimer.singleShot(0, window.reading.open_demo)
        if paths:
            QTimer.singleShot(0, lambda: window.open([str(Path(path).resolve()) for path in paths]))
        status = int(application.exec())
        faulthandler.disable()
    return status


def _tell(error: AppError) -> None:
    """Say why there will be no window: on the terminal, and where there may be none, on the screen."""
    sys.stderr.write(f"{error}\n")
    if getattr(sys, "frozen", False):
        application = QApplication.instance() or QApplication(sys.argv[:1])
        QMessageBox.critical(None, "LipoScope", str(error))
        del application
