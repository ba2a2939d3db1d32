"""The story of a reading session: what is dropped becomes cases, the chosen one is shown, every one is scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.errors import Failure
from app.core.recipe import N4Recipe
from app.core.requests import CaseFiles
from app.ui.bias_settings import AppliedBias
from app.ui.case_files import identity_of, series_key, shown_side
from app.ui.cut_off import describe_cut_off
from app.ui.jobs import Jobs
from app.ui.keeping import Keeping
from app.ui.messages import as_failure, is_choice
from app.ui.remembered import Remembered, read_session
from app.ui.scoring import Scoring
from app.ui.sequences import Sequences, with_images
from app.ui.state import SessionState
from app.ui.viewing import PREPARATIONS, Viewing
from app.ui.widgets.worklist_model import Entry, WorklistModel

MOST_PARTNERS = 8
NO_OUTLINE = "has no outline yet."  # the worklist says so too
NO_IMAGE, WHICH_SERIES = "is an outline without its image.", "choose the one to read."  # these are asked
NOTHING_FOUND = Failure("input", "Nothing in there can be read as an image or an outline.",
                        "Drop NIfTI, Analyze, NRRD, MetaImage or DICOM files, or a table that names them.")


class Reading(QObject):
    """Worklist, viewing and scoring, tied together; the pages bind to its signals.

    Signals
    -------
    chosen(str)
        Another case is the current one; '' when none is.
    pictured(dict)
        The current case's pictures.
    standing(str)
        A case's status, score or failure has changed.
    unpaired(list)
        Things that found no partner; [] when the question is settled.
    noticed(Failure)
        Something to be said that belongs to no case.
    said(str)
        Something to be said in passing.
    """

    chosen = Signal(str)
    pictured = Signal(dict)
    standing = Signal(str)
    unpaired = Signal(list)
    noticed = Signal(object)
    said = Signal(str)

    def __init__(self, state: SessionState, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state, self.jobs = state, jobs
        self.worklist = WorklistModel(self)
        self.viewing, self.scoring = Viewing(jobs, state, self), Scoring(jobs, state, self)
        self.sequences, self.keeping = Sequences(jobs, self), Keeping(state, jobs, self)
        for trouble in (self.sequences.failed, self.keeping.refused):
            trouble.connect(self.noticed)
        self.keeping.caught_up.connect(lambda number: self.said.emit(f"Scores are kept again; {number:,} were late."))
        self.bias = AppliedBias(state, self)
        self.current = self._announcement = ""
        self.view: dict[str, Any] | None = None
        self._view_failures: dict[str, Failure] = {}
        self._loose: list[dict[str, Any]] = []
        state.failed.connect(self.noticed)
        self.viewing.identified.connect(self._take_drop)
        self.viewing.not_identified.connect(self.noticed)
        self.viewing.shown.connect(self._take_view)
        self.viewing.not_shown.connect(self._take_no_view)
        self.scoring.begun.connect(lambda key: self._change(key, status="scoring"))
        self.scoring.scored.connect(self._take_score)
        self.scoring.not_scored.connect(self._take_no_score)
        self.scoring.stopped.connect(self._take_stop)

    # Cases come and go

    def restore(self) -> None:
        """Bring back the worklist of the last session, and the scores it still owed."""
        self.state.in_background(lambda: read_session(self.state.store), self._take_worklist)

    def _take_worklist(self, left: Remembered) -> None:
        self.worklist.add(left.entries)
        owed = [(job, key) for job in self.jobs.resume() if (key := left.key_of(job))]
        for job, key in owed:
            self.scoring.adopt(job.id, key)
            self._change(key, status="waiting")
        killed = sum(job.id in self.state.store.orphans for job, _key in owed)
        if (told := describe_cut_off(left.cut_off, killed, self.state.store.given_up)) is not None:
            self.noticed.emit(told)

    def drop(self, paths: Sequence[str]) -> None:
        """Take in files and folders, in any order; what found no partner before gets another chance."""
        if paths:
            self.viewing.identify([*[source["path"] for source in self._loose], *paths])

    def open_demo(self) -> None:
        """Show and score the demo case."""
        self.viewing.make_demo()

    def _take_drop(self, found: dict[str, Any]) -> None:
        cases, self._loose = list(found.get("cases") or ()), list(found.get("unpaired") or ())
        loose = [*self._partners(cases), *self._loose] if self._loose else []
        asked = any(source.get("role_hint") != "mask" for source in loose)  # outlines alone make no case
        self.unpaired.emit(loose if asked else [])
        if notes := self._news(found, asked=asked):
            self.noticed.emit(Failure("input", "What was dropped has been read like this:", extra={"issues": notes}))
        if cases:
            self.add(cases)
        elif not self._loose and not notes:
            self.noticed.emit(NOTHING_FOUND)

    def _news(self, found: dict[str, Any], *, asked: bool) -> tuple[str, ...]:
        """Return the notes of a drop that the worklist does not show and no question asks."""
        known = (WHICH_SERIES, *(NO_OUTLINE,) * bool(found.get("cases")), *(NO_IMAGE,) * asked)
        return tuple(note for note in found.get("notes") or () if not note.endswith(known))

    def _partners(self, cases: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """List the images that wait for an outline: those of a drop, or else that of the case on screen."""
        current = self.worklist.entry(self.current)
        bare = [case for case in cases if not case.get("mask")]
        if not cases and current is not None and not current.files.get("mask"):
            bare = [current.files]
        if not any(source.get("role_hint") != "mask" for source in self._loose):
            bare = bare or list(cases)  # outlines only: one of them may be meant in place of the one taken
        return [{"path": path, "title": case["id"] if name == "image" else f"{case['id']} {name}",
                 "role_hint": "image", "series": (case.get("series") or {}).get(name, "")}
                for case in bare[:MOST_PARTNERS] for name, path in case["images"].items()]

    def add(self, cases: Sequence[dict[str, Any]]) -> None:
        """Append cases (`CaseFiles` as JSON) to the worklist, show the first and score all; known ones are shown."""
        known = {identity_of(entry.files): entry.key for entry in self.worklist.entries()}
        fresh = [case for case in cases if identity_of(case) not in known]
        first = known.get(identity_of(cases[0]), "")
        if not fresh:
            self.choose(first)
            return
        self.state.in_background(lambda: self._keep_cases(fresh), lambda entries: self._take_added(entries, first))

    def _keep_cases(self, cases: Sequence[dict[str, Any]]) -> list[Entry]:
        files = [CaseFiles.model_validate(case) for case in cases]
        return [Entry(key, case.model_dump(mode="json"), "waiting" if case.mask else "new")
                for key, case in zip(self.state.store.add_cases(files), files, strict=True)]

    def _take_added(self, entries: Sequence[Entry], first: str) -> None:
        told = self.scoring.follow_sequences([entry.files for entry in entries if entry.files.get("mask")])
        self.worklist.add(entries)
        self.choose(first or entries[0].key)
        if told:
            self.said.emit(told)
        self.scoring.score_many((entry.key, entry.files) for entry in entries if entry.files.get("mask"))

    def pair(self, files: dict[str, Any]) -> None:
        """Take the reader's answer about unpaired things; cases that were only these images give way to the new one."""
        self.decline_pairing()
        images = set(files["images"].values())
        bare = [entry for entry in self.worklist.entries()
                if not entry.files.get("mask") and images.issuperset(entry.files["images"].values())]
        if not (files.get("mask") and bare):
            self.add([files])
            return
        first, *others = bare
        one = len(images) == len(first.files["images"])  # its own names and choices stay
        self._replace_files(first.key, {**first.files, **({} if one else {"images": files["images"]}),
                                        "mask": files["mask"],
                                        "series": {**(first.files["series"] if one else {}), **files["series"]}})
        if others:
            keys = [entry.key for entry in others]
            self.worklist.remove(keys)
            self.state.in_background(lambda: [self.state.store.delete_case(key) for key in keys])
        self.choose(first.key)

    def decline_pairing(self) -> None:
        """Let the unpaired things go."""
        self._loose = []
        self.unpaired.emit([])

    def remove(self, keys: Sequence[str]) -> None:
        """Take cases off the list; `undo` brings them back."""
        for key in keys:
            self.scoring.cancel(key)
        self.worklist.remove(keys)
        self.bias.note_other()
        self.state.in_background(lambda: [self.state.store.delete_case(key) for key in keys])
        self.said.emit(f"{len(keys)} cases removed. Ctrl+Z brings them back." if len(keys) > 1
                       else "Case removed. Ctrl+Z brings it back.")
        if not self.worklist.rowCount():
            self.choose("")

    def undo(self) -> None:
        """Take back the last bias correction, or bring back what was removed last, whichever was later."""
        if self.undo_bias():
            return
        keys = self.worklist.restore()
        if not keys:
            self.said.emit("There is nothing to undo.")
            return
        self.state.in_background(lambda: [self.state.store.restore_case(key) for key in keys])
        for key in keys:
            entry = self.worklist.entry(key)
            if entry is not None and entry.status in ("waiting", "scoring"):
                self.score(key)
        self.choose(keys[0])

    # One case

    def choose(self, key: str) -> None:
        """Make a case the current one and show it."""
        entry = self.worklist.entry(key)
        if key == self.current and entry is not None and self.view is not None:
            self.chosen.emit(key)
            return
        self.current, self.view = (key, None) if entry is not None else ("", None)
        self.chosen.emit(self.current)
        if entry is None:
            self.viewing.forget()
            return
        self.viewing.show(key, entry.files)
        self.state.in_background(lambda: self.state.store.remember_case(CaseFiles.model_validate(entry.files)))

    def failure(self, key: str) -> Failure | None:
        """What stands in the way of a case, if anything."""
        entry = self.worklist.entry(key)
        return self._view_failures.get(key) or (entry.failure if entry is not None else None)

    def answer(self, field: str, about: str, value: str) -> None:
        """Put the reader's choice into the current case's files and start again."""
        entry = self.worklist.entry(self.current)
        if entry is None:
            return
        files = dict(entry.files)
        if field == "series":
            files["series"] = {**files.get("series", {}), series_key(files, about): value}
        else:
            files[field] = int(value) if field == "label" else value
        self._replace_files(entry.key, files)

    def ask_sequences(self) -> None:
        """List what the current case can be made of; `sequences.offered` follows."""
        entry = self.worklist.entry(self.current)
        if entry is not None:
            self.sequences.ask(entry.key, entry.files, busy=bool(self.scoring.waiting))

    def take_sequences(self, chosen: Sequence[dict[str, str]], about: str | None = None) -> None:
        """Make the current case of the images that the reader chose, or put them in the place of one of its images."""
        entry = self.worklist.entry(self.current)
        if entry is not None:
            self._replace_files(entry.key, with_images(entry.files, chosen, about))

    def confirm_side(self, *, as_shown: bool) -> None:
        """Take the reader's answer about an Analyze file's left and right."""
        entry = self.worklist.entry(self.current)
        if entry is None:
            return
        shown = shown_side(self.view or {})
        other = {"las": "ras", "ras": "las"}[shown]
        self._replace_files(entry.key, {**entry.files, "orientation": shown if as_shown else other})

    def _replace_files(self, key: str, files: dict[str, Any]) -> None:
        case = CaseFiles.model_validate(files)
        self._view_failures.pop(key, None)
        self.state.in_background(lambda: self.state.store.update_case(key, case))
        self._change(key, files=case.model_dump(mode="json"), failure=None, status="new")
        self.viewing.show(key, files)
        if case.mask:
            self.score(key)

    def prepare_view(self, name: str) -> None:
        """Show the current case prepared in one of the `PREPARATIONS` ways, or by the model's own ('model')."""
        entry = self.worklist.entry(self.current)
        self.state.choose("prep", name)
        if entry is not None and (prep := self.preparation()) is not None:
            self._show_prepared(entry, prep)

    def _show_prepared(self, entry: Entry, prep: dict[str, Any] | None) -> None:
        applied = self.bias.of(entry.key) if self.state["prep"] == "own" else None
        self.viewing.show(entry.key, entry.files, prep, str(applied["mask"]) if applied else "")

    def preparation(self) -> dict[str, Any] | None:
        """The chosen preparation as `PrepRecipe` JSON; None for the image as stored."""
        if self.state["prep"] == "own":
            applied = self.bias.of(self.current)
            return {"n4": applied["settings"]} if applied else None
        if self.state["prep"] == "model":
            return next((model.get("prep") for model in self.scoring.models
                         if model["name"] == self.state["model"]), None)
        return PREPARATIONS.get(self.state["prep"], ("", None))[1]

    def apply_bias(self, settings: N4Recipe, own: str = "") -> None:
        """Give the current case this correction and show it; it is remembered."""
        self.bias.apply(self.current, settings, own)
        self._announcement = "Corrected as applied. B compares, Ctrl+Z takes it back."
        self.prepare_view("own")

    def undo_bias(self) -> bool:
        """Take back the last correction; False when something else was done since, or none was given."""
        key = self.bias.undo()
        entry = self.worklist.entry(self.current)
        if key and key == self.current and entry is not None and self.state["prep"] == "own":
            if self.bias.of(key) is None:
                self.state.choose("prep", "stored")
            self._announcement = "The bias correction is taken back."
            self._show_prepared(entry, self.preparation())
        elif key:
            self.said.emit("The bias correction of another case is taken back.")
        return bool(key)

    def score(self, key: str = "") -> None:
        """Score a case, by default the current one, with the session's choices."""
        entry = self.worklist.entry(key or self.current)
        if entry is not None and entry.files.get("mask"):
            self._view_failures.pop(entry.key, None)
            self._change(entry.key, status="waiting", failure=None)
            self.scoring.score(entry.key, entry.files)

    def of_other_models(self) -> list[str]:
        """Keys of the cases whose score another model has made."""
        model = self.state["model"]
        return [entry.key for entry in self.worklist.entries() if entry.is_of_other_model(model)]

    def score_all(self) -> None:
        """Score every case that has an outline again, with the session's model and choices; `Scoring` can call it off.

        A score stays where it is until the new one has come.
        """
        keys = [entry.key for entry in self.worklist.entries() if entry.files.get("mask")]
        for key in keys:
            self._view_failures.pop(key, None)
            self._change(key, status="waiting", failure=None)
        self.scoring.score_many((key, entry.files) for key in keys if (entry := self.worklist.entry(key)) is not None)
        self.said.emit(f"{len(keys):,} cases are being scored again. Esc stops it." if len(keys) != 1
                       else "One case is being scored again." if keys else "There is no case to score.")

    def retry(self) -> None:
        """Try the current case again, picture and score."""
        entry = self.worklist.entry(self.current)
        if entry is not None:
            self._view_failures.pop(entry.key, None)
            self.viewing.show(entry.key, entry.files)
            self.score(entry.key)
            self.standing.emit(entry.key)

    def dismiss(self, key: str) -> None:
        """Let a failure be, without trying again."""
        self._view_failures.pop(key, None)
        self._change(key, failure=None)

    # What the engine answers

    def _take_view(self, key: str, result: dict[str, Any]) -> None:
        self._view_failures.pop(key, None)
        if result.get("mask_problem"):
            self._view_failures[key] = as_failure(result["mask_problem"])
        if key != self.current:
            return
        first, self.view = self.view is None, result
        self.pictured.emit(result)
        self.standing.emit(key)
        entry, prep = self.worklist.entry(key), self.preparation()
        if first and prep is not None and entry is not None:
            self._show_prepared(entry, prep)
        elif self._announcement:
            self.said.emit(self._announcement)
            self._announcement = ""

    def _take_no_view(self, key: str, failure: Failure) -> None:
        self._view_failures[key] = failure
        if (entry := self.worklist.entry(key)) is not None and entry.score and not is_choice(failure):
            self.standing.emit(key)  # a score outlives its pictures: their drive may be gone
        else:
            self._change(key, status="needs_choice" if is_choice(failure) else "failed")

    def _take_score(self, key: str, score: dict[str, Any], job: str) -> None:
        self.keeping.keep(key, score, job)  # at once: a finished score survives whatever comes next
        self._change(key, status="scored", score=score, failure=None)

    def _take_no_score(self, key: str, failure: Failure) -> None:
        status = "needs_choice" if is_choice(failure) else "failed"
        note = asdict(failure)
        self.state.in_background(lambda: self.state.store.set_status(key, status, note))
        self._change(key, status=status, failure=failure)

    def _take_stop(self, key: str) -> None:
        entry = self.worklist.entry(key)
        if entry is not None:
            self._change(key, status="scored" if entry.score else "new")

    def _change(self, key: str, **changes: Any) -> None:
        if self.worklist.change(key, **changes) is not None:
            self.standing.emit(key)

