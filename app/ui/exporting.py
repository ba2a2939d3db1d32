"""Taking a finding away: report, score or picture, to a file the reader names. Identity stays unless ticked.

With *Anonymise* on, what leaves names neither case nor path nor scan.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.errors import Failure
from app.ui.anonymising import SETTING
from app.ui.reading import Reading
from app.ui.widgets.viewer import Viewer
from app.ui.words import at_prevalence

EXPORT = "app.core.workflows:export_report"
_FILTERS = {"html": "Report (*.html)", "pdf": "Report (*.pdf)", "json": "Score (*.json)", "png": "Picture (*.png)"}


class Exporting(QObject):
    """Asks for a file name without blocking, then writes: pictures here, reports in the engine.

    Signals
    -------
    said(str)
        Where it was written.
    failed(Failure)
        Why it was not.
    """

    said = Signal(str)
    failed = Signal(object)

    def __init__(self, reading: Reading, viewer: Viewer, window: QWidget) -> None:
        super().__init__(window)
        self._reading, self._viewer, self._window = reading, viewer, window
        self._running: set[str] = set()
        reading.jobs.finished.connect(self._finish)
        reading.jobs.failed.connect(self._fail)

    def ask(self, kind: str, identity: bool = False) -> QFileDialog:
        """Ask for a file name for a 'html', 'pdf', 'json' or 'png'."""
        entry = self._reading.worklist.entry(self._reading.current)
        hidden = bool(self._reading.state[SETTING])
        name = entry.title if entry is not None and not hidden else "score" if entry is not None else "picture"
        dialog = QFileDialog(self._window, "Export", self._reading.state["folder"], _FILTERS[kind])
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(kind)
        dialog.selectFile(f"{name}.{kind}")
        write: Callable[[str], None] = lambda path: self.write(kind, path, identity=identity)  # noqa: E731
        dialog.fileSelected.connect(write)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def write(self, kind: str, path: str, *, identity: bool = False) -> None:
        """Write the current case's finding or picture."""
        self._reading.state.choose("folder", str(Path(path).parent))
        hidden = bool(self._reading.state[SETTING])
        identity = identity and not hidden
        if kind == "png":
            self._save_picture(Path(path), identity=identity)
            return
        entry = self._reading.worklist.entry(self._reading.current)
        if entry is None or not entry.score:
            return
        request: dict[str, Any] = {"score": self._score(entry.score), "out": path, "pictures": []}
        if hidden:
            request |= {"anonymise": True, "case": entry.files}
        if kind != "json" and self._reading.view is not None:
            if identity:
                request["identity"] = self._reading.view.get("identity") or {}
            picture = self._reading.state.new_view_folder() / "picture.png"
            picture.parent.mkdir(parents=True, exist_ok=True)
            if self._grab(identity=identity).save(str(picture)):
                request["pictures"] = [str(picture)]
        lane = "train" if self._reading.scoring.waiting else "score"  # a long queue shall not keep a report waiting
        self._running.add(self._reading.jobs.start(lane, EXPORT, request, "Writing the report"))

    def _score(self, score: dict[str, Any]) -> dict[str, Any]:
        """Return the score read where the reader works: the prevalence on screen is the one exported."""
        used = self._reading.state["prevalence"]
        if not used:
            return score
        mix = score["prevalence"]
        share = at_prevalence(score["probability"], mix["training"], used)
        return {**score, "prevalence": {**mix, "used": used, "probability_at_used": share}}

    def _grab(self, *, identity: bool) -> QImage:
        return self._viewer.grab_picture(overlays=True, identity=identity, scan=not self._reading.state[SETTING])

    def _save_picture(self, path: Path, *, identity: bool) -> None:
        if self._grab(identity=identity).save(str(path)):
            self.said.emit(f"Written: {path}")
        else:
            self.failed.emit(Failure("input", f"The picture could not be written to {path}.",
                                     "Choose a folder that can be written."))

    def _finish(self, job: str, result: dict[str, Any]) -> None:
        if job in self._running:
            self._running.discard(job)
            self.said.emit("Written: " + ", ".join(result.get("written") or ()))

    def _fail(self, job: str, failure: Failure) -> None:
        if job in self._running:
            self._running.discard(job)
            self.failed.emit(failure)
