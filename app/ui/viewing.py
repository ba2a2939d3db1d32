"""Looking at cases: sort what was dropped, read the chosen case for the viewer, and again prepared if asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.errors import Failure
from app.ui.jobs import Jobs
from app.ui.state import SessionState

PREPARATIONS: dict[str, tuple[str, dict[str, Any] | None]] = {
    "stored": ("As stored", None),
    "zscore": ("Z-score", {"normalise": {"method": "zscore"}}),
    "percentile": ("Percentiles 1 to 99", {"normalise": {"method": "percentile"}}),
    "n4": ("N4", {"n4": {}}),
    "n4_zscore": ("N4 + Z-score", {"n4": {}, "normalise": {"method": "zscore"}}),
    "own": ("N4 as applied to this case", None),
}


class Viewing(QObject):
    """The view lane: one thing at a time, the latest wins, except that no drop is ever lost.

    Signals
    -------
    identified(dict)
        What lies in the dropped paths.
    not_identified(Failure)
        The drop could not be read.
    shown(str, dict)
        A case's key and its pictures.
    not_shown(str, Failure)
        A case's key and why there is no picture.
    """

    identified = Signal(dict)
    not_identified = Signal(object)
    shown = Signal(str, dict)
    not_shown = Signal(str, object)

    def __init__(self, jobs: Jobs, state: SessionState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._state = jobs, state
        self._dropped: list[str] = []
        self._identify_job = self._view_job = ""
        self._wanted: tuple[str, dict[str, Any], dict[str, Any]] | None = None
        self._folder: Path | None = None
        self._shown_folder: Path | None = None
        jobs.finished.connect(self._finish)
        jobs.failed.connect(self._fail)
        jobs.cancelled.connect(self._stop)

    @property
    def identifying(self) -> bool:
        """Whether a drop is being sorted."""
        return bool(self._identify_job)

    def identify(self, paths: Sequence[str]) -> None:
        """Sort dropped paths; those of a drop still being sorted go along."""
        self._dropped = list(dict.fromkeys([*self._dropped, *paths]))
        self._identify_job = self._jobs.start("view", "app.core.workflows:identify_drop", {"paths": self._dropped},
                                              "Looking at the files")

    def make_demo(self) -> None:
        """Fetch the demo case, which is made at its first use."""
        self._identify_job = self._jobs.start("view", "app.core.workflows:demo_case", {}, "Making the demo case")

    def show(self, key: str, files: Mapping[str, Any], prep: Mapping[str, Any] | None = None,
             n4_mask: str = "") -> None:
        """Read a case for the viewer; waits while a drop is being sorted, for the lane would forget the drop."""
        more = {"prep": dict(prep) if prep else None, **({"n4_mask": n4_mask} if n4_mask else {})}
        self._wanted = (key, dict(files), more)
        if not self.identifying:
            self._start_view()

    def forget(self) -> None:
        """Show nothing."""
        self._wanted = None
        if self._view_job:
            self._jobs.cancel(self._view_job)
        self._state.drop_folder(self._shown_folder)
        self._shown_folder = None

    def cancel(self) -> None:
        """Stop what runs; the dropped things are let go."""
        for job in (self._identify_job, self._view_job):
            if job:
                self._jobs.cancel(job)

    def _start_view(self) -> None:
        if self._wanted is None:
            return
        _key, files, more = self._wanted
        self._state.drop_folder(self._folder)
        self._folder = self._state.new_view_folder()
        request = {"case": files, "folder": str(self._folder), **more}
        self._view_job = self._jobs.start("view", "app.core.workflows:view_case", request, f"Opening {files['id']}")

    def _finish(self, job: str, result: dict[str, Any]) -> None:
        if job == self._identify_job:
            self._identify_job, self._dropped = "", []
            self.identified.emit({"cases": [result["case"]]} if "case" in result else result)
            self._go_on()
        elif job == self._view_job and self._wanted is not None:
            key = self._wanted[0]
            before, self._shown_folder, self._folder = self._shown_folder, self._folder, None
            self._view_job, self._wanted = "", None
            self.shown.emit(key, result)
            self._state.drop_folder(before)

    def _fail(self, job: str, failure: Failure) -> None:
        if job == self._identify_job:
            self._identify_job, self._dropped = "", []
            self.not_identified.emit(failure)
            self._go_on()
        elif job == self._view_job and self._wanted is not None:
            key = self._wanted[0]
            self._view_job, self._wanted = "", None
            self.not_shown.emit(key, failure)

    def _stop(self, job: str) -> None:
        if job == self._identify_job:
            self._identify_job, self._dropped = "", []
            self._go_on()
        elif job == self._view_job:
            self._view_job = ""
            self._state.drop_folder(self._folder)
            self._folder = None
            if not self.identifying:
                self._wanted = None

    def _go_on(self) -> None:
        """Take up the view that a drop has put off."""
        if not self.identifying and not self._view_job:
            self._start_view()
