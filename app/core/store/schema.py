"""The tables, and how an older file becomes a newer one: one script per version, applied in order."""

from __future__ import annotations

import sqlite3

MIGRATIONS = (
    """
    CREATE TABLE entries (
        id TEXT PRIMARY KEY, position REAL NOT NULL, case_json TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'waiting',
        note TEXT NOT NULL DEFAULT '{}', added TEXT NOT NULL, deleted_at TEXT,
        CHECK (status IN ('waiting', 'scoring', 'scored', 'failed', 'needs_choice')));
    CREATE TABLE scores (
        id INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL, score TEXT NOT NULL, model TEXT NOT NULL,
        digest TEXT NOT NULL, versions TEXT NOT NULL, request TEXT NOT NULL, time TEXT NOT NULL);
    CREATE INDEX scores_by_entry ON scores (entry, id);
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
        details TEXT NOT NULL);
    CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE recent (case_json TEXT PRIMARY KEY, time TEXT NOT NULL);
    CREATE TABLE queue (
        id TEXT PRIMARY KEY, lane TEXT NOT NULL, workflow TEXT NOT NULL, request TEXT NOT NULL, title TEXT NOT NULL,
        owner TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0);

    CREATE VIEW entries_with_score AS
        SELECT entries.id AS entry_id, position, case_json, status, note, added, deleted_at, scores.*
        FROM entries LEFT JOIN scores ON scores.id = (SELECT MAX(id) FROM scores WHERE entry = entries.id);

    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
    CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
    CREATE TRIGGER scores_no_update BEFORE UPDATE ON scores BEGIN SELECT RAISE(ABORT, 'scores stay as they are'); END;
    CREATE TRIGGER scores_no_delete BEFORE DELETE ON scores BEGIN SELECT RAISE(ABORT, 'scores stay as they are'); END;
    CREATE TRIGGER scores_no_replace BEFORE INSERT ON scores WHEN EXISTS (SELECT 1 FROM scores WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'scores stay as they are'); END;
    """,
)


def version_of(connection: sqlite3.Connection) -> int:
    """Which migrations a file has seen."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> list[str]:
    """Split a script, so that it can run inside a transaction (`executescript` commits first)."""
    found, current = [], ""
    for line in script.splitlines():
        current += line + "\n"
        if sqlite3.complete_statement(current):
            found.append(current)
            current = ""
    return found


def migrate(connection: sqlite3.Connection, migrations: tuple[str, ...] = MIGRATIONS) -> None:
    """Bring a file up to date, in one transaction; a second window waits for the first.

    Parameters
    ----------
    connection : Connection
        In autocommit mode.
    migrations : tuple of str
        One script per version.
    """
    if version_of(connection) >= len(migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for script in migrations[version_of(connection):]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
