"""What is known of one worker, told apart by its pod id?

Covers: the value and each step of it as a pure function.
Leaves out: what its silence means for its jobs (`book`).
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """One worker. Instants are of the wall clock, because they outlive the process."""

    pod: str
    seen_at_s: float
    #: Its last request of any kind.
    contact_at_s: float
    #: Its last heartbeat; None for one that never sent any (the SDK sends none without a key).
    ping_at_s: float | None = None
    pings: int = 0
    #: The jobs its last heartbeat named.
    named: tuple[str, ...] = ()
    #: What its last heartbeat complained of; None when it is well.
    unhealthy: str | None = None
    #: Whether it has ever asked for a job.
    polled: bool = False
    #: Whether a result of it asked for its container to be stopped. Nobody here stops containers.
    stop_pod: bool = False
    #: Jobs it has to be told to stop.
    stops: tuple[str, ...] = ()
    lost_at_s: float | None = None

    def silence_s(self, now_s: float) -> float:
        """Return for how long it has been silent, by its heartbeat where it has one."""
        return now_s - (self.contact_at_s if self.ping_at_s is None else self.ping_at_s)


def new(pod: str, now_s: float) -> Worker:
    """Return a worker that was heard for the first time."""
    return Worker(pod=pod, seen_at_s=now_s, contact_at_s=now_s)


def heard(worker: Worker, now_s: float) -> Worker:
    """Return the worker after a request of it that is no heartbeat.

    One that was lost starts anew: its heartbeat is expected from here on.
    """
    ping_at_s = now_s if worker.lost_at_s is not None and worker.pings else worker.ping_at_s
    return replace(worker, contact_at_s=now_s, ping_at_s=ping_at_s, lost_at_s=None)


def pinged(worker: Worker, now_s: float, named: tuple[str, ...], unhealthy: str | None) -> Worker:
    """Return the worker after a heartbeat."""
    return replace(
        worker,
        contact_at_s=now_s,
        ping_at_s=now_s,
        pings=worker.pings + 1,
        named=named,
        unhealthy=unhealthy,
        lost_at_s=None,
    )


def told_to_stop(worker: Worker, job_id: str) -> Worker:
    """Return the worker with one more job that it has to be told to stop."""
    return replace(worker, stops=tuple(dict.fromkeys((*worker.stops, job_id))))
