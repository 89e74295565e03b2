"""How does the state survive the platform's own death?

Covers: one SQLite file in WAL mode; each change of the book is one transaction, which is kept from
the moment it returns, whatever happens to the process.
Leaves out: what the state means (`book`).
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, TypeVar

import msgspec

from podkeeper.errors import PodkeeperError
from podkeeper.sim.platform.book import Book, Counts
from podkeeper.sim.platform.job import Job
from podkeeper.sim.platform.worker import Worker

if TYPE_CHECKING:
    from pathlib import Path

    from podkeeper.settings.platform import PlatformSettings

T = TypeVar("T")
#: Counts up when the tables or what is in them change.
FORMAT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS job (id TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS input (id TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS worker (pod TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counts (id INTEGER PRIMARY KEY CHECK (id = 1), record BLOB NOT NULL);
"""


class StateError(PodkeeperError):
    """The platform's state file cannot be used."""

    exit_code = 2


class Store:
    """The state file of one platform, which is waited for while another still ends.

    Raises:
        StateError: It cannot be opened, is no such file or is of another format.
    """

    def __init__(self, path: Path, wait_s: float = 5.0) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # prompts stand in it
            self._db = sqlite3.connect(path, timeout=wait_s, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise StateError(f"cannot open the platform's state {path}: {error}") from error
        try:
            self._open()
        except StateError:
            self.close()
            raise
        except sqlite3.Error as error:
            self.close()
            raise StateError(f"cannot open the platform's state {path}: {error}") from error

    def _open(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        # Two platforms on one file would each hand out the same job. The lock ends with us.
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        (found,) = self._db.execute("PRAGMA user_version").fetchone()
        if found not in {0, FORMAT}:
            raise StateError(f"cannot use {self.path}: its format is {found}, not {FORMAT}")
        self._db.execute("BEGIN EXCLUSIVE")
        for statement in _TABLES.strip().splitlines():
            self._db.execute(statement)
        self._db.execute(f"PRAGMA user_version={FORMAT}")
        self._db.execute("COMMIT")

    def load(self, settings: PlatformSettings) -> Book:
        """Return the state as it was kept last.

        Raises:
            StateError: A record cannot be read.
        """
        try:
            jobs = self._records("job", Job)
            counts = self._records("counts", Counts)
            workers = self._records("worker", Worker)
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            raise StateError(f"cannot read the platform's state {self.path}: {error}") from error
        return Book(settings, jobs, workers, counts[0] if counts else None)

    def _records(self, table: str, kind: type[T]) -> list[T]:
        rows = self._db.execute(f"SELECT record FROM {table}")  # noqa: S608 - our own names
        return [msgspec.json.decode(record, type=kind) for (record,) in rows]

    def save(self, book: Book, new_input: tuple[str, bytes] | None = None) -> None:
        """Keep what changed in the book, and the input of a job that is new, in one step."""
        jobs, workers = book.changed()
        if not (jobs or workers):
            return
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            if new_input is not None:
                self._db.execute("INSERT INTO input VALUES (?, ?)", new_input)
            self._put_jobs(jobs)
            self._put("worker", "pod", workers)
            record = msgspec.json.encode(book.counts)
            self._db.execute("INSERT OR REPLACE INTO counts VALUES (1, ?)", (record,))
        book.saved()

    def _put_jobs(self, jobs: dict[str, Job | None]) -> None:
        self._put("job", "id", jobs)
        for job_id, job in jobs.items():
            if job is None or job.gone:
                self._db.execute("DELETE FROM input WHERE id = ?", (job_id,))

    def _put(
        self, table: str, key: str, records: dict[str, Job | None] | dict[str, Worker | None]
    ) -> None:
        for name, record in records.items():
            if record is None:
                self._db.execute(f"DELETE FROM {table} WHERE {key} = ?", (name,))  # noqa: S608 - our own names
            else:
                row = (name, msgspec.json.encode(record))
                self._db.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", row)  # noqa: S608 - our own names

    def input_of(self, job_id: str) -> bytes | None:
        """Return a job's input as JSON text; None once the job is gone."""
        row = self._db.execute("SELECT data FROM input WHERE id = ?", (job_id,)).fetchone()
        return None if row is None else bytes(row[0])

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
