"""The session: what is remembered, what is chosen, and the folder of the arrays on screen. Views bind to it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from app.core.errors import AppError, Failure
from app.core.living import is_living, own_mark
from app.core.paths import data_folder
from app.core.store import Store

Then = Callable[[Any], None]
DEFAULTS: dict[str, Any] = {"theme": "dark", "mouse_profile": "PACS", "model": "lipoma-size", "prevalence": None,
                            "error_rate": 0.05, "text_overlays": "full", "folder": "", "windows": {}, "keymap": None,
                            "geometry": None, "splitters": {}, "prep": "stored",
                            "thresholds": {}, "opacity": 0.35, "cohort": {}, "training": {},
                            "results": {}, "sequence_models": {}, "anonymise": False, "attention": {}}


class SessionState(QObject):
    """Settings and shared values of one window.

    Signals
    -------
    changed(str, object)
        A setting's name and its new value.
    failed(Failure)
        Something could not be remembered.
    """

    changed = Signal(str, object)
    failed = Signal(object)
    _answered = Signal(object, object)

    def __init__(self, store: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self._values = {name: store.setting(name, default) for name, default in DEFAULTS.items()}
        self._clerk = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._answered.connect(lambda then, answer: then(answer), Qt.ConnectionType.QueuedConnection)
        self._views = data_folder() / "views" / own_mark()
        self._view_number = 0
        self._open = True

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def choose(self, name: str, value: Any) -> None:
        """Change a setting, tell those bound to it, and remember it."""
        if self._values[name] == value:
            return
        self._values[name] = value
        self.in_background(lambda: self.store.set_setting(name, value))
        self.changed.emit(name, value)

    def in_background(self, work: Callable[[], Any], then: Then | None = None) -> None:
        """Do something with the disk in order, away from the window; `then` receives its answer in the window."""
        if self._open:
            future = self._clerk.submit(work)
            future.add_done_callback(lambda done: self._answer(done, then))

    def _answer(self, done: Future[Any], then: Then | None) -> None:
        error = done.exception()
        if isinstance(error, (AppError, OSError)) and self._open:
            message = error.message if isinstance(error, AppError) else f"The disk refused ({error.strerror})."
            remedy = error.remedy if isinstance(error, AppError) else "Check that the data folder can be written."
            self.failed.emit(Failure("input", message, remedy))
        elif error is not None:
            raise error
        elif then is not None and self._open:
            self._answered.emit(then, done.result())

    def new_view_folder(self) -> Path:
        """Name a fresh folder for the arrays of one view."""
        self._view_number += 1
        return self._views / str(self._view_number)

    def drop_folder(self, folder: Path | None) -> None:
        """Delete a superseded view's arrays."""
        if folder is not None:
            self.in_background(lambda: shutil.rmtree(folder, ignore_errors=True))

    def sweep(self) -> None:
        """Delete the arrays of windows that are gone."""
        self.in_background(lambda: _sweep(self._views.parent))

    def close(self) -> None:
        """Finish writing and delete this window's arrays."""
        self._open = False
        self._clerk.shutdown(wait=True)
        shutil.rmtree(self._views, ignore_errors=True)


def _sweep(views: Path) -> None:
    if not views.is_dir():
        return
    for folder in views.iterdir():
        if not is_living(folder.name):
            shutil.rmtree(folder, ignore_errors=True)
