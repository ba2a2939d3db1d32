"""The SQLite file behind the store: opened, migrated, set aside when damaged, written in short transactions."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.core.errors import InputError
from app.core.store.schema import MIGRATIONS, migrate, version_of

BUSY_SECONDS = 5.0
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED


def _check(connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        damage = sqlite3.DatabaseError(found)
        damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise damage
    if version_of(connection) > len(MIGRATIONS):
        raise InputError("The worklist was made by a newer version of this program.", "Install that version.")


class Database:
    """One connection, shared by threads, to a file shared by windows.

    Parameters
    ----------
    path : Path
        Made if missing.

    Attributes
    ----------
    notice : str
        A sentence for the user when the file was damaged and a new one was begun; else empty.

    is_closed : bool
        Whether `close` has been called.

    Raises
    ------
    InputError
        When the file cannot be opened, or was made by a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notice = ""
        self.is_closed = False
        self._lock = threading.RLock()
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise InputError(f"The worklist cannot be opened ({error}).",
                                 "Check that its folder can be written, or name another in LIPOSCOPE_DATA.") from error
            kept = self._set_aside()
            self.notice = (f"The worklist's file was damaged; it was kept as {kept.name} in the data folder, "
                           "and a new worklist was begun.")
            self._connection = self._open()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self.is_closed = True
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write shortly: all of it or nothing, on the disk when the block has ended.

        Raises
        ------
        InputError
            When the disk is full, the file is locked for too long or damaged.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
                self._connection.execute("COMMIT")
            except (sqlite3.OperationalError, sqlite3.DatabaseError) as error:
                if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError)):
                    raise
                raise InputError(f"The worklist cannot be written ({error}).",
                                 "Free some space, close other windows of this program, and try again.") from error

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Read.

        Raises
        ------
        InputError
            When the file cannot be read.
        """
        with self._lock:
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.ProgrammingError:
                raise
            except sqlite3.DatabaseError as error:
                raise InputError(f"The worklist cannot be read ({error}).", "Start the program again.") from error

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            _use_write_ahead_log(connection)
            connection.execute("PRAGMA synchronous = FULL")
            _check(connection)
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self) -> Path:
        """Rename the file and its companions; nothing of them is lost."""
        kept = self.path.with_name(f"{self.path.stem}.damaged-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}{self.path.suffix}")
        for ending in ("", "-wal", "-shm"):
            part = self.path.with_name(self.path.name + ending)
            if part.exists():
                part.rename(kept.with_name(kept.name + ending))
        return kept


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch the journal, with the patience that SQLite does not have for this: two windows may open a new store."""
    patience = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > patience:
                raise
            time.sleep(0.02)
        else:
            return
