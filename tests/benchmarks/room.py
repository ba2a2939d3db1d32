"""The real window, opened and driven as a reader would, with a data folder of its own; and a screen to open it on."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.core.store import Store
from app.ui.window import MainWindow

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
PATIENCE = 120.0


class Late(Exception):
    """Something did not happen in time."""


def wait_until(holds: Callable[[], object], patience: float = PATIENCE, what: str = "it") -> None:
    """Let the window live until a condition holds.

    Raises
    ------
    Late
        After `patience` seconds.
    """
    deadline = time.perf_counter() + patience
    while not holds():
        if time.perf_counter() > deadline:
            raise Late(f"{what} did not happen within {patience:g} s")
        QApplication.processEvents()
        time.sleep(0.001)


class Painted(QObject):
    """Notes when a widget has been painted for the first time with something worth seeing on it."""

    def __init__(self, widget: QWidget, worth: Callable[[], object]) -> None:
        super().__init__()
        self.at = 0.0
        self._widget, self._worth = widget, worth
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Note the time once this paint is over."""
        if event.type() == QEvent.Type.Paint and self._worth():
            self._widget.removeEventFilter(self)
            QTimer.singleShot(0, self._note)
        return False

    def _note(self) -> None:
        self.at = time.perf_counter()


class Room:
    """A main window with its own store, models and engines.

    Parameters
    ----------
    theme : str
        'dark' or 'light'.
    size : (int, int)
        Width and height, pixels.
    """

    def __init__(self, theme: str = "dark", size: tuple[int, int] = (1440, 900)) -> None:
        self.application = QApplication.instance() or QApplication(["LipoScope"])
        self.window = MainWindow(Store())
        self.window.state.choose("theme", theme)
        self.window.resize(*size)
        self.window.show()
        self.reading, self.page = self.window.reading, self.window.score_page
        wait_until(lambda: self.reading.scoring.models, what="the list of models")
        self.rest()

    def rest(self) -> None:
        """Wait until no engine has anything to do."""
        wait_until(lambda: not self.window.jobs.live_jobs(), what="rest")

    def drop(self, paths: Sequence[str | Path]) -> float:
        """Drop files on the window; the moment they fell."""
        files = QMimeData()
        files.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        where, how = self.window.rect().center(), (Qt.DropAction.CopyAction, files, Qt.MouseButton.LeftButton,
                                                   Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(self.window, QDragEnterEvent(where, *how))
        fell = time.perf_counter()
        QApplication.sendEvent(self.window, QDropEvent(QPointF(where), *how))
        return fell

    def picture(self) -> Painted:
        """Watch for the first painted slice."""
        viewer = self.page.viewer
        return Painted(viewer.panes["axial"].viewport(), lambda: viewer.state.case is not None)

    def finding(self) -> Painted:
        """Watch for the first painted score."""
        panel = self.page.result.panel
        return Painted(panel, lambda: self.page.result.shows_score)

    def clear(self) -> None:
        """Take every case off the list."""
        self.reading.remove([entry.key for entry in self.reading.worklist.entries()])
        self.rest()
        wait_until(lambda: self.page.viewer.state.case is None, what="the empty window")

    def close(self) -> None:
        """Close the window as its reader would."""
        self.window.close()
        QApplication.processEvents()


@contextmanager
def own_data_folder() -> Iterator[Path]:
    """Give the program a data folder that is deleted afterwards."""
    before = os.environ.get("LIPOSCOPE_DATA")
    folder = Path(tempfile.mkdtemp(prefix="liposcope-"))
    os.environ["LIPOSCOPE_DATA"] = str(folder)
    try:
        yield folder
    finally:
        if before is None:
            del os.environ["LIPOSCOPE_DATA"]
        else:
            os.environ["LIPOSCOPE_DATA"] = before
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def open_room(theme: str = "dark", size: tuple[int, int] = (1440, 900)) -> Iterator[Room]:
    """Open the real window in a data folder of its own, with its engines warm."""
    with own_data_folder():
        room = Room(theme, size)
        try:
            yield room
        finally:
            room.close()


@contextmanager
def virtual_screen(size: str = "1920x1080x24") -> Iterator[str | None]:
    """Start Xvfb where it is installed; its DISPLAY, or None."""
    program = shutil.which("Xvfb")
    if program is None:
        yield None
        return
    read, write = os.pipe()
    server = subprocess.Popen([program, "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp"],
                              pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as numbers:
            number = numbers.readline().strip()
        yield f":{number}" if number else None
    finally:
        server.terminate()
        server.wait()
