"""What the last session left: its cases as the worklist shows them, and the work that was cut off."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.core.jobs import Job
from app.core.jobs.run import take_cut_off
from app.core.paths import runs_folder
from app.core.requests import CaseFiles
from app.core.store import Entry as StoredEntry
from app.core.store import Store
from app.ui.messages import as_failure
from app.ui.scoring import SCORE_WORKFLOW
from app.ui.widgets.worklist_model import Entry


@dataclass(frozen=True)
class Remembered:
    """Cases in order, and the runs that were killed."""

    entries: tuple[Entry, ...]
    cut_off: tuple[Job, ...] = ()
    _keys: dict[str, str] = field(default_factory=dict)

    def key_of(self, job: Job) -> str:
        """The case that a score was owed to; '' where it is no longer listed."""
        files = job.request.get("case") if job.workflow == SCORE_WORKFLOW else None  # maps are asked for anew
        return self._keys.get(_told(CaseFiles.model_validate(files).model_dump(mode="json")), "") if files else ""


def read_session(store: Store) -> Remembered:
    """Read what was left; it takes a while where cases are many, and touches no widget."""
    with _no_sweeping():
        entries = tuple(_entry_of(each) for each in store.worklist())
    return Remembered(entries, tuple(take_cut_off(runs_folder())), {_told(each.files): each.key for each in entries})


@contextmanager
def _no_sweeping() -> Iterator[None]:
    """Keep Python from looking for garbage among a million new objects: the window would stand still meanwhile."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _told(files: dict[str, object]) -> str:
    return json.dumps(files, sort_keys=True)


def _entry_of(stored: StoredEntry) -> Entry:
    status = stored.status if stored.status in ("failed", "needs_choice") else "scored" if stored.score else "new"
    return Entry(stored.id, stored.case.model_dump(mode="json"), status,
                 stored.score.score if stored.score else None, as_failure(stored.note) if stored.note else None)
