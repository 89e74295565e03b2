"""Can a program do its work, and does it live, by its own answers?

Covers: one question at a time to one program, in a thread of its own, with a deadline.
Leaves out: the questions (`probes.http`, `probes.liveness`), what is done when the answer is no
(the keeper).
A1111 serves at most forty requests at once, and its UI dies when it is asked in the wrong moment
of its start: hence one question in flight, and a pause between two.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from podkeeper.loopback import in_words
from podkeeper.probes import liveness as living
from podkeeper.probes.http import Answer, get
from podkeeper.probes.liveness import NO_STREAK, Streak

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.settings.plan import Liveness

_READY = 200
Identity = tuple[int, int]


class Readiness(NamedTuple):
    """The newest answer of one program."""

    #: None where it has not been asked yet.
    ready: bool | None
    detail: str | None


NOT_ASKED = Readiness(None, None)
NOT_RUNNING = Readiness(ready=False, detail="not running")


def _judge(answer: Answer) -> Readiness:
    return Readiness(ready=answer.status == _READY, detail=answer.detail)


def ask(url: str, timeout_s: float) -> Readiness:
    """Return the answer to one question, whole within `timeout_s`."""
    return _judge(get(url, timeout_s))


class ReadinessProbe:
    """Asks one program again and again, and knows of which of its lives the answer is."""

    def __init__(  # noqa: PLR0913 - one of each setting
        self,
        url: str,
        *,
        period_s: float,
        ready_period_s: float,
        timeout_s: float,
        liveness: Liveness | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._url = url
        self._period_s = period_s
        self._ready_period_s = max(period_s, ready_period_s)
        self._timeout_s = timeout_s
        self._liveness = liveness
        self._asks_itself = liveness is not None and living.asks_itself(liveness)
        self._on_change = on_change
        self._changed = threading.Condition()
        self._identity: Identity | None = None
        self._answer = NOT_ASKED
        self._in_flight = False
        self._asked: Identity | None = None
        self._asked_s = 0.0
        self._streak = NO_STREAK
        #: When it was asked whether it lives, and when it was asked anything at all.
        self._liveness_asked_s = 0.0
        self._last_s = 0.0
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=f"readiness {url}", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; a question in flight ends by its deadline."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def look(self, identity: Identity | None) -> Readiness:
        """Return the newest answer of the life named, and ask that life from now on.

        Without a process (None) nobody is asked. A new life starts as not asked.
        """
        with self._changed:
            if identity != self._identity:
                self._identity, self._answer = identity, NOT_ASKED
                self._streak = NO_STREAK
                self._changed.notify()
            answer, asked_s = self._answer, self._asked_s
            in_flight = self._in_flight and identity == self._asked
        if identity is None:
            return NOT_RUNNING
        if in_flight and time.monotonic() - asked_s > self._timeout_s:
            return Readiness(ready=False, detail=in_words(TimeoutError(), self._timeout_s))
        return answer

    def streak(self, identity: Identity | None) -> Streak:
        """Return the liveness of the life named; it is unknown for any other than the one asked."""
        with self._changed:
            return self._streak if identity == self._identity else NO_STREAK

    def _due(self) -> tuple[float, bool]:
        """Return when the next question is due, and whether it is that for liveness.

        Both kinds together keep the pause: the program cannot tell them apart.
        """
        pause_s = self._ready_period_s if self._answer.ready else self._period_s
        due = self._asked_s + pause_s, False
        if self._liveness is not None and self._asks_itself:
            due = min(due, (self._liveness_asked_s + self._liveness.period_s, True))
        return max(due[0], self._last_s + self._period_s), due[1]

    def _next(self) -> tuple[Identity, bool] | None:
        """Wait until the pause is over and return whom to ask, and what; None at the end."""
        with self._changed:
            while not self._stopped:
                due_s, for_liveness = self._due()
                now_s = time.monotonic()
                if self._identity is not None and due_s <= now_s:
                    self._last_s = now_s
                    if for_liveness:
                        self._liveness_asked_s = now_s
                    else:
                        self._asked_s = now_s
                        self._in_flight, self._asked = True, self._identity
                    return self._identity, for_liveness
                self._changed.wait(None if self._identity is None else due_s - now_s)
            return None

    def _count(self, identity: Identity, sign: living.Sign) -> None:
        if self._liveness is not None and identity == self._identity:
            now_s = time.monotonic()
            self._streak = living.counted(self._streak, sign, now_s, self._liveness.period_s)

    def _ask_readiness(self, identity: Identity) -> None:
        heard = get(self._url, self._timeout_s)
        answer = _judge(heard)
        with self._changed:
            self._in_flight = False
            fresh = identity == self._identity
            told = fresh and answer.ready != self._answer.ready
            if fresh:
                self._answer = answer
            if not self._asks_itself:
                self._count(identity, living.sign_of(heard))
        if told:
            self._on_change()

    def _run(self) -> None:
        while (due := self._next()) is not None:
            identity, for_liveness = due
            if for_liveness and self._liveness is not None:
                sign = living.ask(self._liveness)
                with self._changed:
                    self._count(identity, sign)
            else:
                self._ask_readiness(identity)
