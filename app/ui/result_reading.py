"""Fetches results from the engine: of a model, of several side by side, of external tests; and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.requests import CaseFiles, ScoreRequest
from app.ui.calls import Call
from app.ui.reading import Reading
from app.ui.results import side_by_side


class ResultReading(QObject):
    """One question at a time; a newer one supersedes it.

    Signals
    -------
    read(dict)
        The results that were wanted.
    measured(str, list)
        A case's name and its features, with the training cases' ranges where known.
    not_measured(Failure)
        Why there are none.
    written(str)
        Where the report lies.
    failed(Failure)
        Why something could not be done.
    """

    read = Signal(dict)
    measured = Signal(str, list)
    not_measured = Signal(object)
    written = Signal(str)
    failed = Signal(object)

    def __init__(self, reading: Reading, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reading = reading
        self.wanted: dict[str, str] = {}
        self._queue: list[str] = []
        self._found: list[Mapping[str, Any]] = []
        self._view = Call(reading.jobs, "view_results", "view", self)
        self._joining = Call(reading.jobs, "compare_tests", "view", self)
        self._report = Call(reading.jobs, "export_results", "", self)
        self._measuring = Call(reading.jobs, "score_case", "", self)
        self._view.finished.connect(self._take)
        self._joining.finished.connect(self.read)
        self._report.finished.connect(lambda found: self.written.emit(", ".join(found.get("written") or ())))
        self._measuring.finished.connect(self._take_features)
        self._measuring.failed.connect(self.not_measured)
        for call in (self._view, self._joining, self._report, self._measuring):
            call.failed.connect(self.failed)

    @property
    def running(self) -> bool:
        """Whether results are being read."""
        return self._view.running or self._joining.running

    def recall(self) -> None:
        """Want what the last session looked at."""
        kept = self._reading.state["results"]
        self.wanted = {key: kept[key] for key in ("model", "external") if kept.get(key)}

    def remember(self) -> None:
        """Keep what is looked at for the next session."""
        self._reading.state.choose("results", dict(self.wanted))

    def forget(self) -> None:
        """Want nothing, also not at the next start."""
        self.wanted = {}
        self.remember()

    def ask_one(self, request: Mapping[str, str]) -> None:
        """Read the results of a `model` or of an `external` test."""
        self.wanted, self._queue, self._found = dict(request), [], []
        self.ask()

    def ask_models(self, models: Sequence[str]) -> None:
        """Read the results of one model, or of several to stand side by side."""
        self.ask_one({"model": models[0]})
        self._queue = list(models[1:])

    def ask_tests(self, paths: Sequence[str]) -> None:
        """Read external tests of several models on the same cases."""
        self._view.cancel()
        self.wanted, self._queue = {}, []
        self._joining.start({"external": list(paths)}, "Reading the external tests", lane=self._lane())

    def ask(self) -> None:
        """Ask for what is wanted."""
        self._joining.cancel()
        self._view.start(self.wanted, "Reading the results", lane=self._lane())

    def measure(self, files: Mapping[str, Any], model: str) -> None:
        """Measure a case as a model does; its score is not told, for the saved model has learned from it."""
        request = ScoreRequest(case=CaseFiles.model_validate(dict(files)), model=model)
        self._measuring.start(request.model_dump(mode="json"), f"Measuring {files['id']}")

    def write_report(self, path: str) -> None:
        """Write the report of what is looked at."""
        hidden = bool(self._reading.state["anonymise"])
        self._report.start({**self.wanted, "out": path, "anonymise": hidden}, "Writing the report")

    def stop(self) -> None:
        """Call off what is being read, measured or written."""
        for call in (self._view, self._joining, self._measuring, self._report):
            call.cancel()

    def _lane(self) -> str:
        """Choose the engine of the pictures, soonest ready; never while a picture is being made."""
        return "score" if self._reading.jobs.live_jobs("view") else ""

    def _take(self, result: Mapping[str, Any]) -> None:
        self._found.append(result)
        if self._queue:
            self.wanted = {"model": self._queue.pop(0)}
            self.ask()
        elif len(self._found) > 1:
            self.wanted = {}
            self.read.emit(side_by_side(self._found))
        else:
            self.read.emit(dict(result))

    def _take_features(self, score: Mapping[str, Any]) -> None:
        told = self._reading.scoring.with_definitions(score)
        self.measured.emit(str(score.get("case") or ""), told["contributions"])
