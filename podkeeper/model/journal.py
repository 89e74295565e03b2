"""What does the journal know of one job?

Covers: the value that is kept of each job from its grant until long after its end.
Leaves out: how one value follows another (`podkeeper.policy.journal`), the job's input and its
result, which are kept apart.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from podkeeper.model.moment import Moment


class State(StrEnum):
    """Where a job is on its way."""

    #: Granted; nobody works on it.
    ACCEPTED = "accepted"
    RUNNING = "running"
    #: Its result waits for delivery.
    FINISHED = "finished"
    #: Given up because another worker is taken to have it by now.
    RELEASED = "released"
    #: The platform has taken the result.
    DELIVERED = "delivered"
    #: Too old to be of use to anybody.
    EXPIRED = "expired"
    #: The platform does not want it any more.
    UNWANTED = "unwanted"


#: States in which the job is this worker's to bring to an end.
OPEN = frozenset({State.ACCEPTED, State.RUNNING, State.FINISHED})


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One job. No prompt, no image and no key ever stands here."""

    id: str
    #: The worker's name on the platform when the job was granted.
    pod: str
    state: State
    #: All seeds that the job leaves open follow from this one, in every attempt.
    seed: int
    #: When it was granted last.
    granted: Moment
    changed: Moment
    #: When its result was there; None while there is none.
    finished: Moment | None = None
    #: How often the platform has granted it to this worker.
    grants: int = 1
    #: How often work on it was begun.
    attempts: int = 0
    #: WebUIs that died under it, and handlers that were killed with it.
    webui_deaths: int = 0
    handler_deaths: int = 0
    #: What an attempt was doing last, and at which WebUI.
    phase: str = ""
    webui: str | None = None
    #: With which code it failed; None where it did not.
    code: str | None = None
    result_bytes: int | None = None
    #: Tries to deliver the result, and what came of the last one.
    tries: int = 0
    note: str = ""

    @property
    def open(self) -> bool:
        """Return whether it is this worker's to bring to an end."""
        return self.state in OPEN
