"""What does the journal say of jobs?

Covers: reading it, for commands that only look.
Leaves out: writing, and making the file (`recorders.journal`).
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import msgspec

from podkeeper.errors import JournalError
from podkeeper.model.journal import Entry

if TYPE_CHECKING:
    from pathlib import Path


class JournalReader:
    """A journal that is only looked at."""

    def __init__(self, path: Path) -> None:
        """Open a journal that exists, without ever changing it.

        Raises:
            JournalError: There is none, or it cannot be read.
        """
        self.path = path
        try:
            self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        except sqlite3.Error as error:
            raise JournalError(f"cannot read the journal {path}: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise JournalError(f"cannot use the journal {self.path}: {error}") from error

    def entries(self) -> list[Entry]:
        """Return all jobs, the one that changed last first."""
        if not self._execute("PRAGMA user_version").fetchone()[0]:
            return []  # it has been made this moment
        rows = self._execute("SELECT record FROM entry ORDER BY changed_s DESC, id")
        try:
            return [msgspec.json.decode(record, type=Entry) for (record,) in rows]
        except (msgspec.MsgspecError, sqlite3.Error) as error:
            raise JournalError(f"cannot read the journal {self.path}: {error}") from error

    def job(self, name: str) -> bytes | None:
        """Return a job as it was granted, as JSON; None once it has ended."""
        row = self._execute("SELECT data FROM job WHERE id = ?", name).fetchone()
        return None if row is None else bytes(row[0])

    def job_names(self) -> set[str]:
        """Return the jobs whose input is there."""
        return {name for (name,) in self._execute("SELECT id FROM job")}
