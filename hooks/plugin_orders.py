"""How do operators' orders reach the keeper?

They wait here, in supervisord's own memory, each with a rising number, until the keeper reads
them. An event tells it to look at once; should that be lost, it finds them at its next look.
Leaves out: what an order means (`podkeeper.policy.orders`).
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from supervisor import events

# More than any operator gives between two looks of a keeper, even one that has to restart first.
_KEPT = 128
#: As the keeper knows them (`podkeeper.policy.orders.Name`).
NAMES = frozenset({"drain", "resume", "restart", "restart_when_idle", "reload", "reload_now"})
#: Type of the REMOTE_COMMUNICATION event that wakes the keeper.
EVENT_TYPE = "podkeeper.order"


class Orders:
    """The orders of this supervisord's life."""

    def __init__(self) -> None:
        self._given: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        # Goes on rising when SIGHUP makes a new list, so that a reader's place stays valid.
        self._next = time.time_ns()

    def give(self, name: str, argument: str) -> int:
        """Keep an order for the keeper, wake it up, and return the order's number."""
        number, self._next = self._next, self._next + 1
        given = {"number": number, "name": name, "argument": argument, "at_s": time.time()}
        self._given.append(given)
        events.notify(events.RemoteCommunicationEvent(EVENT_TYPE, name))
        return number

    def after(self, number: int) -> list[dict[str, Any]]:
        """Return the orders with a higher number, oldest first."""
        return [each for each in self._given if each["number"] > number]
