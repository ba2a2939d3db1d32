"""The same bias correction for the whole worklist: a job that writes a new folder of NIfTI files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.errors import Failure
from app.core.recipe import N4Recipe
from app.core.requests import CaseFiles, CorrectCohortRequest
from app.ui.reading import Reading

CORRECT = "app.core.workflows:correct_cohort"


class BiasCohort(QObject):
    """Starts the job and tells how it ended; progress and cancelling are the window's."""

    def __init__(self, reading: Reading, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reading = reading
        self._running: set[str] = set()
        reading.jobs.finished.connect(self._finish)
        reading.jobs.failed.connect(self._fail)
        reading.jobs.cancelled.connect(self._running.discard)

    def ask(self, settings: N4Recipe, window: QWidget) -> QFileDialog:
        """Let the reader choose where the new folder shall lie."""
        dialog = QFileDialog(window, "Where shall the new folder of corrected images lie?",
                             self._reading.state["folder"])
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda folder: self.start(settings, Path(folder)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def start(self, settings: N4Recipe, folder: Path) -> None:
        """Correct every case of the worklist into a new folder within `folder`."""
        cases = [CaseFiles.model_validate(entry.files) for entry in self._reading.worklist.entries()]
        request = CorrectCohortRequest(cases=cases, out=str(_free(folder / "n4")), settings=settings)
        words = f"Correcting {len(cases)} cases" if len(cases) > 1 else "Correcting the worklist's only case"
        self._running.add(self._reading.jobs.start("train", CORRECT, request.model_dump(mode="json"), words))

    def _finish(self, job: str, result: dict[str, Any]) -> None:
        if job not in self._running:
            return
        self._running.discard(job)
        written, worse, failed = (result[name] for name in ("written", "worse", "failed"))
        self._reading.said.emit(f"{len(written)} corrected image{'s' if len(written) != 1 else ''} in "
                                f"{result['folder']}, with figures in variation.csv.")
        issues = [f"{each['case']}: {each['message']}" for each in failed]
        issues += [f"{case}: made worse, less even than before" for case in worse]
        if issues:
            words = f"{len(written)} images were corrected; these cases deserve a look:"
            self._reading.noticed.emit(Failure("input", words, "Open one, and try other settings.",
                                               extra={"issues": tuple(issues)}))

    def _fail(self, job: str, failure: Failure) -> None:
        if job in self._running:
            self._running.discard(job)
            self._reading.noticed.emit(failure)


def _free(folder: Path) -> Path:
    """The folder, or the first of folder-2, folder-3 that does not exist."""
    found, number = folder, 2
    while found.exists():
        found, number = folder.with_name(f"{folder.name}-{number}"), number + 1
    return found
