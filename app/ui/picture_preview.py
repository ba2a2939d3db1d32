"""The preview of variants: the newest wish is asked of the engine, one at a time; what is on screen stays till then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.core.errors import Failure
from app.core.recipe import Recipe
from app.ui.calls import Call
from app.ui.jobs import Jobs
from app.ui.state import SessionState

VARIANTS = 8
_PAUSE_MS = 350


class PicturePreview(QObject):
    """Shows what a network would see of the cases of one table.

    A wish that comes while another is carried out waits for it: preparing a case again from its beginning would take
    longer.

    Parameters
    ----------
    jobs : Jobs
    state : SessionState
        Names the folder of the arrays.
    source : str
        The table of cases.

    Signals
    -------
    shown(dict)
        What `preview_pictures` answered, with `pictures` and `outlines` as arrays.
    failed(Failure)
        Why there is no picture.
    working(bool)
        Whether pictures are on their way.
    """

    shown = Signal(dict)
    failed = Signal(object)
    working = Signal(bool)

    def __init__(self, jobs: Jobs, state: SessionState, source: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._source = state, source
        self._folder: Path | None = state.new_view_folder()
        self._call = Call(jobs, "preview_pictures", parent=self)
        self._wanted: Recipe | None = None
        self._last: Recipe | None = None
        self.place, self.seed = 0, 0
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PAUSE_MS)
        self._soon.timeout.connect(self._go)
        self._call.finished.connect(self._take)
        self._call.failed.connect(self._fail)
        self._call.stopped.connect(lambda: self._end())

    @property
    def is_working(self) -> bool:
        """Whether pictures are on their way."""
        return self._call.running or self._soon.isActive()

    def ask(self, recipe: Recipe) -> None:
        """Show a case by this recipe, a moment after the last change."""
        if recipe.network is None or self._folder is None:
            return
        self._wanted = self._last = recipe
        self.working.emit(True)
        self._soon.start()

    def next_case(self) -> None:
        """Show another case."""
        self.place += 1
        self._again()

    def vary(self) -> None:
        """Show other variants of the same picture."""
        self.seed += VARIANTS
        self._again()

    def end(self) -> None:
        """Let go of the case, and delete what was made for it."""
        self._soon.stop()
        self._wanted = None
        self._call.cancel()
        self._state.drop_folder(self._folder)
        self._folder = None

    def _again(self) -> None:
        if self._last is not None:
            self.ask(self._last)

    def _go(self) -> None:
        if self._wanted is None or self._call.running or self._folder is None:
            return
        recipe, self._wanted = self._wanted, None
        self._call.start({"source": self._source, "recipe": recipe.model_dump(mode="json"), "place": self.place,
                          "seed": self.seed, "count": VARIANTS, "folder": str(self._folder)}, "Cutting a picture")

    def _take(self, found: dict[str, Any]) -> None:
        self.place = int(found["place"])
        try:
            arrays = {name: np.load(found[name]) for name in ("pictures", "outlines")}
        except (OSError, ValueError):
            self._fail(Failure("input", "The pictures cannot be read from the disk.", "Free some space on it."))
            return
        self.shown.emit({**found, **arrays})
        self._end()

    def _fail(self, failure: Failure) -> None:
        self.failed.emit(failure)
        self._end()

    def _end(self) -> None:
        if self._wanted is not None:
            self._soon.start()
        elif not self._soon.isActive():
            self.working.emit(False)
