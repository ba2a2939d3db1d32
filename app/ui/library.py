"""The library of models as the window knows it: what is there, what each was worth, and what is done with it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.errors import Failure
from app.core.paths import data_folder
from app.core.requests import EvaluateRequest, ExchangeRequest
from app.ui.calls import Call
from app.ui.reading import Reading
from app.ui.sequence_models import SETTING, sequences_of, with_default

FALLBACK = "lipoma-size"  # what scores when the model in use is removed


class Library(QObject):
    """Lists, verifies, evaluates, imports, exports and removes models.

    Signals
    -------
    listed()
        Models, or what is known of them, have changed.
    said(str), failed(Failure)
        How something went.
    taken(Failure, str)
        The library has another model of that name; the path of the one to import.
    evaluated(str)
        An external test has ended: the path of its result.
    """

    listed = Signal()
    said = Signal(str)
    failed = Signal(object)
    taken = Signal(object, str)
    evaluated = Signal(str)

    def __init__(self, reading: Reading, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.reading, self.state = reading, reading.state
        self.models: list[dict[str, Any]] = []
        self.tests: dict[str, list[dict[str, Any]]] = {}
        self.removed: list[str] = []
        self.verifying = False
        calls = {name: Call(reading.jobs, name, lane, self) for name, lane in (
            ("verify_models", ""), ("import_model", ""), ("export_model", ""), ("remove_model", ""),
            ("restore_model", ""), ("evaluate", "train"))}
        self._calls, self.evaluation = calls, calls["evaluate"]
        calls["verify_models"].finished.connect(self._take_verified)
        calls["import_model"].finished.connect(self._take_imported)
        calls["export_model"].finished.connect(lambda found: self.said.emit(f"Written: {', '.join(found['written'])}"))
        calls["remove_model"].finished.connect(self._take_removed)
        calls["restore_model"].finished.connect(lambda found: self._again(f"{found['name']} is back."))
        calls["evaluate"].finished.connect(self._take_evaluated)
        for name, call in calls.items():
            call.failed.connect(self._take_refused if name == "import_model" else self.failed)
        calls["verify_models"].failed.connect(lambda _failure: self._end_verifying())
        calls["verify_models"].stopped.connect(self._end_verifying)

    # What is there

    def take(self, models: Sequence[Mapping[str, Any]]) -> None:
        """Take the list as the engine gives it, and look for external tests."""
        self.models = [dict(model) for model in models]
        self.state.in_background(read_tests, self._take_tests)
        self.listed.emit()

    def find(self, name: str) -> dict[str, Any]:
        """Find a model by its name; empty where there is none."""
        return next((model for model in self.models if model["name"] == name), {})

    def tests_of(self, model: Mapping[str, Any]) -> list[dict[str, Any]]:
        """External tests of just this model, the latest first."""
        found = self.tests.get(str(model.get("name")), [])
        return [test for test in found if not model.get("digest") or test["digest"] == model["digest"]]

    def common_tests(self, names: Sequence[str]) -> tuple[str, list[str]]:
        """Find the latest cohort that all of some models were tested on: its name, and the paths; else empty."""
        tests = [{(test["title"], test["cases"]): test["path"] for test in reversed(self.tests_of(self.find(name)))}
                 for name in names]
        shared = [key for key in reversed(tests[0]) if all(key in each for each in tests[1:])] if tests else []
        return (str(shared[0][0]), [each[shared[0]] for each in tests]) if shared else ("", [])

    def is_own(self, name: str) -> bool:
        """Whether the reader may remove a model."""
        return self.find(name).get("home") in ("own", "imported")

    def _take_tests(self, tests: dict[str, list[dict[str, Any]]]) -> None:
        self.tests = tests
        self.listed.emit()

    def _again(self, words: str) -> None:
        self.said.emit(words)
        self.reading.scoring.list_models()

    # What is done with it

    def verify(self) -> None:
        """Check every byte of every model."""
        self.verifying = True
        self._calls["verify_models"].start({}, "Verifying the models")
        self.listed.emit()

    def _take_verified(self, result: Mapping[str, Any]) -> None:
        found = {row["name"]: row for row in result.get("models") or ()}
        for model in self.models:
            row = found.get(model["name"], {})
            model.update({key: row[key] for key in ("verified", "problem") if key in row})
        self._end_verifying()
        self.said.emit("Every model is what it was when it was made." if result.get("ok")
                       else "A model does not verify: see its state.")

    def _end_verifying(self) -> None:
        self.verifying = False
        self.listed.emit()

    def import_from(self, path: str, *, replace: bool = False) -> None:
        """Bring a model into the library: a .zip file or a folder."""
        request = ExchangeRequest(model=path, replace=replace)
        self._calls["import_model"].start(request.model_dump(mode="json"), "Importing a model")

    def _take_imported(self, result: Mapping[str, Any]) -> None:
        told = [str(each["message"]) for each in result.get("cautions") or ()]
        self._again(" ".join([f"{result['name']} is in the library.", *told]))

    def _take_refused(self, failure: Failure) -> None:
        request = self._calls["import_model"].request
        if "--replace" in failure.remedy:
            other = Failure(failure.kind, failure.message, "Replace it, or ask for one of another name.")
            self.taken.emit(other, str(request["model"]))
        else:
            self.failed.emit(failure)

    def export(self, name: str, path: str) -> None:
        """Write a model to one file."""
        request = ExchangeRequest(model=name, out=path)
        self._calls["export_model"].start(request.model_dump(mode="json"), "Exporting a model")

    def remove(self, name: str) -> None:
        """Take an own model out of the library; `undo` brings it back."""
        if self.is_own(name):
            self._calls["remove_model"].start({"model": name}, "Removing a model")

    def _take_removed(self, result: Mapping[str, Any]) -> None:
        name = str(result["name"])
        self.removed.append(name)
        if self.state["model"] == name:
            self.state.choose("model", FALLBACK)
        self._again(f"{name} is removed. Ctrl+Z brings it back.")

    def undo(self) -> bool:
        """Bring back the model removed last; False when none was."""
        if not self.removed:
            return False
        self._calls["restore_model"].start({"model": self.removed.pop()}, "Bringing a model back")
        return True

    def use(self, name: str) -> None:
        """Score new cases with a model."""
        self.reading.scoring.choose_model(name)

    def sequences_of(self, name: str) -> list[str]:
        """List the sequences that a model is the default for."""
        return sequences_of(name, self.state[SETTING])

    def set_default(self, sequence: str, name: str, *, on: bool) -> None:
        """Make a model the default for a sequence, or no longer."""
        self.state.choose(SETTING, with_default(self.state[SETTING], sequence, name if on else ""))

    def evaluate(self, name: str, table: str, roles: Mapping[str, str | None]) -> None:
        """Test a model on cases from elsewhere; `evaluated` follows.

        Parameters
        ----------
        name : str
            The model.
        table : str
            Features or cases.
        roles : mapping of str to str or None
            Columns 'label', 'patient' and 'site', and 'positive', the label's value that is looked for.
        """
        request = EvaluateRequest(bundle=name, table=table, out=str(free_folder(f"{name}-{Path(table).stem}")), **roles)
        self.evaluation.start(request.model_dump(mode="json"), f"Testing {name}")

    def _take_evaluated(self, _result: Mapping[str, Any]) -> None:
        self.state.in_background(read_tests, self._take_tests)
        self.evaluated.emit(str(Path(self.evaluation.request["out"]) / "evaluation.json"))


def tests_folder() -> Path:
    """Name the folder of external tests."""
    return data_folder() / "evaluations"


def free_folder(name: str) -> Path:
    """Name a folder for an external test that is not there yet."""
    plain = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "test"
    folder, number = tests_folder() / plain, 2
    while folder.exists():
        folder, number = tests_folder() / f"{plain}-{number}", number + 1
    return folder


def read_tests() -> dict[str, list[dict[str, Any]]]:
    """Read what is known of external tests, by model; what cannot be read is passed over."""
    found: dict[str, list[dict[str, Any]]] = {}
    paths = sorted(tests_folder().glob("*/evaluation.json"), key=lambda path: -path.stat().st_mtime)
    for path in paths:
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            name = str(told["model"])
            test = {"path": str(path), "digest": str(told.get("model_digest") or ""), "cases": int(told["cases"]),
                    "auc": told.get("auc"), "title": path.parent.name.removeprefix(f"{name}-")}
        except (OSError, ValueError, KeyError, TypeError):
            continue
        found.setdefault(name, []).append(test)
    return found
