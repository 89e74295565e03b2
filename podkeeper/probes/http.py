"""What does a program of ours answer to one HTTP question?

Covers: one GET with a deadline for the whole, and why there was no answer, in words. Speaks HTTP
itself: the standard library's client has no deadline for the whole answer.
"""

from __future__ import annotations

import re
import socket
import time
from typing import NamedTuple
from urllib.parse import urlsplit

_HTTP_PORT = 80
_STATUS = re.compile(rb"HTTP/\d\.\d (\d{3})([^\r\n]*)")
#: Nobody's answer may make the watchdog grow.
_MOST_BYTES = 1 << 16


class Answer(NamedTuple):
    """The head of an answer."""

    #: None where there was no HTTP answer.
    status: int | None
    #: What was seen, in words.
    detail: str


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


def _read(head: bytes) -> Answer:
    """Return what the head of an answer says."""
    if not head:
        return Answer(None, "connection closed without an answer")
    match = _STATUS.match(head)
    if match is None:
        return Answer(None, "no HTTP answer")
    detail = f"{match[1].decode()} {match[2].decode('latin-1').strip()}".strip()
    return Answer(int(match[1]), detail)


def get(url: str, timeout_s: float) -> Answer:
    """Return the answer to one question, whole within `timeout_s`.

    Same as `curl -sS -m TIMEOUT -o /dev/null -w '%{http_code}' URL`.
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    deadline_s = time.monotonic() + timeout_s
    try:
        place = (parts.hostname or "", parts.port or _HTTP_PORT)
        with socket.create_connection(place, timeout_s) as connection:
            connection.sendall(request.encode())
            return _read(_head(connection, deadline_s))
    except OSError as error:
        return Answer(None, in_words(error, timeout_s))
