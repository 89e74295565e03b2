"""What is worth telling a person, and what was the life of a program?"""

from __future__ import annotations

from typing import Any

import msgspec


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One deed and what came of it."""

    at_s: float
    deed: str
    outcome: str


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Something that went wrong with one program, its cause and what was done."""

    id: int
    run_id: str
    program: str
    #: A word of `policy.cause.Cause`.
    cause: str
    #: What happened, for people.
    sentence: str
    opened_at_s: float
    #: None while it is open.
    closed_at_s: float | None
    #: Time from the death or the deed to a program that runs again and is ready; None while open.
    recovery_s: float | None
    #: The process it was about; 0 where there was none.
    pid: int
    #: The readings around it, by name; what could not be read is None.
    evidence: dict[str, Any]
    actions: list[Action]


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """One life of one program, written down at its end."""

    run_id: str
    program: str
    pid: int
    started_at_s: float | None
    ended_at_s: float
    exit_code: int | None
    signal: int | None
    peak_rss_bytes: int | None
    cause: str
