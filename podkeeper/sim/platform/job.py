"""What is known of one job?

Covers: the value and what follows from it alone.
Leaves out: how one becomes the next (`lifecycle`), and its input, which is only stored (`store`).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Status = Literal["IN_QUEUE", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"]
TERMINAL: frozenset[str] = frozenset({"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"})

EventKind = Literal[
    "submitted",
    "granted",
    "granted_again",
    "progress",
    "late_progress",
    "stream",
    "done",
    "duplicate",
    "stop_pod",
    "cancelled",
    "timed_out",
    "requeued",
    "gave_up",
    "retried",
    "stop_sent",
    "expired",
    "forgotten",
]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened to a job."""

    kind: EventKind
    at_s: float
    pod: str | None = None
    #: The progress, the status it ended with, or the reason.
    detail: Any = None


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asked for beside the input."""

    sync: bool
    ttl_s: float
    execution_timeout_s: float
    low_priority: bool = False
    webhook: str | None = None
    #: Handed on to the worker untouched.
    s3_config: Any = None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job. Instants are of the wall clock, because they outlive the process."""

    id: str
    #: Counts up with each submission: the order of the queue.
    number: int
    terms: Terms
    status: Status
    submitted_at_s: float
    granted_at_s: float | None = None
    finished_at_s: float | None = None
    #: When the platform deleted it; what is left is its history.
    gone_at_s: float | None = None
    #: The worker that holds it, or held it last.
    pod: str | None = None
    #: Since when its worker pings without naming it; None while it is named.
    unlisted_since_s: float | None = None
    #: How often it was handed out.
    attempts: int = 0
    requeues: int = 0
    #: Results that came after the first and changed nothing.
    duplicates: int = 0
    #: The newest progress while it runs, then the result.
    output: Any = None
    error: Any = None
    stream: tuple[Any, ...] = ()
    #: How many chunks of the stream clients have fetched.
    stream_read: int = 0
    events: tuple[Event, ...] = ()

    @property
    def terminal(self) -> bool:
        """Return whether it has ended."""
        return self.status in TERMINAL

    @property
    def gone(self) -> bool:
        """Return whether clients can no longer ask for it."""
        return self.gone_at_s is not None

    @property
    def live(self) -> bool:
        """Return whether it still waits or runs."""
        return not (self.terminal or self.gone)

    @property
    def running(self) -> bool:
        """Return whether a worker holds it."""
        return self.status == "IN_PROGRESS" and not self.gone

    @property
    def queued(self) -> bool:
        """Return whether it waits for a worker."""
        return self.status == "IN_QUEUE" and not self.gone

    @property
    def queue_key(self) -> tuple[bool, int]:
        """Return its place in the queue: smaller is earlier."""
        return self.terms.low_priority, self.number


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker posted as the end of a job."""

    output: Any = None
    error: Any = None
    #: Whether the worker asks for its container to be stopped.
    stop_pod: bool = False
