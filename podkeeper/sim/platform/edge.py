"""What do all routes do before and around their own work?

Covers: the key, the endpoint's name, bodies and their limits, answers, and the faults that replace
an answer.
"""

from __future__ import annotations

import hmac
import logging
import sqlite3
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from podkeeper.errors import SettingsError
from podkeeper.sim.platform.lifecycle import StepError
from podkeeper.sim.platform.wire import MessageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from podkeeper.sim.platform.faults import Fault, Route
    from podkeeper.sim.platform.hub import Hub

    Handler = Callable[[Hub, Request], Awaitable[Response]]

log = logging.getLogger("platform")


class RefusedError(Exception):
    """A request is answered with an HTTP error."""

    def __init__(self, status: int, why: str) -> None:
        self.status = status
        super().__init__(why)


def answer(value: Any, status: int = 200) -> Response:
    """Return a value as a JSON answer."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def nothing() -> Response:
    """Return the answer of a poll that found nothing."""
    return Response(status_code=204)


def _check_key(hub: Hub, request: Request) -> None:
    shown = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if hub.key is not None and not hmac.compare_digest(shown.encode(), hub.key.encode()):
        raise RefusedError(401, "cannot let you in: the Authorization header has no valid key")


def _check_endpoint(hub: Hub, request: Request) -> None:
    name = request.path_params.get("endpoint", hub.settings.endpoint)
    if name != hub.settings.endpoint:
        raise RefusedError(404, f"cannot find endpoint {name}: here is {hub.settings.endpoint}")


def guarded(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return the route of a handler: with the key checked, and errors as answers."""

    async def route(request: Request) -> Response:
        hub: Hub = request.app.state.hub
        try:
            _check_key(hub, request)
            _check_endpoint(hub, request)
            return await handler(hub, request)
        except RefusedError as refused:
            return answer({"error": str(refused)}, refused.status)
        except (MessageError, StepError, SettingsError) as error:
            return answer({"error": str(error)}, 400)
        except sqlite3.Error as error:
            log.exception("cannot keep the state in %s", hub.store.path)
            return answer({"error": f"cannot keep the state: {error}"}, 500)

    return route


async def body_of(request: Request, limit_bytes: int, status: int) -> bytes:
    """Return a request's body.

    Raises:
        RefusedError: It is longer than allowed. The rest is read and dropped, since many clients
            see a reset connection instead of an answer that comes before they have sent all.
    """
    parts, size_bytes = [], 0
    async for part in request.stream():
        size_bytes += len(part)
        if size_bytes <= limit_bytes:
            parts.append(part)
    if size_bytes > limit_bytes:
        raise RefusedError(status, f"exceeded max body size of {limit_bytes} bytes")
    return b"".join(parts)


async def through_faults(
    hub: Hub, request: Request, route: Route, work: Callable[[], Awaitable[Response]]
) -> Response:
    """Return what `work` answers, unless a fault is due on this route."""
    fault = hub.script.next_answer(route)
    if fault is None:
        return await work()
    if fault.act:
        await work()
    return await _befall(hub, request, fault)


async def _befall(hub: Hub, request: Request, fault: Fault) -> Response:
    if fault.kind == "hang":
        await hub.held(request.receive, lambda: None, fault.delay_s or float("inf"))
    elif fault.kind == "drop":
        request.scope["state"]["transport"].abort()
        await hub.held(request.receive, lambda: None, float("inf"))
    elif fault.status in {204, 304}:
        return Response(status_code=fault.status)
    return answer({"error": "a fault that was asked for"}, fault.status)
