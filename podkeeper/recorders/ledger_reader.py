"""What does the ledger say?

Covers: reading incidents and episodes, for the keeper and for commands that only look.
Leaves out: writing, and making the file (`recorders.ledger`).
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import msgspec

from podkeeper.errors import LedgerError
from podkeeper.model.incident import Action, Episode, Incident

if TYPE_CHECKING:
    from pathlib import Path


class LedgerReader:
    """A ledger that is only looked at."""

    def __init__(self, path: Path) -> None:
        """Open a ledger that exists, without ever changing it.

        Raises:
            LedgerError: There is none, or it cannot be read.
        """
        self.path = path
        try:
            self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        except sqlite3.Error as error:
            raise LedgerError(f"cannot read the ledger {path}: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise LedgerError(f"cannot use the ledger {self.path}: {error}") from error

    def incidents(self, *, only_open: bool = False, limit: int = 1000) -> list[Incident]:
        """Return incidents, newest first."""
        if not self._has_tables():
            return []
        where = "WHERE closed_at_s IS NULL" if only_open else ""
        rows = self._execute(
            f"SELECT * FROM incident {where} ORDER BY id DESC LIMIT ?",  # noqa: S608 - constant
            limit,
        )
        return [_incident(row) for row in rows]

    def incident(self, number: int) -> Incident | None:
        """Return one incident, or None where there is none of that id."""
        row = self._execute("SELECT * FROM incident WHERE id = ?", number).fetchone()
        return _incident(row) if row else None

    def episodes(self, limit: int = 1000) -> list[Episode]:
        """Return the lives of programs, newest end first."""
        rows = self._execute("SELECT * FROM episode ORDER BY id DESC LIMIT ?", limit)
        names = Episode.__struct_fields__
        return [Episode(**dict(zip(names, row[1:], strict=True))) for row in rows]

    def recall(self, run_id: str, key: str, kind: Any) -> Any:
        """Return the value kept under a key in this start as the given type, or None."""
        if not self._has_tables():
            return None
        row = self._execute(
            "SELECT value FROM memory WHERE run_id = ? AND key = ?", run_id, key
        ).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=kind)

    def _has_tables(self) -> bool:
        """Return whether the file has its tables yet: it may have been made this moment."""
        return bool(self._execute("PRAGMA user_version").fetchone()[0])


def _incident(row: tuple[Any, ...]) -> Incident:
    *plain, evidence, actions = row
    names = Incident.__struct_fields__[:-2]
    return Incident(
        **dict(zip(names, plain, strict=True)),
        evidence=msgspec.json.decode(evidence),
        actions=msgspec.json.decode(actions, type=list[Action]),
    )
