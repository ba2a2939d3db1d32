"""The store's verbs: each is one short transaction or one query, and speaks in values."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from app.core.jobs.run import Job
from app.core.living import is_living, own_mark
from app.core.paths import store_file
from app.core.requests import CaseFiles
from app.core.store.database import Database
from app.core.store.values import AuditRow, Entry, QueueChange, Status, StoredScore

_ATTEMPTS = 3
_RECENT_KEPT = 50


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _is_living(owner: str) -> bool:
    """Whether the program that owns a queued job still runs; owners are 'mark:random'."""
    return is_living(owner.partition(":")[0])


def _stored_score(row: sqlite3.Row) -> StoredScore:
    return StoredScore(row["id"], row["entry"], json.loads(row["score"]), row["model"], row["digest"],
                       json.loads(row["versions"]), row["request"], datetime.fromisoformat(row["time"]))


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(row["entry_id"], CaseFiles.model_validate_json(row["case_json"]), row["status"],
                 datetime.fromisoformat(row["added"]), json.loads(row["note"]),
                 None if row["id"] is None else _stored_score(row))


def _audit(connection: sqlite3.Connection, action: str, subject: str, details: Mapping[str, Any]) -> None:
    connection.execute("INSERT INTO audit (time, action, subject, details) VALUES (?, ?, ?, ?)",
                       (_now(), action, subject, json.dumps(dict(details))))


class Store:
    """Everything the program remembers; safe to share between threads, and between two windows.

    Parameters
    ----------
    path : Path, optional
        The database file; by default in the user's data folder.

    Raises
    ------
    InputError
        When the file cannot be opened or was made by a newer version. A damaged one is set aside: see `notice`.

    Attributes
    ----------
    given_up : tuple of Job
        What the last `claim_queue` did not take over: each has taken three programs down while it ran.
    orphans : frozenset of str
        Ids of those it took over from a program that was killed; one that was closed has left the others.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._database = Database(store_file() if path is None else path)
        self._owner = f"{own_mark()}:{uuid4().hex[:8]}"
        self.given_up: tuple[Job, ...] = ()
        self.orphans: frozenset[str] = frozenset()

    @property
    def notice(self) -> str:
        """A sentence for the user when a damaged file was set aside; else empty."""
        return self._database.notice

    def close(self) -> None:
        """Leave queued jobs to the next window, and close the file; twice does no harm."""
        if self._database.is_closed:
            return
        with self._database.transaction() as connection:  # who ends in order was not taken down by any of them
            connection.execute("UPDATE queue SET owner = '', attempts = 0 WHERE owner = ?", (self._owner,))
        self._database.close()

    # Worklist

    def add_cases(self, cases: Sequence[CaseFiles]) -> list[str]:
        """Append cases to the worklist; the new entries' ids."""
        names = [uuid4().hex for _ in cases]
        with self._database.transaction() as connection:
            last = connection.execute("SELECT COALESCE(MAX(position), 0) FROM entries").fetchone()[0]
            connection.executemany(
                "INSERT INTO entries (id, position, case_json, added) VALUES (?, ?, ?, ?)",
                [(name, last + number, case.model_dump_json(), _now())
                 for number, (name, case) in enumerate(zip(names, cases, strict=True), start=1)])
            for name in names:
                _audit(connection, "case added", name, {})
        return names

    def worklist(self) -> list[Entry]:
        """List the worklist in its order, without what was deleted."""
        return [_entry(row) for row in self._database.rows(
            "SELECT * FROM entries_with_score WHERE deleted_at IS NULL ORDER BY position, entry_id")]

    def entry(self, entry: str) -> Entry | None:
        """One entry, deleted or not."""
        rows = self._database.rows("SELECT * FROM entries_with_score WHERE entry_id = ?", entry)
        return _entry(rows[0]) if rows else None

    def update_case(self, entry: str, case: CaseFiles) -> None:
        """Replace an entry's files, after the user has made a choice; it waits again."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE entries SET case_json = ?, status = 'waiting', note = '{}' WHERE id = ?",
                               (case.model_dump_json(), entry))

    def set_status(self, entry: str, status: Status, note: Mapping[str, Any] | None = None) -> None:
        """Say where an entry stands; `note` is the failure as JSON for 'failed' and 'needs_choice'."""
        kept = {key: value for key, value in (note or {}).items() if key != "traceback"}
        with self._database.transaction() as connection:
            connection.execute("UPDATE entries SET status = ?, note = ? WHERE id = ?",
                               (status, json.dumps(kept), entry))

    def move_case(self, entry: str, index: int) -> None:
        """Move an entry to a place in the worklist, 0 being the first."""
        with self._database.transaction() as connection:
            names = [row["id"] for row in connection.execute(
                "SELECT id FROM entries WHERE deleted_at IS NULL AND id <> ? ORDER BY position", (entry,))]
            names.insert(max(0, index), entry)
            connection.executemany("UPDATE entries SET position = ? WHERE id = ?", list(enumerate(names)))

    def delete_case(self, entry: str) -> None:
        """Take an entry off the worklist; its scores stay, and `restore_case` brings it back to its place."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE entries SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL", (_now(), entry))
            _audit(connection, "case removed", entry, {})

    def restore_case(self, entry: str) -> None:
        """Undo the deletion of one entry."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE entries SET deleted_at = NULL WHERE id = ?", (entry,))
            _audit(connection, "case restored", entry, {})

    def undo_delete(self) -> str | None:
        """Restore what was deleted last; its id, or None when nothing is left to undo."""
        rows = self._database.rows(  # by the audit's order and not by the clock, which may have been set back
            "SELECT entries.id FROM entries JOIN audit ON audit.subject = entries.id AND action = 'case removed' "
            "WHERE deleted_at IS NOT NULL ORDER BY audit.id DESC LIMIT 1")
        if not rows:
            return None
        self.restore_case(rows[0]["id"])
        return str(rows[0]["id"])

    # Scores

    def add_score(self, entry: str, score: Mapping[str, Any], *, digest: str = "", request: str = "") -> int:
        """Keep a score for good; it is on the disk when this returns.

        Parameters
        ----------
        entry : str
            The worklist entry, which becomes 'scored'; may be empty.
        score : mapping
            The scoring workflow's answer; an 'identity' in it is left out.
        digest : str
            SHA-256 of the model's bundle; by default the score's own 'model_digest'.
        request : str
            The job's id; it leaves the queue in the same transaction.

        Returns
        -------
        int
            The score's id.
        """
        kept = {key: value for key, value in score.items() if key != "identity"}
        with self._database.transaction() as connection:
            row = connection.execute(
                "INSERT INTO scores (entry, score, model, digest, versions, request, time) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (entry, json.dumps(kept), str(kept.get("model", "")), digest or str(kept.get("model_digest", "")),
                 json.dumps(dict(kept.get("versions", {}))), request, _now()))
            connection.execute("UPDATE entries SET status = 'scored', note = '{}' WHERE id = ?", (entry,))
            connection.execute("DELETE FROM queue WHERE id = ?", (request,))
            _audit(connection, "scored", entry, {"score": row.lastrowid, "model": str(kept.get("model", ""))})
            return int(row.lastrowid or 0)

    def scores(self, entry: str | None = None, limit: int = 1000) -> list[StoredScore]:
        """Scores, newest first; of one entry, or of all."""
        return [_stored_score(row) for row in self._database.rows(
            "SELECT * FROM scores WHERE ?1 IS NULL OR entry = ?1 ORDER BY id DESC LIMIT ?2", entry, limit)]

    # Audit, settings, recent cases

    def audit(self, action: str, subject: str = "", details: Mapping[str, Any] | None = None) -> None:
        """Note something that was done; it can be neither changed nor removed. Name no patient."""
        with self._database.transaction() as connection:
            _audit(connection, action, subject, details or {})

    def audit_trail(self, limit: int = 1000) -> list[AuditRow]:
        """List what was done, newest first."""
        return [AuditRow(row["id"], datetime.fromisoformat(row["time"]), row["action"], row["subject"],
                         json.loads(row["details"]))
                for row in self._database.rows("SELECT * FROM audit ORDER BY id DESC LIMIT ?", limit)]

    def setting(self, key: str, default: Any = None) -> Any:
        """Recall a JSON value."""
        rows = self._database.rows("SELECT value FROM settings WHERE key = ?", key)
        return json.loads(rows[0]["value"]) if rows else default

    def set_setting(self, key: str, value: Any) -> None:
        """Remember a JSON value."""
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO settings VALUES (?, ?) "
                               "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                               (key, json.dumps(value)))

    def remember_case(self, case: CaseFiles) -> None:
        """Put a case on top of the recent ones."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO recent VALUES (?, ?)", (case.model_dump_json(), _now()))
            connection.execute("DELETE FROM recent WHERE rowid NOT IN "
                               "(SELECT rowid FROM recent ORDER BY rowid DESC LIMIT ?)", (_RECENT_KEPT,))

    def recent_cases(self, limit: int = 8) -> list[CaseFiles]:
        """Cases opened last, newest first."""
        return [CaseFiles.model_validate_json(row["case_json"]) for row in self._database.rows(
            "SELECT case_json FROM recent ORDER BY rowid DESC LIMIT ?", limit)]

    # The score lane's queue

    def queue_job(self, job: Job) -> None:
        """Remember a job until `drop_job` or `add_score`, so that it survives the end of the program."""
        self.change_queue([("queue", job)])

    def begin_job(self, job_id: str) -> None:
        """Note that a queued job has begun: should the program not outlive it, this counts against it."""
        self.change_queue([("begin", Job(job_id, "", "", {}))])

    def drop_job(self, job_id: str) -> None:
        """Forget a job that has ended."""
        self.change_queue([("drop", Job(job_id, "", "", {}))])

    def change_queue(self, changes: Sequence[tuple[QueueChange, Job]]) -> None:
        """Carry out several changes of the queue at once: 'queue', 'begin' or 'drop' a job."""
        with self._database.transaction() as connection:
            for change, job in changes:
                if change == "queue":
                    connection.execute("INSERT OR IGNORE INTO queue VALUES (?, ?, ?, ?, ?, ?, 0)", (
                        job.id, job.lane, job.workflow, json.dumps(job.request), job.title, self._owner))
                elif change == "begin":
                    connection.execute("UPDATE queue SET attempts = attempts + 1 WHERE id = ?", (job.id,))
                else:
                    connection.execute("DELETE FROM queue WHERE id = ?", (job.id,))

    def claim_queue(self) -> list[Job]:
        """Take over the jobs whose window is gone, in order; one that has taken three programs down is dropped."""
        with self._database.transaction() as connection:
            found = connection.execute("SELECT * FROM queue ORDER BY rowid").fetchall()
            living = {owner for owner in {row["owner"] for row in found} if _is_living(owner)}
            rows = [row for row in found if row["owner"] not in living]
            for row in rows:
                if row["attempts"] >= _ATTEMPTS:
                    connection.execute("DELETE FROM queue WHERE id = ?", (row["id"],))
                else:
                    connection.execute("UPDATE queue SET owner = ? WHERE id = ?", (self._owner, row["id"]))
        self.orphans = frozenset(row["id"] for row in rows if row["owner"])
        self.given_up = tuple(_job(row) for row in rows if row["attempts"] >= _ATTEMPTS)
        return [_job(row) for row in rows if row["attempts"] < _ATTEMPTS]


def _job(row: sqlite3.Row) -> Job:
    return Job(row["id"], row["lane"], row["workflow"], json.loads(row["request"]), row["title"])
