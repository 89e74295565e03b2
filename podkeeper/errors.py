"""Which errors podkeeper raises on purpose, and how they end a command.

Covers: the base class, bad settings and a supervisord that cannot be reached.
Leaves out: errors of jobs (`handler.errors`), which end as a FAILED job and never as an exception.
"""

from __future__ import annotations

from dataclasses import dataclass


class PodkeeperError(Exception):
    """podkeeper cannot do what it was asked to."""

    #: What a command exits with when this error reaches its top.
    exit_code = 1

    def __str__(self) -> str:
        """Return the message, or the class's own sentence where none was given."""
        return super().__str__() or (type(self).__doc__ or "").strip()


@dataclass(frozen=True)
class Complaint:
    """One thing that is wrong with one setting."""

    path: str
    value: object
    origin: str
    allowed: str
    suggestion: str | None = None

    def __str__(self) -> str:
        """Return it on one line, as a person reads it in a log."""
        hint = f" (did you mean {self.suggestion}?)" if self.suggestion else ""
        return f"{self.path} = {self.value!r} (from {self.origin}): {self.allowed}{hint}"


class SettingsError(PodkeeperError):
    """The settings are not usable."""

    exit_code = 2

    def __init__(self, complaints: list[Complaint]) -> None:
        self.complaints = complaints
        super().__init__("cannot use settings: " + "; ".join(str(each) for each in complaints))


class RenderError(PodkeeperError):
    """A value cannot be written into a configuration file unchanged."""

    exit_code = 2


class SupervisordError(PodkeeperError):
    """supervisord cannot be reached or refused the request."""


class ShuttingDownError(SupervisordError):
    """supervisord is stopping everything and answers no more questions."""


class PlanError(PodkeeperError):
    """The plan of this start cannot be read."""

    exit_code = 2


class LedgerError(PodkeeperError):
    """The ledger cannot be read or written."""


class JournalError(PodkeeperError):
    """The journal of jobs cannot be read or written."""


class StartError(PodkeeperError):
    """The worker cannot be started here."""

    exit_code = 2
