"""A training in the making: what was said so far, what the table holds, and the run; the wizard's steps bind to it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from PySide6.QtCore import QObject, QTimer, Signal

from app.core.errors import AppError, Failure
from app.core.paths import data_folder
from app.core.recipe import Recipe
from app.core.requests import EvaluateRequest, TrainRequest
from app.ui.calls import Call
from app.ui.network_facts import NetworkFacts
from app.ui.reading import Reading
from app.ui.recipes import Recipes
from app.ui.training_draft import Draft, propose_name, same_training, sequences_of, subject, summary
from app.ui.training_epochs import RunningEpochs
from app.ui.training_estimate import estimate
from app.ui.training_folds import FinishedFolds

TABLES = (".csv", ".tsv", ".xlsx", ".parquet")
MOST_LINES = 500
_PAUSE_MS = 150


class Training(QObject):
    """What the steps of the wizard share.

    Signals
    -------
    changed()
        The draft, what is known of its table, or the run's standing.
    progressed(float, str, float)
        Of the run: fraction, message, seconds left.
    logged(str)
        A line of the run's log.
    finished(dict)
        The run's result.
    saved(str)
        The model was finished: its folder.
    failed(Failure)
        Something could not be done.
    """

    changed = Signal()
    progressed = Signal(float, str, float)
    logged = Signal(str)
    finished = Signal(dict)
    saved = Signal(str)
    failed = Signal(object)

    def __init__(self, reading: Reading, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.reading, self.state, self.jobs = reading, reading.state, reading.jobs
        self.draft = Draft.from_json({"jobs": max(1, (os.cpu_count() or 1) - 1), **self.state["training"]})
        self._before: Draft | None = None
        self.recipes = Recipes(self.jobs, self)
        self.networks = NetworkFacts(self.jobs, self)
        self.folds = FinishedFolds(self)
        self.epochs = RunningEpochs(self.folds, self)
        self.found: dict[str, Any] = {}
        self.seconds: dict[str, float | None] = {}
        self.log: list[str] = []
        self.progress = (0.0, "", -1.0)
        self._looking = Call(self.jobs, "preview_training", parent=self)
        self._timing = Call(self.jobs, "preview_training", parent=self)
        self._run = Call(self.jobs, "train", "train", self)
        self._testing = Call(self.jobs, "evaluate", "train", self)
        self._finishing = Call(self.jobs, "finish_model", parent=self)
        self._timed_for: dict[str, Any] = {}
        self._pausing = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PAUSE_MS)
        self._soon.timeout.connect(self.look)
        self._bind()
        if self.draft.run.get("state") == "running":  # the program ended while it ran
            self._set_run(state="paused")

    def _bind(self) -> None:
        self.recipes.listed.connect(self.changed)
        self.recipes.failed.connect(self.failed)
        self.networks.changed.connect(self.changed)
        self._looking.finished.connect(self._take_look)
        self._looking.failed.connect(self._take_no_look)
        self._looking.began.connect(self.changed)
        self._timing.finished.connect(self._take_times)
        self._timing.failed.connect(self._take_no_times)
        self._run.began.connect(self.changed)
        self._run.progress.connect(self._follow)
        self._run.finished.connect(self._take_result)
        self._run.failed.connect(self._take_failure)
        self._run.stopped.connect(self._take_stop)
        self._testing.finished.connect(self._take_test)
        self._testing.failed.connect(self.failed)
        self._finishing.finished.connect(self._take_finish)
        self._finishing.failed.connect(self.failed)

    # The draft

    def choose(self, **values: Any) -> None:
        """Change the draft and remember it."""
        self._keep(replace(self.draft, **values))

    def _keep(self, draft: Draft) -> None:
        if draft == self.draft:
            return
        self.draft = draft
        self.state.choose("training", draft.as_json())
        self.changed.emit()

    def begin_anew(self) -> None:
        """Forget what was said; models that were made stay in the library, and it can be taken back."""
        self._before = self.draft
        self.found, self.seconds, self.log, self._timed_for = {}, {}, [], {}
        self.folds.watch("", live=False)
        self._keep(Draft(jobs=self.draft.jobs))

    def take_back(self) -> bool:
        """Bring back what a new beginning has forgotten; False when there was none."""
        if self._before is None or self.is_running:
            return False
        draft, self._before = self._before, None
        self._keep(draft)
        self.look()
        return True

    def open(self, paths: Sequence[str]) -> None:
        """Take a table or a folder; of another file, its folder. A second table may know the labels of a folder."""
        if not paths:
            return
        path = Path(paths[0])
        if not path.is_dir() and path.suffix.lower() not in TABLES:
            path = path.parent
        self.state.choose("folder", str(path if path.is_dir() else path.parent))
        self._before = self.draft if self.draft.source else None
        self.found, self.seconds, self._timed_for = {}, {}, {}
        self._keep(Draft(source=str(path), recipe=self.draft.recipe, models=self.draft.models,
                         weights=self.draft.weights, jobs=self.draft.jobs))
        self.look()

    def add_labels(self, path: str) -> None:
        """Take a table that knows the diagnoses of the cases."""
        self.choose(labels=path)
        self.look()

    def set_role(self, columns: Sequence[str], role: str) -> None:
        """Give columns a role; only one column is the patient, the label, the site."""
        chosen = tuple(columns[:1] if role in ("patient", "label", "site") else columns)
        if chosen:
            self._keep(self.draft.with_role(chosen, role))
            self._soon.start()

    def pick(self, role: str, column: str) -> None:
        """Choose the column of the patient, the label or the site; '' for none."""
        if column:
            self.set_role([column], role)
        else:
            self.choose(picked={**self.draft.picked, role: ""})
            self._soon.start()

    def confirm(self, column: str) -> None:
        """Say that a column is right although it looks wrong."""
        self.choose(confirmed=(*self.draft.confirmed, column))
        self.look()

    def role_of(self, column: str) -> str:
        """The role of a column: chosen, or as it was guessed."""
        chosen = self.found.get("chosen") or {}
        for role in ("patient", "label", "site"):
            if self.draft.picked.get(role, chosen.get(role)) == column:
                return role
        if column in self.draft.roles:
            return self.draft.roles[column]
        guess = next((each["role_guess"] for each in self.found.get("columns") or () if each["name"] == column), "")
        if guess == "ignore" and column in self.draft.confirmed:
            return "feature"
        return "ignore" if guess in ("patient", "label", "site") else str(guess)

    def adapted(self, name: str) -> Recipe | None:
        """A recipe as it would be run on this table: with the weights and the sequence that were chosen."""
        recipe = self.recipes.recipe(name)
        return None if recipe is None else self.draft.adapt(recipe, sequences_of(self.found))

    def describe_networks(self) -> None:
        """Have the networks looked at, where the table has pictures for them."""
        if self.found.get("holds_images"):
            asked = [self.adapted(each["name"]) for each in self.recipes.for_networks]
            self.networks.ask([recipe for recipe in asked if recipe is not None])

    # What the table holds

    @property
    def is_looking(self) -> bool:
        """Whether the table is being read."""
        return self._looking.running or self._soon.isActive()

    @property
    def is_timing(self) -> bool:
        """Whether models are being timed."""
        return self._timing.running

    def look(self) -> None:
        """Have the table looked at."""
        if self.draft.source:
            guessed = tuple(each["name"] for each in self.found.get("columns") or ()
                            if each["role_guess"] == "clinical")
            asked = self.draft.preview(self.recipes.readable, guessed=guessed)
            self._looking.start(asked.model_dump(mode="json"), "Reading the table")

    def _take_look(self, found: dict[str, Any]) -> None:
        self.found = found
        self.changed.emit()

    def _take_no_look(self, failure: Failure) -> None:
        self.found = {}
        self.changed.emit()
        self.failed.emit(failure)

    def time_models(self) -> None:
        """Have the chosen models timed on the table itself; what is known already is not asked again."""
        known, draft = self.recipes.readable, self.draft
        context = {"table": self.found.get("table"), "features": self.found.get("features"), "folds": draft.folds,
                   "jobs": draft.jobs, "sequence": draft.sequence, "weights": draft.weights}
        if context != self._timed_for:
            self.seconds, self._timed_for = {}, context
        wanted = tuple(name for name in draft.models if name in known and name not in self.seconds)
        if wanted and self.found.get("most_folds", 0) >= 2 and not self._timing.running:
            asked = draft.preview(known, wanted, sequences=sequences_of(self.found))
            self._timing.start(asked.model_dump(mode="json"), "Timing the models on this table")
            self.changed.emit()

    def time_again(self, *names: str) -> None:
        """Have models timed anew: these, and those that could not be fitted before."""
        self.seconds = {name: each for name, each in self.seconds.items() if each is not None and name not in names}
        self.time_models()

    def _take_times(self, found: dict[str, Any]) -> None:
        asked = [recipe["name"] for recipe in self._timing.request["recipes"]]
        self.seconds |= {name: found["seconds"].get(name) for name in asked}
        self.changed.emit()
        self.time_models()

    def _take_no_times(self, _failure: Failure) -> None:
        self.seconds |= dict.fromkeys(recipe["name"] for recipe in self._timing.request["recipes"])
        self.changed.emit()

    def estimate(self) -> float | None:
        """Seconds that the run will take once images are measured; None while a model is not timed."""
        return estimate(self.draft, self.found, self.seconds, {each["name"] for each in self.recipes.for_networks})

    # The run

    @property
    def is_running(self) -> bool:
        """Whether the run goes on, or waits for its turn."""
        return self._run.running

    @property
    def is_testing(self) -> bool:
        """Whether the external cases are being tested."""
        return self._testing.running

    @property
    def standing(self) -> str:
        """Whether the run is about to start, or what it waits for."""
        return self._run.standing()

    @property
    def model(self) -> str:
        """Folder of the model that the last run has made; '' before."""
        return str((self.draft.run.get("result") or {}).get("bundle") or "")

    def request(self) -> TrainRequest | None:
        """What the run would be asked; None while something is missing."""
        known = self.recipes.readable
        if not self.found or not self.draft.models or not set(self.draft.models) <= set(known):
            return None
        former = self.draft.run.get("request") or {}
        asked = self.draft.request(self.found, known, str(former.get("out", "")), str(former.get("keep", "")))
        if former and same_training(asked.model_dump(mode="json"), former):
            return asked
        models = data_folder() / "models"
        name = propose_name(f"{subject(self.found, self.draft)} {self.draft.declared}", models)
        keep = data_folder() / "training" / f"{time.strftime('%Y%m%d')}-{name}-{uuid4().hex[:6]}"
        return asked.model_copy(update={"out": str(models / name), "keep": str(keep)})

    @property
    def is_as_run(self) -> bool:
        """Whether the last run was of what the draft says now."""
        former, asked = self.draft.run.get("request"), self.request() if self.found else None
        if former is None:
            return False
        return asked is None or same_training(asked.model_dump(mode="json"), former)

    def start(self) -> None:
        """Train; folds that an earlier run of the same has finished are not fitted again."""
        if self.is_running:
            return
        try:
            asked = self.request()
        except (AppError, ValueError) as error:
            self.failed.emit(Failure("input", str(error), "Go back and choose again."))
            return
        if asked is None:
            return
        self.log.clear()
        self.progress = (0.0, "", -1.0)
        request = asked.model_dump(mode="json")
        former = str((self.draft.run.get("request") or {}).get("keep") or "")
        if former and former != asked.keep:  # its folds are of other settings
            self.state.drop_folder(Path(former))
        self._say("Continued." if self.folds.folds and self.is_as_run else "Started.")
        self.choose(run={"request": request, "state": "running"}, finish={})
        self.folds.watch(asked.keep or "", live=True)
        self._run.start(request, f"Training {Path(asked.out).name}")

    def pause(self) -> None:
        """Stop for now: finished folds are kept, and `start` goes on from them."""
        self._pausing = True
        self._run.cancel()

    def stop(self) -> None:
        """Give the run up; its finished folds stay on the disk until it is started with other settings."""
        self._pausing = False
        self._run.cancel()
        self._testing.cancel()

    def watch(self) -> None:
        """Show the folds of the last run."""
        self.folds.watch(str((self.draft.run.get("request") or {}).get("keep") or ""), live=self.is_running)

    def _set_run(self, **values: Any) -> None:
        self.choose(run={**self.draft.run, **values})

    def _say(self, line: str) -> None:
        line = f"{time.strftime('%H:%M:%S')}  {line}"
        self.log = [*self.log, line][-MOST_LINES:]
        self.logged.emit(line)

    def _follow(self, fraction: float, message: str, left: float) -> None:
        if message and message != self.progress[1]:
            self._say(message)
        self.progress = (fraction, message, left)
        self.progressed.emit(fraction, message, left)

    def _take_result(self, result: dict[str, Any]) -> None:
        self.folds.watch(str(self.draft.run["request"].get("keep") or ""), live=False)
        self._set_run(state="done", result=summary(result))
        if self.draft.external:
            model = Path(result["bundle"])
            out = data_folder() / "evaluations" / f"{model.name}-{Path(self.draft.external).stem}"
            asked = EvaluateRequest(bundle=str(model), table=self.draft.external, out=str(out), jobs=self.draft.jobs)
            self._testing.start(asked.model_dump(mode="json"), "Testing on the external cases")
        self.finished.emit(result)

    def _take_failure(self, failure: Failure) -> None:
        self._say(failure.message)
        self.folds.watch(str((self.draft.run.get("request") or {}).get("keep") or ""), live=False)
        self._set_run(state="failed")
        self.failed.emit(failure)

    def _take_stop(self) -> None:
        self._say("Paused." if self._pausing else "Stopped.")
        self.folds.watch(str((self.draft.run.get("request") or {}).get("keep") or ""), live=False)
        self._set_run(state="paused" if self._pausing else "stopped")
        self._pausing = False

    def _take_test(self, result: dict[str, Any]) -> None:
        path = next((str(each) for each in result["written"] if str(each).endswith("evaluation.json")), "")
        told = [each["message"] for each in result.get("cautions") or ()]
        self._set_run(external={"auc": result["auc"], "cases": result["cases"], "path": path, "cautions": told})

    # The end

    def finish(self, values: dict[str, Any]) -> None:
        """Give the model its title, texts and operating point; `saved` follows."""
        self._finishing.start({"model": self.model, **values}, "Saving the model")

    def _take_finish(self, result: dict[str, Any]) -> None:
        self._set_run(saved=True)
        self.saved.emit(str(result["model"]))
