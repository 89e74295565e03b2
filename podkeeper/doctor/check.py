"""What does one check say?"""

from __future__ import annotations

import msgspec

from podkeeper.console.report import Level


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    name: str
    #: ok, warning or failed.
    level: str
    #: What was seen, in words.
    seen: str
    #: Why it matters.
    why: str
    #: How it is mended; empty where nothing is to be done.
    mend: str = ""


def good(name: str, seen: str, why: str) -> Check:
    """Return a check that found nothing to mend."""
    return Check(name=name, level="ok", seen=seen, why=why)


def fact(name: str, seen: str, why: str, mend: str) -> Check:
    """Return a check that found what is not wrong here and could be better elsewhere."""
    return Check(name=name, level="ok", seen=seen, why=why, mend=mend)


def doubtful(name: str, seen: str, why: str, mend: str) -> Check:
    """Return a check that found what should be mended, or could not see enough."""
    return Check(name=name, level="warning", seen=seen, why=why, mend=mend)


def bad(name: str, seen: str, why: str, mend: str) -> Check:
    """Return a check that found what must be mended."""
    return Check(name=name, level="failed", seen=seen, why=why, mend=mend)


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """All checks of one look."""

    checks: list[Check]

    @property
    def level(self) -> Level:
        """Return the worst level found; it is the exit code."""
        return max((Level[each.level.upper()] for each in self.checks), default=Level.OK)
