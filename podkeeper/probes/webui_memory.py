"""What does a WebUI tell of its memory?

Covers: one question to podkeeper's extension or, where there is none, to A1111's own route; and
asking again and again in a thread, never before the WebUI is ready, seldom, and at jobs' ends.
Leaves out: reading the answer (`model.webui_answers`), what follows from it.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import msgspec

from podkeeper.loopback import Reply, ask, base_of
from podkeeper.model.webui_answers import of_extension, of_own
from podkeeper.model.webui_memory import WebUIMemory

if TYPE_CHECKING:
    from collections.abc import Callable

_OK, _NOT_FOUND = 200, 404
#: Nobody's answer may make the watchdog grow.
_MOST_BYTES = 1 << 16
Identity = tuple[int, int]


def _read(reply: Reply, read: Callable[[bytes, float], WebUIMemory], taken_s: float) -> WebUIMemory:
    if reply.status == _OK:
        try:
            return read(reply.body, taken_s)
        except msgspec.MsgspecError as error:
            return WebUIMemory(
                taken_monotonic_s=taken_s, error=f"no reading in the answer: {error}"
            )
    return WebUIMemory(taken_monotonic_s=taken_s, error=reply.detail)


def webui_memory(base: str, timeout_s: float) -> WebUIMemory:
    """Return what the WebUI at this address tells, each question within `timeout_s`.

    Same as `curl BASE/podkeeper/memory`, or `curl BASE/sdapi/v1/memory` without the extension.
    """
    taken_s = time.monotonic()
    extended = ask(f"{base}/podkeeper/memory", timeout_s, most_bytes=_MOST_BYTES)
    if extended.status != _NOT_FOUND:
        return _read(extended, of_extension, taken_s)
    own = ask(f"{base}/sdapi/v1/memory", timeout_s, most_bytes=_MOST_BYTES)
    return _read(own, of_own, taken_s)


class WebUIMemoryProbe:
    """Asks one WebUI again and again, and knows of which of its lives the answer is."""

    def __init__(self, url: str, *, period_s: float, timeout_s: float, after_job_s: float) -> None:
        self._base = base_of(url)
        self._period_s = period_s
        self._timeout_s = timeout_s
        self._after_job_s = after_job_s
        self._changed = threading.Condition()
        self._identity: Identity | None = None
        self._newest: WebUIMemory | None = None
        #: When it is to be asked. Empty: not at all, it is not ready.
        self._due_s: list[float] = []
        #: Soonest instant of the next question after it was not ready.
        self._earliest_s = 0.0
        self._busy = False
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=f"memory {url}", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; a question in flight ends by its deadline."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def look(self, identity: Identity | None, *, ready: bool, busy: bool) -> WebUIMemory | None:
        """Return the newest reading of the life named, None before the first, and ask from now on.

        Args:
            identity: The life; None asks nobody.
            ready: Whether it can take a job. A1111 with its UI dies if it is asked sooner.
            busy: Whether it has a job in hand. At its end it is asked at once, and again when what
                the job left behind can be read.
        """
        with self._changed:
            if identity != self._identity:
                self._identity, self._newest = identity, None
                self._due_s, self._earliest_s = [], 0.0
            self._plan(time.monotonic(), ready=ready and identity is not None, busy=busy)
            return self._newest

    def _plan(self, now_s: float, *, ready: bool, busy: bool) -> None:
        ended, self._busy = self._busy and not busy, busy
        before = list(self._due_s)
        if not ready:
            self._due_s = []
        elif not before:
            self._due_s = [max(now_s, self._earliest_s)]
        elif ended:
            self._due_s = [now_s, now_s + self._after_job_s]
        if self._due_s != before:
            self._changed.notify()

    def _next(self) -> Identity | None:
        """Wait until the WebUI is to be asked, and return which life; None at the end."""
        with self._changed:
            while not self._stopped:
                now_s, due_s = time.monotonic(), min(self._due_s, default=None)
                if due_s is not None and due_s <= now_s and self._identity is not None:
                    later = [each for each in self._due_s if each > now_s]
                    self._due_s = later or [now_s + self._period_s]
                    self._earliest_s = now_s + self._after_job_s
                    return self._identity
                self._changed.wait(None if due_s is None else due_s - now_s)
            return None

    def _run(self) -> None:
        while (identity := self._next()) is not None:
            newest = webui_memory(self._base, self._timeout_s)
            with self._changed:
                if identity == self._identity:
                    self._newest = newest
