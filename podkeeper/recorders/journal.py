"""Which jobs were granted to this worker, kept whatever happens to the handler?

Covers: one SQLite file (WAL) with an entry for each job, its input while it is open, and the last
sign of life. A file that is not usable is set aside and a new one begun.
Leaves out: reading it (`recorders.journal_reader`), which state follows which
(`podkeeper.policy.journal`), results, which are files of their own.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import msgspec

from podkeeper.errors import JournalError
from podkeeper.model.journal import Entry
from podkeeper.model.moment import Moment
from podkeeper.recorders.journal_reader import JournalReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

#: Counts up when the tables or what is in them change; a journal of another format is set aside.
_FORMAT = 1
_TABLES = """
    CREATE TABLE entry (id TEXT PRIMARY KEY, changed_s REAL NOT NULL, record BLOB NOT NULL);
    CREATE TABLE job (id TEXT PRIMARY KEY, data BLOB NOT NULL);
    CREATE TABLE life (id INTEGER PRIMARY KEY CHECK (id = 1), record BLOB NOT NULL);
"""


class JournalFile(JournalReader):
    """The journal of one worker; used from several threads, one at a time."""

    def __init__(self, path: Path, *, busy_timeout_s: float) -> None:
        """Open or make the journal.

        Raises:
            JournalError: It can neither be opened nor set aside; the folder is not ours, or full.
        """
        self.path = path
        self._busy_timeout_s = busy_timeout_s
        #: Where an unusable journal was moved to, or None.
        self.set_aside: Path | None = None
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._connection = self._open()
        except sqlite3.OperationalError as error:
            # The disk is full, or not ours: what is in the file may be sound.
            raise JournalError(f"cannot open the journal {path}: {error}") from error
        except sqlite3.DatabaseError:
            self._connection = self._begin_anew()
        except OSError as error:
            raise JournalError(f"cannot open the journal {path}: {error}") from error

    def _begin_anew(self) -> sqlite3.Connection:
        self.set_aside = self.path.with_suffix(".unusable")
        try:
            self.path.replace(self.set_aside)
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            return self._open()
        except (OSError, sqlite3.Error) as error:
            raise JournalError(f"cannot open the journal {self.path}: {error}") from error

    def _open(self) -> sqlite3.Connection:
        # Before SQLite makes it: the files beside it take its mode.
        self.path.touch(mode=0o600)
        connection = sqlite3.connect(
            self.path, timeout=self._busy_timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # Survives kill -9 of any process; only a power cut can cost the last rows, and with
            # the power the container goes as well.
            connection.execute("PRAGMA synchronous = NORMAL")
            self._check(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    @staticmethod
    def _check(connection: sqlite3.Connection) -> None:
        """Make the tables where there are none, and see that all that is there can be read."""
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {_FORMAT}; COMMIT;")
        elif found != _FORMAT:
            raise sqlite3.DatabaseError(f"its format is {found}")
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("integrity check failed")
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not {name for (name,) in tables} >= {"entry", "job", "life"}:
            raise sqlite3.DatabaseError("tables are missing")
        try:
            for (record,) in connection.execute("SELECT record FROM entry"):
                msgspec.json.decode(record, type=Entry)
        except msgspec.MsgspecError as error:
            raise sqlite3.DatabaseError(f"an entry cannot be read: {error}") from error

    def save(
        self,
        entries: Iterable[Entry],
        jobs: Mapping[str, bytes],
        dropped: Iterable[str] = (),
    ) -> None:
        """Keep entries, and the inputs of jobs that are new, in one step.

        Raises:
            JournalError: Nothing of it could be kept.
        """
        rows = [(each.id, each.changed.wall_s, msgspec.json.encode(each)) for each in entries]
        closed = [(each.id,) for each in entries if not each.open]
        gone = [(name,) for name in dropped]
        try:
            with self._connection as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)", rows)
                connection.executemany("INSERT OR REPLACE INTO job VALUES (?, ?)", jobs.items())
                connection.executemany("DELETE FROM job WHERE id = ?", [*closed, *gone])
                connection.executemany("DELETE FROM entry WHERE id = ?", gone)
        except sqlite3.Error as error:
            raise JournalError(f"cannot write the journal {self.path}: {error}") from error

    def beat(self, now: Moment) -> None:
        """Leave a sign of life.

        Raises:
            JournalError: It could not be written.
        """
        self._execute("INSERT OR REPLACE INTO life VALUES (1, ?)", msgspec.json.encode(now))

    def last_beat(self) -> Moment | None:
        """Return the last sign of life of any handler; None where there never was one.

        Raises:
            JournalError: It cannot be read.
        """
        row = self._execute("SELECT record FROM life").fetchone()
        try:
            return None if row is None else msgspec.json.decode(row[0], type=Moment)
        except msgspec.MsgspecError:
            return None  # of another version; then nothing is known
