"""What happened to this worker, kept across restarts of everything?

Covers: incidents, episodes of programs, and the keeper's own memory, in one SQLite file (WAL) that
is bounded in size. A file that is not usable is set aside and a new one begun: a broken ledger is
never a reason not to start.
Leaves out: reading it (`recorders.ledger_reader`), what is written when (`podkeeper.loops.keeper`).
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import msgspec

from podkeeper.errors import LedgerError
from podkeeper.model.incident import Episode, Incident
from podkeeper.recorders.ledger_reader import LedgerReader

if TYPE_CHECKING:
    from pathlib import Path

#: Each entry brings a ledger one version further; the file's version counts those applied.
_MIGRATIONS = (
    """
    CREATE TABLE incident (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id TEXT NOT NULL,
        program TEXT NOT NULL,
        cause TEXT NOT NULL,
        sentence TEXT NOT NULL,
        opened_at_s REAL NOT NULL,
        closed_at_s REAL,
        recovery_s REAL,
        pid INTEGER NOT NULL,
        evidence TEXT NOT NULL,
        actions TEXT NOT NULL
    );
    CREATE INDEX incident_open ON incident (program) WHERE closed_at_s IS NULL;
    CREATE TABLE episode (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id TEXT NOT NULL,
        program TEXT NOT NULL,
        pid INTEGER NOT NULL,
        started_at_s REAL,
        ended_at_s REAL NOT NULL,
        exit_code INTEGER,
        signal INTEGER,
        peak_rss_bytes INTEGER,
        cause TEXT NOT NULL
    );
    CREATE TABLE memory (
        run_id TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (run_id, key)
    );
    """,
)
#: Rows dropped at once when the file is over its bound.
_DROP_SHARE = 10


class Ledger(LedgerReader):
    """The ledger of one worker."""

    def __init__(self, path: Path, *, busy_timeout_s: float, max_bytes: int) -> None:
        """Open or make the ledger.

        Raises:
            LedgerError: It can neither be opened nor set aside; the folder is not writable or full.
        """
        self.path = path
        self._busy_timeout_s = busy_timeout_s
        self._max_bytes = max_bytes
        #: Where an unusable ledger was moved to, or None.
        self.set_aside: Path | None = None
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError:
            self._connection = self._begin_anew()

    def _begin_anew(self) -> sqlite3.Connection:
        self.set_aside = self.path.with_suffix(".unusable")
        try:
            self.path.replace(self.set_aside)
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            return self._open()
        except (OSError, sqlite3.Error) as error:
            raise LedgerError(f"cannot open the ledger {self.path}: {error}") from error

    def _open(self) -> sqlite3.Connection:
        # Before SQLite makes it: a handler of another user may pass through the folder.
        with contextlib.suppress(OSError):  # SQLite says what is wrong
            self.path.touch(mode=0o600)
        connection = sqlite3.connect(
            self.path, timeout=self._busy_timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # The ledger survives kill -9 of any process; only a power cut can cost the last rows.
            connection.execute("PRAGMA synchronous = NORMAL")
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("integrity check failed")  # noqa: TRY301 - one way out
            _migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def open_incident(self, incident: Incident) -> int:
        """Write a new incident, whose own `id` is not used, and return its id."""
        row = self._execute(
            "INSERT INTO incident (run_id, program, cause, sentence, opened_at_s, closed_at_s,"
            " recovery_s, pid, evidence, actions) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            incident.run_id,
            incident.program,
            incident.cause,
            incident.sentence,
            incident.opened_at_s,
            incident.closed_at_s,
            incident.recovery_s,
            incident.pid,
            _json(incident.evidence),
            _json(incident.actions),
        )
        return int(row.lastrowid or 0)

    def update_incident(self, incident: Incident) -> None:
        """Write what has become of an incident."""
        self._execute(
            "UPDATE incident SET cause = ?, sentence = ?, closed_at_s = ?, recovery_s = ?,"
            " evidence = ?, actions = ? WHERE id = ?",
            incident.cause,
            incident.sentence,
            incident.closed_at_s,
            incident.recovery_s,
            _json(incident.evidence),
            _json(incident.actions),
            incident.id,
        )

    def add_episode(self, episode: Episode) -> None:
        """Write down the end of one life of a program."""
        self._execute(
            "INSERT INTO episode (run_id, program, pid, started_at_s, ended_at_s, exit_code,"
            " signal, peak_rss_bytes, cause) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(getattr(episode, name) for name in Episode.__struct_fields__),
        )

    def remember(self, run_id: str, key: str, value: object) -> None:
        """Keep a value for the rest of a start, replacing what was kept under its key."""
        self._execute("INSERT OR REPLACE INTO memory VALUES (?, ?, ?)", run_id, key, _json(value))

    def keep_within_bound(self, run_id: str) -> int:
        """Drop the oldest closed incidents, episodes and former starts' memory over the bound.

        Returns:
            How many rows were dropped.
        """
        pages = self._execute("PRAGMA page_count").fetchone()[0]
        free = self._execute("PRAGMA freelist_count").fetchone()[0]
        page_bytes = self._execute("PRAGMA page_size").fetchone()[0]
        if (pages - free) * page_bytes <= self._max_bytes:
            return 0
        dropped = self._execute("DELETE FROM memory WHERE run_id != ?", run_id).rowcount
        for table, condition in (("incident", "closed_at_s IS NOT NULL"), ("episode", "1")):
            count = self._execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            dropped += self._execute(
                f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table}"  # noqa: S608 - constants
                f" WHERE {condition} ORDER BY id LIMIT ?)",
                count // _DROP_SHARE + 1,
            ).rowcount
        return dropped


def _migrate(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, script in enumerate(_MIGRATIONS[version:], version + 1):
        connection.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
