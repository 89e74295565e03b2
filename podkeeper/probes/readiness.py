"""Can a program do its work, by its own answer?

Covers: one HTTP question at a time to one program, in a thread of its own, with a deadline.
Leaves out: what is done when the answer is no (the keeper).
A1111 serves at most forty requests at once, and its UI dies when it is asked in the wrong moment
of its start: hence one question in flight, and a pause between two.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

_READY = 200
_HTTP_PORT = 80
_STATUS = re.compile(rb"HTTP/\d\.\d (\d{3})([^\r\n]*)")
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


def in_words(error: OSError, timeout_s: float) -> str:
    """Return why a question was not answered."""
    if isinstance(error, TimeoutError):
        return f"no answer in {timeout_s:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionError):
        return "connection closed without an answer"
    return error.strerror or str(error)


def _head(connection: socket.socket, deadline_s: float) -> bytes:
    """Return what comes up to the end of the head, the other side's end or the bound.

    Raises:
        OSError: It did not come before the deadline, however many bytes came now and then.
    """
    received = b""
    while b"\r\n\r\n" not in received and len(received) < _MOST_BYTES:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        connection.settimeout(left_s)
        chunk = connection.recv(_MOST_BYTES)
        if not chunk:
            break
        received += chunk
    return received


def _judge(head: bytes) -> Readiness:
    """Return what the head of an answer says."""
    if not head:
        return Readiness(ready=False, detail="connection closed without an answer")
    match = _STATUS.match(head)
    if match is None:
        return Readiness(ready=False, detail="no HTTP answer")
    detail = f"{match[1].decode()} {match[2].decode('latin-1').strip()}".strip()
    return Readiness(ready=int(match[1]) == _READY, detail=detail)


def ask(url: str, timeout_s: float) -> Readiness:
    """Return the answer to one question, whole within `timeout_s`.

    Same as `curl -sS -m TIMEOUT -o /dev/null -w '%{http_code}' URL`. Speaks HTTP itself: the
    standard library's client has no deadline for the whole answer.
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    deadline_s = time.monotonic() + timeout_s
    try:
        place = (parts.hostname or "", parts.port or _HTTP_PORT)
        with socket.create_connection(place, timeout_s) as connection:
            connection.sendall(request.encode())
            return _judge(_head(connection, deadline_s))
    except OSError as error:
        return Readiness(ready=False, detail=in_words(error, timeout_s))


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
        self._in_flight = False
        self._asked: Identity | None = None
        self._asked_s = 0.0
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
                self._changed.notify()
            answer, asked_s = self._answer, self._asked_s
            in_flight = self._in_flight and identity == self._asked
        if identity is None:
            return NOT_RUNNING
        if in_flight and time.monotonic() - asked_s > self._timeout_s:
            return Readiness(ready=False, detail=in_words(TimeoutError(), self._timeout_s))
        return answer

    def _next(self) -> Identity | None:
        """Wait until the pause is over and return whom to ask; None at the end."""
        with self._changed:
            while not self._stopped:
                pause_s = self._ready_period_s if self._answer.ready else self._period_s
                wait_s = self._asked_s + pause_s - time.monotonic()
                if self._identity is not None and wait_s <= 0:
                    self._asked_s = time.monotonic()
                    self._in_flight, self._asked = True, self._identity
                    return self._identity
                self._changed.wait(None if self._identity is None else wait_s)
            return None

    def _run(self) -> None:
        while (identity := self._next()) is not None:
            answer = ask(self._url, self._timeout_s)
            with self._changed:
                self._in_flight = False
                fresh = identity == self._identity
                told = fresh and answer.ready != self._answer.ready
                if fresh:
                    self._answer = answer
            if told:
                self._on_change()
