"""Which jobs does the handler have in hand?

Covers: the value the handler leaves in the runtime folder at every change, for the keeper (is it
idle? does a job stand still?) and for people.
Leaves out: what is in a job. No prompt, no image and no key ever stands here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path


class JobInHand(msgspec.Struct, frozen=True, kw_only=True):
    """One job between its grant and the delivery of its result."""

    id: str
    #: CLOCK_MONOTONIC at its grant.
    granted_monotonic_s: float
    #: waiting, loading, sampling, decoding, delivering.
    phase: str
    #: From 0 to 1; None where nothing is known.
    progress_ratio: float | None
    #: Name of the WebUI program that works on it; None while it waits for one.
    webui: str | None
    #: CLOCK_MONOTONIC of the last change of phase or progress.
    moved_monotonic_s: float


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """All the handler has in hand."""

    run_id: str
    handler_pid: int
    #: CLOCK_MONOTONIC when this was written.
    written_monotonic_s: float
    jobs: list[JobInHand]
    #: Why a kill of the handler would cost a job now; empty where it would not.
    fault: str = ""
    #: CLOCK_MONOTONIC at which each WebUI last had a job of this handler, by program.
    last_at_s: dict[str, float] = {}


def dump(work: Work) -> bytes:
    """Return the work as JSON."""
    return msgspec.json.encode(work)


def read(path: Path) -> Work | None:
    """Return the work in a file, or None where there is no file or no work in it.

    Raises:
        OSError: The file is there and cannot be read.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Work)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
