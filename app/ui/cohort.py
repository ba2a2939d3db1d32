"""The cohort on the table: where it lies, what was matched, what is left out, and the run that measures it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.errors import Failure
from app.core.recipe import Recipe
from app.core.requests import CaseFiles, CohortSource, ExtractRequest
from app.ui.calls import Call
from app.ui.reading import Reading
from app.ui.recipes import Recipes
from app.ui.widgets.record_model import RecordModel

TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".parquet")
_TOLD = re.compile(r"^(?P<case>.+?) (?:(?P<state>measured|was measured before)|failed: (?P<reason>.*)) "
                   r"\((?P<number>\d+) of (?P<total>\d+)\)$", re.DOTALL)
DEFAULT_RECIPE = "pyradiomics"


class Cohort(QObject):
    """What the three cohort pages share; they bind to its signals.

    Parameters
    ----------
    reading : Reading
        The session: its state, its jobs, and the viewer that opens a case.
    model : RecordModel
        The cases, as the first page shows them.

    Signals
    -------
    reading_began()
        A folder or a table is being read.
    listed()
        Its cases are known; also after a failure, when there are none.
    measuring_changed()
        A run has begun or ended.
    progressed(float, str, float)
        Of the run: fraction, message, seconds left.
    measured(dict)
        The run's result.
    failed(Failure)
        Something could not be done.
    """

    reading_began = Signal()
    listed = Signal()
    measuring_changed = Signal()
    progressed = Signal(float, str, float)
    measured = Signal(dict)
    failed = Signal(object)

    def __init__(self, reading: Reading, model: RecordModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.reading, self.state, self.jobs, self.model = reading, reading.state, reading.jobs, model
        self.recipes = Recipes(self.jobs, self)
        self.notes: tuple[str, ...] = ()
        self.cases: dict[str, dict[str, Any]] = {}
        self.before = 0
        self.result: dict[str, Any] | None = None
        self._listing = Call(self.jobs, "list_cohort", parent=self)
        self._run = Call(self.jobs, "extract", "train", self)
        self._running: tuple[str, ...] = ()
        self._listing.finished.connect(self._take_listing)
        self._listing.failed.connect(self._take_no_listing)
        self._listing.stopped.connect(self.listed)
        self._run.began.connect(self.measuring_changed)
        self._run.progress.connect(self._follow)
        self._run.finished.connect(self._take_result)
        self._run.failed.connect(self._take_failure)
        self._run.stopped.connect(self._take_stop)
        self.recipes.failed.connect(self.failed)

    # Memory

    def recall(self, name: str, default: Any = None) -> Any:
        """Return what the pages remember under this name."""
        return self.state["cohort"].get(name, default)

    def remember(self, name: str, value: Any) -> None:
        """Keep something for the next session."""
        self.state.choose("cohort", {**self.state["cohort"], name: value})

    # The cases

    @property
    def source(self) -> str:
        """The folder or table; '' when none was chosen."""
        return str(self.recall("source", ""))

    @property
    def is_reading(self) -> bool:
        """Whether the source is being read."""
        return self._listing.running

    @property
    def is_measuring(self) -> bool:
        """Whether a run goes on."""
        return self._run.running

    @property
    def standing(self) -> str:
        """Whether the run is about to start, or what it waits for."""
        return self._run.standing()

    def open(self, paths: Sequence[str]) -> None:
        """Take a folder or a table; of an image, its folder."""
        if not paths:
            return
        path = Path(paths[0])
        if not path.is_dir() and path.suffix.lower() not in TABLES:
            path = path.parent
        self.remember("source", str(path))
        self.state.choose("folder", str(path if path.is_dir() else path.parent))
        self.read()

    def read(self) -> None:
        """Look again at what lies there."""
        if not self.source or self.is_measuring:
            return
        self.result = None
        self._listing.start(CohortSource(source=self.source).model_dump(mode="json"), "Looking for cases")
        self.reading_began.emit()

    def _take_listing(self, found: Mapping[str, Any]) -> None:
        self.cases = {str(case["id"]): dict(case) for case in found.get("cases") or ()}
        self.notes = (*map(str, found.get("notes") or ()), *_unpaired(found.get("unpaired") or ()))
        self.model.show_records({**row, "key": _key(row, place), "state": ""}
                                for place, row in enumerate(found.get("rows") or ()))
        self.listed.emit()

    def _take_no_listing(self, failure: Failure) -> None:
        self.cases, self.notes = {}, ()
        self.model.show_records(())
        self.listed.emit()
        self.failed.emit(failure)

    def chosen(self) -> list[CaseFiles]:
        """The cases that are ticked and ready, in the order they came."""
        return [CaseFiles.model_validate(self.cases[record["case"]]) for record in self.model.checked()
                if record["case"] in self.cases]

    def scope(self, *, bare: bool = False) -> dict[str, Any]:
        """What a request names as its cohort: the source, and the chosen among its cases.

        Parameters
        ----------
        bare : bool
            Whether cases without outline belong to it.
        """
        chosen = self.chosen()
        if bare:
            chosen = [CaseFiles.model_validate(case) for name, case in self.cases.items()
                      if name not in self.model.unchecked]
        return {"source": self.source, "cases": [case.model_dump(mode="json") for case in chosen] or None}

    def show_case(self, case: str) -> bool:
        """Open a case in the viewer; False when its files are not known."""
        files = self.cases.get(case)
        if files is None or not files.get("images"):
            return False
        self.reading.add([files])
        return True

    # The run

    def beside(self, ending: str) -> str:
        """Name something beside the source, or at home where that cannot be written."""
        source = Path(self.source)
        name = source.stem if source.suffix.lower() in TABLES else source.name
        folder = source.parent if os.access(source.parent, os.W_OK) else Path.home()
        return str(folder / f"{name or 'cohort'}-{ending}")

    def default_out(self, recipe: str) -> str:
        """Propose where a recipe's feature table goes."""
        return self.beside(f"{recipe}.csv")

    def measure(self, recipe: Recipe, out: str, jobs: int) -> None:
        """Measure the chosen cases; those already measured with this recipe are not measured again."""
        chosen = self.chosen()
        request = ExtractRequest(recipe=recipe, out=out, jobs=jobs, **self.scope())
        self._running = tuple(case.id for case in chosen)
        self.before, self.result = 0, None
        for record in self.model.records():
            record.update(state="waiting" if record["case"] in self._running else "", reason="")
        self.model.refresh()
        words = f"Measuring {len(chosen):,} case{'s' if len(chosen) != 1 else ''}"
        self._run.start(request.model_dump(mode="json"), words)

    def cancel(self) -> None:
        """Stop the run; what was measured stays measured."""
        self._run.cancel()

    def _follow(self, fraction: float, message: str, left: float) -> None:
        told = _TOLD.match(message)
        if told is not None:
            record = self.model.find(told["case"])
            if told["state"] == "was measured before" and (record is None or record["state"] != "before"):
                self.before += 1  # the same words come again while the next cases are at work
            state = "failed" if told["state"] is None else "before" if told["state"] != "measured" else "measured"
            self.model.change(told["case"], state=state, reason=told["reason"] or "")
        self.progressed.emit(fraction, message, left)

    def _take_result(self, result: dict[str, Any]) -> None:
        failed = {str(each["case"]): str(each["message"]) for each in result.get("failed") or ()}
        for name in self._running:
            record = self.model.find(name)
            if record is not None and name in failed:
                record.update(state="failed", reason=failed[name])
            elif record is not None and record["state"] not in ("measured", "before"):
                record.update(state="measured")
        self.model.refresh()
        self.result = result
        self.remember("features", result["written"])
        self.measuring_changed.emit()
        self.measured.emit(result)

    def _take_failure(self, failure: Failure) -> None:
        self._take_stop()
        self.failed.emit(failure)

    def _take_stop(self) -> None:
        for record in self.model.records():
            if record["state"] == "waiting":
                record.update(state="")
        self.model.refresh()
        self.measuring_changed.emit()


def _key(row: Mapping[str, Any], place: int) -> str:
    """Name a row: cases have names of their own, rows that cannot be used may share one."""
    return str(row["case"]) if row["status"] != "problem" else f"{row['case']}, row {place}"


def _unpaired(things: Sequence[Mapping[str, Any]]) -> list[str]:
    if not things:
        return []
    shown = ", ".join(Path(str(each.get("path") or each.get("title"))).name for each in things[:5])
    more = f" and {len(things) - 5:,} more" if len(things) > 5 else ""
    return [f"Found no partner: {shown}{more}."]
