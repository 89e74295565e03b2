"""What does a client ask, and how is an answer written?

Covers: the head of an HTTP/1.x request and the bytes of a response. Pure.
Leaves out: sockets (`console.server`) and what the pages say (`console.pages`).
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import NamedTuple

#: The longest request head that is read. Browsers and Prometheus stay below one.
MOST_HEAD_BYTES = 8192
HEAD_END = re.compile(rb"\r?\n\r?\n")
_LINE = re.compile(r"([A-Z]{1,16}) (\S{1,4096}) HTTP/1\.[01]", re.ASCII)
_AUTHORITY = re.compile(r"^https?://[^/?#]*", re.IGNORECASE)


class Request(NamedTuple):
    """What is asked for."""

    method: str
    #: Without the query.
    path: str


class Response(NamedTuple):
    """What is answered."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


def parse(head: bytes) -> Request | None:
    """Return the request of a head, or None where it is no HTTP/1.x."""
    first = head.lstrip(b"\r\n").split(b"\n", 1)[0].rstrip(b"\r")
    match = _LINE.fullmatch(first.decode("latin-1"))
    if match is None:
        return None
    target = _AUTHORITY.sub("", match[2])
    return Request(match[1], target.partition("?")[0].partition("#")[0] or "/")


def dump(response: Response, *, body_wanted: bool) -> bytes:
    """Return a response as it goes over the wire; the connection ends with it."""
    reason = HTTPStatus(response.status).phrase
    lines = [f"HTTP/1.1 {response.status} {reason}", "Connection: close", "Cache-Control: no-store"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    if response.status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Type: {response.content_type}")
        lines.append(f"Content-Length: {len(response.body)}")
        lines.append("X-Content-Type-Options: nosniff")
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return head + (response.body if body_wanted else b"")
