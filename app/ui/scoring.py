"""Scoring cases in a queue while the reader browses, and what the models are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.core.errors import Failure
from app.core.requests import CaseFiles, ScoreRequest
from app.ui.jobs import Jobs
from app.ui.sequence_models import SETTING, default_model
from app.ui.state import SessionState

SCORE_WORKFLOW = "app.core.workflows:score_case"
MODELS_WORKFLOW = "app.core.workflows:list_models"
MOST_AT_ONCE = 100
DESCRIBE_WORKFLOW = "app.core.workflows.features:describe_features"


class Scoring(QObject):
    """The score lane: every case in turn.

    Signals
    -------
    begun(str)
        A case's key: its score is being made.
    scored(str, dict, str)
        A case's key, its score's JSON, the job's id.
    not_scored(str, Failure)
        A case's key, and why there is no score.
    stopped(str)
        A case's key: its score was called off.
    models_listed(list)
        The models of the library.
    described()
        The models' features now have titles and definitions.
    """

    begun = Signal(str)
    scored = Signal(str, dict, str)
    not_scored = Signal(str, object)
    stopped = Signal(str)
    models_listed = Signal(list)
    described = Signal()

    def __init__(self, jobs: Jobs, state: SessionState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._state = jobs, state
        self._keys: dict[str, str] = {}
        self._owed: dict[str, str] = {}
        self._later: dict[str, Mapping[str, Any]] = {}
        self._asked: dict[str, str] = {}
        self._definitions: dict[str, dict[str, Any]] = {}
        self.models: list[dict[str, Any]] = []
        self.is_by_hand = False
        jobs.started.connect(lambda job, _lane, _title: job in self._keys and self.begun.emit(self._keys[job]))
        jobs.finished.connect(self._finish)
        jobs.failed.connect(self._fail)
        jobs.cancelled.connect(self._stop)

    @property
    def waiting(self) -> int:
        """How many scores are still owed."""
        return len(self._keys) + len(self._later)

    def list_models(self) -> None:
        """Ask for the library, and for what its models' features are."""
        self._asked[self._jobs.start("score", MODELS_WORKFLOW, {}, "Listing the models")] = "models"
        self._asked[self._jobs.start("score", DESCRIBE_WORKFLOW, {}, "Listing the models")] = "features"

    def with_definitions(self, score: Mapping[str, Any]) -> dict[str, Any]:
        """Return the score with titles and definitions at its contributions, as far as they are known."""
        known = self._definitions.get(str(score.get("model")), {})
        return {**score, "contributions": [{**known.get(item["feature"], {}), **item}
                                           for item in score.get("contributions") or ()]}

    def data_of(self, model: str) -> str:
        """Say what a model learned from; empty when it is not in the library."""
        return next((str(each.get("description") or "") for each in self.models if each["name"] == model), "")

    def choose_model(self, name: str) -> None:
        """Score with the reader's choice from now on: no sequence's default replaces it in this session."""
        self.is_by_hand = True
        self._state.choose("model", name)

    def follow_sequences(self, cases: Sequence[Mapping[str, Any]]) -> str:
        """Take the default model of new cases' sequences, unless one was chosen by hand; say so where it changes."""
        found = "" if self.is_by_hand else default_model(cases, self._state[SETTING], self.models)
        if not found or found == self._state["model"]:
            return ""
        self._state.choose("model", found)
        title = next((each.get("title") for each in self.models if each["name"] == found), "") or found
        return f"Scored with {title}, the default for this sequence."

    def threshold(self) -> float | None:
        """Return the threshold that the reader last chose for the session's model; None for the model's own."""
        model = self._state["model"]
        chosen = self._state["thresholds"].get(model)
        points = next((each.get("thresholds") or () for each in self.models if each["name"] == model), None)
        if chosen is None or points is None:
            return None if chosen is None else float(chosen)
        offered = [float(point["threshold"] if isinstance(point, Mapping) else point) for point in points]
        return next((value for value in offered if abs(value - chosen) < 5e-4), None)

    def score(self, key: str, files: Mapping[str, Any]) -> str:
        """Queue a case's score with the session's model and choices; an older request for the case is called off."""
        self.cancel(key)
        request = ScoreRequest(case=CaseFiles.model_validate(dict(files)), model=self._state["model"],
                               threshold=self.threshold(), prevalence=self._state["prevalence"],
                               error_rate=self._state["error_rate"])
        job = self._jobs.start("score", SCORE_WORKFLOW, request.model_dump(mode="json"), files["id"])
        self.adopt(job, key)
        return job

    def score_many(self, cases: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Queue the scores of many cases, keys and files, some at a time: the window goes on meanwhile."""
        going = bool(self._later)
        for key, files in cases:
            self.cancel(key)
            self._later[key] = files
        if not going:
            self._go_on()

    def _go_on(self) -> None:
        for key in list(islice(self._later, MOST_AT_ONCE)):
            files = self._later.pop(key)
            self.score(key, files)
        if self._later:
            QTimer.singleShot(0, self._go_on)

    def adopt(self, job: str, key: str) -> None:
        """Take over a job that the last session still owed."""
        self._keys[job], self._owed[key] = key, job

    def cancel(self, key: str) -> None:
        """Call off a case's score."""
        self._later.pop(key, None)
        job = self._owed.get(key, "")
        if job:
            self._settle(job)
            self._jobs.cancel(job)

    def _settle(self, job: str) -> str:
        key = self._keys.pop(job)
        if self._owed.get(key) == job:
            del self._owed[key]
        return key

    def cancel_all(self) -> None:
        """Call off every score still owed."""
        later, self._later = list(self._later), {}
        for key in later:
            self.stopped.emit(key)
        for job in list(self._keys):
            self._jobs.cancel(job)

    def _finish(self, job: str, result: dict[str, Any]) -> None:
        asked = self._asked.pop(job, "")
        if asked == "models":
            self.models = list(result.get("models") or ())
            self.models_listed.emit(self.models)
        elif asked:
            self._definitions = dict(result.get("models") or {})
            self.described.emit()
        elif job in self._keys:
            self.scored.emit(self._settle(job), result, job)

    def _fail(self, job: str, failure: Failure) -> None:
        if self._asked.pop(job, "") == "models":
            self.models_listed.emit([])
        elif job in self._keys:
            self.not_scored.emit(self._settle(job), failure)

    def _stop(self, job: str) -> None:
        self._asked.pop(job, "")
        if job in self._keys:
            self.stopped.emit(self._settle(job))
