"""What do `podkeeper.incidents`, `explain`, `resources` and `budget` answer?

Read from the ledger and the snapshot when somebody asks, as plain values that JSON can hold. This
runs inside supervisord: nothing waits for a lock, and what only questions need is imported when
the first one comes.
Leaves out: how it looks to a person (`podkeeper.console`).
"""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_ROWS = 1000
_JSON_COLUMNS = ("evidence", "actions")


class AnswerError(Exception):
    """A question cannot be answered; the message says why."""


def _plain(row: Any) -> dict[str, Any]:
    """Return a row with its JSON columns as values."""
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a row iterates over values
    return {
        name: json.loads(value) if name in _JSON_COLUMNS else value
        for name, value in values.items()
    }


class Answers:
    """Answers about the worker of one plan."""

    def __init__(self, plan_path: str) -> None:
        self._plan_path = Path(plan_path)

    def _plan(self) -> dict[str, Any]:
        """Return the plan as it stands now: a reload replaces it."""
        try:
            plan: dict[str, Any] = json.loads(self._plan_path.read_bytes())
        except (OSError, ValueError) as error:
            raise AnswerError(f"cannot read the plan: {error}") from error
        return plan

    def _rows(self, statement: str, *values: object) -> list[Any]:
        import sqlite3  # noqa: PLC0415 - a megabyte that a supervisord nobody asks does without

        path = Path(self._plan()["state_dir"]) / "ledger.sqlite3"
        try:
            address = f"file:{path}?mode=ro"
            with closing(sqlite3.connect(address, uri=True, timeout=0)) as connection:
                connection.row_factory = sqlite3.Row
                return connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise AnswerError(f"cannot read the ledger {path}: {error}") from error

    def incidents(self, limit: int) -> list[dict[str, Any]]:
        """Return this start's incidents, newest first."""
        rows = self._rows(
            "SELECT * FROM incident WHERE run_id = ? ORDER BY id DESC LIMIT ?",
            self._plan()["run_id"],
            min(max(limit, 0), _MOST_ROWS),
        )
        return [_plain(row) for row in rows]

    def incident(self, number: int) -> dict[str, Any] | None:
        """Return one incident of any start, or None."""
        rows = self._rows("SELECT * FROM incident WHERE id = ?", number)
        return _plain(rows[0]) if rows else None

    def resources(self) -> dict[str, Any]:
        """Return the watchdog's newest snapshot, with the limits of the plan."""
        plan = self._plan()
        try:
            text = (Path(plan["runtime_dir"]) / "snapshot.json").read_bytes()
            snapshot: dict[str, Any] = json.loads(text)
        except (OSError, ValueError) as error:
            raise AnswerError(f"cannot read the snapshot: {error}") from error
        limits = {
            each["name"]: {
                "memory_soft_bytes": each["memory_soft_bytes"],
                "memory_hard_bytes": each["memory_hard_bytes"],
            }
            for each in plan["programs"]
        }
        return {"snapshot": snapshot, "limits": limits}

    def budget(self) -> dict[str, Any]:
        """Return the restart budget of each program, and the memory there is to plan with."""
        plan = self._plan()
        return {
            "memory_capacity_bytes": plan["memory_capacity_bytes"],
            "memory_budget_bytes": plan["memory_budget_bytes"],
            "programs": list(self._budgets(plan)),
        }

    def _budgets(self, plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
        import dataclasses  # noqa: PLC0415 - as sqlite3 above

        from podkeeper.policy import budget, restarts  # noqa: PLC0415 - the same

        names = {each.name for each in dataclasses.fields(restarts.RestartPolicy)}
        settings = plan["settings"]["restart"]
        policy = restarts.RestartPolicy(**{name: settings[name] for name in names})
        rows = self._rows(
            "SELECT key, value FROM memory WHERE run_id = ? AND key LIKE 'record.%'", plan["run_id"]
        )
        records = {row["key"].partition(".")[2]: json.loads(row["value"]) for row in rows}
        for program in plan["programs"]:
            record = records.get(program["name"], {})
            history = record.get("history", {})
            known = budget.Remembered(
                restarts.History(
                    tuple(history.get("restarted_at_s", ())), history.get("in_a_row", 0)
                ),
                record.get("restart_at_s"),
                gave_up=record.get("gave_up", False),
            )
            found = budget.budget(program["name"], policy, known, time.monotonic())
            yield dataclasses.asdict(found)
