"""Can a program do its work, by its own answer?

Covers: one HTTP question at a time to one program, in a thread of its own, with a deadline.
Leaves out: what is done when the answer is no (the keeper).
A1111 serves at most forty requests at once, and its UI dies when it is asked in the wrong moment
of its start: hence one question in flight, and a pause between two.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

_READY = 200
#: Nobody's answer may make the watchdog grow.
_MOST_BYTES = 1 << 16
Identity = tuple[int, int]


class Readiness(NamedTuple):
    """The newest answer of one program."""

    #: None where it has not been asked yet.
    ready: bool | None
    detail: str | None


NOT_ASKED = Readiness(None, None)
NOT_RUNNING = Readiness(ready=False, detail="not running")


def in_words(error: Exception, timeout_s: float) -> str:
    """Return why a question was not answered."""
    if isinstance(error, TimeoutError):
        return f"no answer in {timeout_s:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionError):
        return "connection closed without an answer"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"no HTTP answer ({type(error).__name__})"


class Question:
    """One HTTP GET that can be given up from another thread."""

    def __init__(self, url: str, timeout_s: float) -> None:
        parts = urlsplit(url)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._timeout_s = timeout_s
        self._connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=timeout_s
        )
        self.given_up = False

    def ask(self) -> Readiness:
        """Return the answer. Same as `curl -sS -m TIMEOUT -o /dev/null -w '%{http_code}' URL`."""
        try:
            self._connection.request("GET", self._target, headers={"Connection": "close"})
            response = self._connection.getresponse()
            response.read(_MOST_BYTES)
        except (OSError, http.client.HTTPException) as error:
            cause = TimeoutError() if self.given_up else error
            return Readiness(ready=False, detail=in_words(cause, self._timeout_s))
        finally:
            self._connection.close()
        detail = f"{response.status} {response.reason}".strip()
        return Readiness(ready=response.status == _READY, detail=detail)

    def give_up(self) -> None:
        """End the wait of `ask`: a server that sends a byte now and then never times out."""
        self.given_up = True
        handle: socket.socket | None = self._connection.sock
        if handle is not None:
            try:
                handle.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it ended in this moment by itself


class ReadinessProbe:
    """Asks one program again and again, and knows of which of its lives the answer is."""

    def __init__(
        self,
        url: str,
        *,
        period_s: float,
        ready_period_s: float,
        timeout_s: float,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._url = url
        self._period_s = period_s
        self._ready_period_s = max(period_s, ready_period_s)
        self._timeout_s = timeout_s
        self._on_change = on_change
        self._changed = threading.Condition()
        self._identity: Identity | None = None
        self._answer = NOT_ASKED
        self._question: Question | None = None
        self._asked: Identity | None = None
        self._asked_s = 0.0
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=f"readiness {url}", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more, and end the question in flight."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
            question = self._question
        if question is not None:
            question.give_up()

    def look(self, identity: Identity | None) -> Readiness:
        """Return the newest answer of the life named, and ask that life from now on.

        Without a process (None) nobody is asked. A new life starts as not asked.
        """
        with self._changed:
            if identity != self._identity:
                self._identity, self._answer = identity, NOT_ASKED
                self._changed.notify()
            answer, asked_s = self._answer, self._asked_s
            question = self._question if identity == self._asked else None
        if identity is None:
            return NOT_RUNNING
        if question is not None and time.monotonic() - asked_s > self._timeout_s:
            question.give_up()
            return Readiness(ready=False, detail=in_words(TimeoutError(), self._timeout_s))
        return answer

    def _next(self) -> tuple[Question, Identity] | None:
        """Wait until there is somebody to ask and the pause is over; None at the end."""
        with self._changed:
            while not self._stopped:
                pause_s = self._ready_period_s if self._answer.ready else self._period_s
                wait_s = self._asked_s + pause_s - time.monotonic()
                if self._identity is not None and wait_s <= 0:
                    self._asked_s = time.monotonic()
                    self._asked = self._identity
                    self._question = Question(self._url, self._timeout_s)
                    return self._question, self._identity
                self._changed.wait(None if self._identity is None else wait_s)
            return None

    def _run(self) -> None:
        while (following := self._next()) is not None:
            question, identity = following
            answer = question.ask()
            with self._changed:
                self._question = None
                fresh = identity == self._identity
                told = fresh and answer.ready != self._answer.ready
                if fresh:
                    self._answer = answer
            if told:
                self._on_change()
