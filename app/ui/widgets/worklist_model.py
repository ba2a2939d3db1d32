"""The worklist as data: cases with their files, standing and score, ten thousand of them if need be, and an undo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt

from app.core.errors import Failure
from app.ui.words import short_score, verdict_of

ENTRY_ROLE = int(Qt.ItemDataRole.UserRole) + 1
OTHER_ROLE = ENTRY_ROLE + 1
AnyIndex = QModelIndex | QPersistentModelIndex
_SHAPES = {"waiting": "ring", "scoring": "dots", "failed": "exclamation", "needs_choice": "question"}
_WORDS = {"waiting": "waiting", "scoring": "scoring", "needs_choice": "question"}


@dataclass(frozen=True, eq=False)
class Entry:
    """One case of the worklist.

    Parameters
    ----------
    key : str
        The store's own name for it, unique.
    files : dict
        `CaseFiles` as JSON.
    status : str
        'new', 'waiting', 'scoring', 'scored', 'failed' or 'needs_choice'.
    score : dict or None
        The score's JSON.
    failure : Failure or None
        Why it could not be done.
    """

    key: str
    files: dict[str, Any]
    status: str = "new"
    score: dict[str, Any] | None = None
    failure: Failure | None = None

    @property
    def title(self) -> str:
        """What the reader calls the case."""
        return str(self.files.get("id") or "case")

    @property
    def summary(self) -> str:
        """Short standing: the score, or a word."""
        if self.status == "scored" and self.score:
            return ("demo " if self.score.get("demonstration") else "") + short_score(self.score)
        if self.status == "new" and not self.files.get("mask"):
            return "no outline"
        return _WORDS.get(self.status, "")

    def is_of_other_model(self, model: str) -> bool:
        """Whether this case has a score, but not of this model."""
        return bool(self.status == "scored" and model and self.score and self.score.get("model") != model)

    @property
    def shape(self) -> str:
        """Shape beside the standing, so that colour never speaks alone."""
        if self.status == "scored" and self.score:
            return verdict_of(self.score).shape
        return _SHAPES.get(self.status, "")

    @property
    def role(self) -> str:
        """The theme colour of the standing."""
        if self.status == "scored" and self.score:
            return verdict_of(self.score).role
        return {"failed": "warning", "needs_choice": "warning"}.get(self.status, "text_dim")

    @property
    def spoken(self) -> str:
        """The row for a screen reader."""
        if self.status == "scored" and self.score:
            return f"{self.title}, {verdict_of(self.score).word}, {self.summary}"
        if self.failure is not None:
            return f"{self.title}, {self.failure.message}"
        return f"{self.title}, {self.summary}" if self.summary else self.title


class WorklistModel(QAbstractListModel):
    """Entries in the order they came; keys find rows."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._entries: list[Entry] = []
        self._rows: dict[str, int] = {}
        self._removed: list[list[tuple[int, Entry]]] = []
        self._others: set[str] = set()
        self.model = ""

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """Count the cases."""
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: AnyIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """One row's text, entry or spoken form."""
        if not index.isValid() or not 0 <= index.row() < len(self._entries):
            return None
        entry = self._entries[index.row()]
        if role == ENTRY_ROLE:
            return entry
        if role == OTHER_ROLE:
            return entry.is_of_other_model(self.model)
        if role == int(Qt.ItemDataRole.DisplayRole):
            return entry.title
        if role in (int(Qt.ItemDataRole.AccessibleTextRole), int(Qt.ItemDataRole.ToolTipRole)):
            return entry.spoken + self._other_model(entry)
        return None

    def choose_model(self, name: str) -> None:
        """Name the model in use; scores of another one are told apart."""
        self.model = name
        self._others = {entry.key for entry in self._entries if entry.is_of_other_model(name)}
        if self._entries:
            self.dataChanged.emit(self.index(0), self.index(len(self._entries) - 1))

    def _other_model(self, entry: Entry) -> str:
        return f", scored with {(entry.score or {}).get('model')}" if entry.is_of_other_model(self.model) else ""

    @property
    def others(self) -> int:
        """How many scores another model has made."""
        return len(self._others)

    def entries(self) -> Sequence[Entry]:
        """Every case, in order."""
        return tuple(self._entries)

    def entry(self, key: str) -> Entry | None:
        """Find the case with this key, if it is in the list."""
        row = self._rows.get(key)
        return None if row is None else self._entries[row]

    def row(self, key: str) -> int:
        """Row of a key; -1 when it is not in the list."""
        return self._rows.get(key, -1)

    def add(self, entries: Sequence[Entry]) -> None:
        """Append cases."""
        if not entries:
            return
        first = len(self._entries)
        self.beginInsertRows(QModelIndex(), first, first + len(entries) - 1)
        self._entries.extend(entries)
        self._rows |= {entry.key: row for row, entry in enumerate(entries, first)}
        self._note(entries)
        self.endInsertRows()

    def change(self, key: str, **changes: Any) -> Entry | None:
        """Replace fields of one case; a case that has gone is let go."""
        row = self._rows.get(key)
        if row is None:
            return None
        self._entries[row] = replace(self._entries[row], **changes)
        self._note([self._entries[row]])
        index = self.index(row)
        self.dataChanged.emit(index, index)
        return self._entries[row]

    def remove(self, keys: Sequence[str]) -> None:
        """Take cases out; `restore` brings them back where they were."""
        rows = sorted((self._rows[key] for key in keys if key in self._rows), reverse=True)
        if not rows:
            return
        self._removed.append([(row, self._entries[row]) for row in reversed(rows)])
        for first, last in _runs(rows):
            self.beginRemoveRows(QModelIndex(), first, last)
            del self._entries[first:last + 1]
            self.endRemoveRows()
        self._others.difference_update(keys)
        self._index_rows()

    def restore(self) -> list[str]:
        """Undo the latest removal.

        Returns
        -------
        list of str
            Keys that came back; empty when there is nothing to undo.
        """
        if not self._removed:
            return []
        batch = self._removed.pop()
        taken = dict(batch)
        for first, last in reversed(_runs([row for row, _entry in reversed(batch)])):
            back = [taken[row] for row in range(first, last + 1)]
            place = min(first, len(self._entries))
            self.beginInsertRows(QModelIndex(), place, place + len(back) - 1)
            self._entries[place:place] = back
            self.endInsertRows()
        self._index_rows()
        self._note([entry for _row, entry in batch])
        return [entry.key for _row, entry in batch]

    def _note(self, entries: Sequence[Entry]) -> None:
        """Count those whose score another model has made."""
        for entry in entries:
            if entry.is_of_other_model(self.model):
                self._others.add(entry.key)
            else:
                self._others.discard(entry.key)

    def _index_rows(self) -> None:
        self._rows = {entry.key: row for row, entry in enumerate(self._entries)}


def _runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Group descending rows into runs (first, last), last run first, so that each removal leaves the next valid."""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and row == runs[-1][0] - 1:
            runs[-1] = (row, runs[-1][1])
        else:
            runs.append((row, row))
    return runs
