"""Which incidents are open, and how does each get into the ledger and the log?

Covers: opening, adding what was done, closing. A ledger that cannot be written costs records,
never supervision: the error is logged and the incident goes on in memory.
Leaves out: what an incident is opened for (`podkeeper.loops.keeper`).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from podkeeper.errors import LedgerError
from podkeeper.model.incident import Action, Episode, Incident

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.policy.cause import Explanation
    from podkeeper.recorders.ledger import Ledger

_log = logging.getLogger("keeper")


class IncidentBook:
    """The open incidents of one worker."""

    def __init__(self, ledger: Ledger, run_id: str, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._run_id = run_id
        self._clock = clock
        self._unwritten = 0
        self._open: list[Incident] = []
        self._write(self._load)

    def _load(self) -> None:
        self._open = [
            each for each in self._ledger.incidents(only_open=True) if each.run_id == self._run_id
        ]

    def _write(self, write: Callable[[], Any]) -> Any:
        try:
            return write()
        except LedgerError as error:
            _log.error("%s", error)
            return None

    @property
    def opened(self) -> tuple[Incident, ...]:
        """Return all open incidents, oldest first."""
        return tuple(self._open)

    def of(self, program: str) -> list[Incident]:
        """Return the open incidents of a program, oldest first."""
        return [each for each in self._open if each.program == program]

    def open(
        self,
        program: str,
        why: Explanation,
        *,
        pid: int,
        evidence: dict[str, Any],
        at_s: float | None = None,
    ) -> Incident:
        """Open an incident, as of an instant of the wall clock or now, and say so in the log."""
        incident = Incident(
            id=0,
            run_id=self._run_id,
            program=program,
            cause=why.cause,
            sentence=why.sentence,
            opened_at_s=self._clock() if at_s is None else at_s,
            closed_at_s=None,
            recovery_s=None,
            pid=pid,
            evidence=evidence,
            actions=[],
        )
        number = self._write(lambda: self._ledger.open_incident(incident))
        if number is None:
            # Below zero: no row of the ledger has such an id, so nothing else is overwritten.
            self._unwritten -= 1
            number = self._unwritten
        incident = msgspec.structs.replace(incident, id=number)
        self._open.append(incident)
        said = (number, program, pid, why.sentence, why.cause)
        _log.warning("Incident %d: %s (pid %d) %s [%s]", *said)
        return incident

    def act(self, incident: Incident, deed: str, outcome: str) -> None:
        """Add what was done about an incident."""
        action = Action(at_s=self._clock(), deed=deed, outcome=outcome)
        known = next((each for each in self._open if each.id == incident.id), incident)
        self._replace(known, actions=[*known.actions, action])
        _log.info("Incident %d: %s %s: %s", incident.id, deed, incident.program, outcome)

    def act_on_newest(self, program: str, deed: str, outcome: str) -> None:
        """Add what was done for a program to its newest open incident, if it has one.

        In a crash loop each death has an incident of its own, and all stay open until the program
        is back; a deed belongs to the death that it answers.
        """
        for incident in self.of(program)[-1:]:
            self.act(incident, deed, outcome)

    def close(self, incident: Incident) -> None:
        """Close an incident: the program is back."""
        now_s = self._clock()
        recovery_s = max(0.0, now_s - incident.opened_at_s)
        incident = next((each for each in self._open if each.id == incident.id), incident)
        self._replace(incident, closed_at_s=now_s, recovery_s=recovery_s)
        self._open = [each for each in self._open if each.id != incident.id]
        _log.info("Incident %d: %s is back after %.2f s", incident.id, incident.program, recovery_s)

    def _replace(self, incident: Incident, **changes: Any) -> None:
        changed = msgspec.structs.replace(incident, **changes)
        self._open = [changed if each.id == incident.id else each for each in self._open]
        if changed.id > 0:
            self._write(lambda: self._ledger.update_incident(changed))

    def end_episode(self, episode: Episode) -> None:
        """Write down the end of one life of a program."""
        self._write(lambda: self._ledger.add_episode(episode))

    def remember(self, key: str, value: object) -> None:
        """Keep a value of the keeper's own for its next life in this start."""
        self._write(lambda: self._ledger.remember(self._run_id, key, value))

    def recall(self, key: str, kind: Any) -> Any:
        """Return what was kept, or None."""
        return self._write(lambda: self._ledger.recall(self._run_id, key, kind))

    def keep_within_bound(self) -> None:
        """Drop the oldest rows where the ledger is over its size."""
        dropped = self._write(lambda: self._ledger.keep_within_bound(self._run_id))
        if dropped:
            _log.info("Dropped the %d oldest rows of the ledger", dropped)
