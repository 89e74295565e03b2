"""Who may ask, and what did they send?

Covers: this machine alone, and no page in somebody's browser on it: a web server in the container
that hands requests on comes from loopback too, but names itself or another host.
"""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.requests import Request

_HANDED_ON = ("forwarded", "x-forwarded-for", "x-real-ip")
_NAMES = ("localhost", "127.0.0.1", "[::1]")
_MOST_BYTES = 4096


class RefusedError(Exception):
    """The request is not to be answered; carries the status that says so."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def check(request: Request) -> None:
    """Return if the request comes from this machine.

    Raises:
        RefusedError: It does not, or a server here handed it on for somebody else.
    """
    client = request.client
    if client is None or not _is_loopback(client.host):
        raise RefusedError(403, f"only for this machine, not for {client and client.host}")
    handed_on = next((each for each in _HANDED_ON if each in request.headers), None)
    if handed_on is not None:
        raise RefusedError(403, f"only for this machine itself, not by way of others ({handed_on})")
    named = request.headers.get("host", "")
    name = named if named.endswith("]") else named.rpartition(":")[0] or named
    if name not in _NAMES:
        raise RefusedError(403, f"only for this machine by its own name, not as {named!r}")


async def table(request: Request) -> dict[str, Any]:
    """Return the JSON table that a request brings, an empty one where it brings nothing.

    Raises:
        RefusedError: It is none, too long, or sent as a page in a browser may send it.
    """
    body = await request.body()
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise RefusedError(415, "send it as application/json")
    if len(body) > _MOST_BYTES:
        raise RefusedError(413, f"more than {_MOST_BYTES} bytes")
    try:
        found = json.loads(body or b"{}")
    except ValueError as error:
        raise RefusedError(400, f"no JSON: {error}") from error
    if not isinstance(found, dict):
        raise RefusedError(400, "no JSON table")
    return found


def number(asked: dict[str, Any], name: str, most: float) -> float:
    """Return a number above zero of a table, 0 where it is left out.

    Raises:
        RefusedError: It is none, or above what is allowed.
    """
    value = asked.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise RefusedError(400, f"{name} must be a number from 0 to {most:g}")
    return value


def flag(asked: dict[str, Any], name: str) -> bool:
    """Return a truth value of a table, False where it is left out.

    Raises:
        RefusedError: It is none.
    """
    value = asked.get(name, False)
    if not isinstance(value, bool):
        raise RefusedError(400, f"{name} must be true or false")
    return value
