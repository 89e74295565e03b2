"""How is a program of this worker asked something over HTTP?

Covers: one question with a deadline for the whole, a bound for the answer, and why there was none,
in words. Speaks HTTP itself: the standard library's client has no deadline for the whole answer.
Leaves out: which question, and what its answer means (`podkeeper.probes`, `podkeeper.actuators`).
"""

from __future__ import annotations

import re
import socket
import time
from typing import NamedTuple
from urllib.parse import urlsplit

_HTTP_PORT = 80
_STATUS = re.compile(rb"HTTP/\d\.\d (\d{3})([^\r\n]*)")
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
#: Nobody's answer may make us grow.
_MOST_HEAD_BYTES = _CHUNK_BYTES = 1 << 16


class Reply(NamedTuple):
    """An answer."""

    #: None where there was no HTTP answer.
    status: int | None
    #: What was seen, in words.
    detail: str
    #: As much of the body as was asked for.
    body: bytes = b""


def base_of(url: str) -> str:
    """Return the address of a program, without a path, by any of its URLs."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def in_words(error: OSError, timeout_s: float) -> str:
    """Return why a question was not answered."""
    if isinstance(error, TimeoutError):
        return f"no answer in {timeout_s:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionError):
        return "connection closed without an answer"
    return error.strerror or str(error)


def _more(connection: socket.socket, deadline_s: float) -> bytes:
    """Return the next bytes, none at the other side's end.

    Raises:
        OSError: They did not come before the deadline.
    """
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    connection.settimeout(left_s)
    return connection.recv(_CHUNK_BYTES)


def _received(connection: socket.socket, deadline_s: float, most_bytes: int) -> bytes:
    """Return the head, and of the body up to `most_bytes`.

    Raises:
        OSError: It did not come before the deadline, however many bytes came now and then.
    """
    received, wanted_bytes = b"", _MOST_HEAD_BYTES
    headless = True
    while len(received) < wanted_bytes and (chunk := _more(connection, deadline_s)):
        received += chunk
        if headless and (end := received.find(_HEAD_END)) >= 0:
            headless = False
            length = _LENGTH.search(received, 0, end + len(_HEAD_END))
            body_bytes = most_bytes if length is None else min(int(length[1]), most_bytes)
            wanted_bytes = end + len(_HEAD_END) + body_bytes
    return received[:wanted_bytes]


def _read(received: bytes) -> Reply:
    """Return what an answer says."""
    if not received:
        return Reply(None, "connection closed without an answer")
    match = _STATUS.match(received)
    if match is None:
        return Reply(None, "no HTTP answer")
    detail = f"{match[1].decode()} {match[2].decode('latin-1').strip()}".strip()
    return Reply(int(match[1]), detail, received.partition(_HEAD_END)[2])


def _request(url: str, body: bytes | None, kind: str = "application/json") -> bytes:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sends = "" if body is None else f"Content-Type: {kind}\r\nContent-Length: {len(body)}"
    head = [f"{'GET' if body is None else 'POST'} {target} HTTP/1.1", f"Host: {parts.netloc}"]
    lines = [*head, "Connection: close", *([sends] if sends else [])]
    return "\r\n".join(lines).encode() + _HEAD_END + (body or b"")


def ask(url: str, timeout_s: float, *, body: bytes | None = None, most_bytes: int = 0) -> Reply:
    """Return the answer to one question, whole within `timeout_s`.

    Args:
        url: An address of this machine, by http.
        timeout_s: The deadline.
        body: JSON to be posted; None asks by GET.
        most_bytes: Of the answer's body as much is read; 0 reads the head alone.
    """
    parts = urlsplit(url)
    deadline_s = time.monotonic() + timeout_s
    if timeout_s <= 0:
        return Reply(None, "no time left to ask")
    try:
        place = (parts.hostname or "", parts.port or _HTTP_PORT)
        with socket.create_connection(place, timeout_s) as connection:
            connection.sendall(_request(url, body))
            return _read(_received(connection, deadline_s, most_bytes))
    except OSError as error:
        return Reply(None, in_words(error, timeout_s))


def ask_socket(path: str, target: str, timeout_s: float, body: bytes, most_bytes: int) -> Reply:
    """Return the answer to XML posted to a unix socket, whole within `timeout_s`.

    Raises:
        OSError: Nobody listens there, or the answer did not come in time.
    """
    deadline_s = time.monotonic() + timeout_s
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        connection.connect(path)
        connection.sendall(_request(f"http://localhost{target}", body, "text/xml"))
        return _read(_received(connection, deadline_s, most_bytes))
