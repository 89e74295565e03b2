"""What is known of one WebUI: how it computes, which checkpoints it has, what its card holds?

Covers: asking for it once, or again when it is too old; preferring podkeeper's extension, which
counts the peak of each job, to A1111's own answer. Blocking: called in threads.
Leaves out: what the answers mean (`card`, `traits`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from handler import card, traits
from handler.validation import catalog
from handler.validation.request import API

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from handler.card import Reading
    from handler.traits import Traits
    from handler.webui import WebUI

#: Who can be asked for the card, the better one first.
_SOURCES: tuple[tuple[str, Callable[[object], Reading | None]], ...] = (
    ("/podkeeper/memory", card.of_extension),
    (API + "memory", card.of_memory),
)


class Known:
    """One WebUI as it was last seen, until it is restarted."""

    def __init__(self, webui: WebUI, clock: Callable[[], float] = time.monotonic) -> None:
        self._webui = webui
        self._clock = clock
        self._traits: Traits | None = None
        self._reading: Reading | None = None
        self._read_at_s = 0.0
        #: Whether a job has been sent since its card was looked at.
        self.used = False
        #: Who answers for the card; empty where nobody does, None before anybody was asked.
        self._sources: tuple[tuple[str, Callable[[object], Reading | None]], ...] | None = None

    def traits(self) -> Traits:
        """Return how it computes."""
        if self._traits is None:
            flags = self._webui.small("GET", API + "cmd-flags")
            self._traits = traits.traits(flags, self._webui.small("GET", API + "options"))
        return self._traits

    def checkpoints(self) -> list[Mapping[str, Any]]:
        """Return its list of checkpoints.

        Raises:
            WebUILostError: It is gone.
        """
        lists = self._webui.lists((catalog.MODELS,), fresh=False)
        return list(lists.get(catalog.MODELS, []))

    def reading(self, most_age_s: float = 0.0) -> Reading | None:
        """Return what its card holds, asked for again where that is older; None: it has none."""
        if self._reading is None or self._clock() - self._read_at_s >= most_age_s:
            self._reading = self._ask()
            self._read_at_s, self.used = self._clock(), False
        return self._reading

    def outdate(self) -> None:
        """Ask for the card again, whatever its age: something has happened there."""
        self._reading = None

    def _ask(self) -> Reading | None:
        found, answering = None, []
        for source in _SOURCES if self._sources is None else self._sources:
            path, read = source
            answer = self._webui.small("GET", path)
            # One that answers without a card may know of it later: before its first job, say.
            answering += [source] if answer is not None else []
            found = read(answer)
            if found is not None:
                break
        if self._sources is None:
            self._sources = tuple(answering)
        return found
