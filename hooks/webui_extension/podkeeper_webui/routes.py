"""What can be asked of a WebUI under /podkeeper, and in which form is it answered?

Covers: the routes. What could not be read is null and said under `missing`; an error is a table
with `error`. Nothing here queues behind jobs, and stacks are read on the event loop itself.
"""

from __future__ import annotations

import asyncio
import functools
import os
from typing import TYPE_CHECKING, Any

from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation
from starlette.responses import JSONResponse, PlainTextResponse, Response

from . import access, checkpoints, cuda, host, process, reclaim, stacks, tracing
from .access import RefusedError
from .host import Missing, MissingError
from .threads import BusyError, Threads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .jobs import Jobs
    from .loads import Loads
    from .settings import Settings

    Route = Callable[[Request], Awaitable[Response]]

PREFIX = "/podkeeper/"


def _failure(error: Exception) -> JSONResponse:
    if isinstance(error, RefusedError):
        return JSONResponse({"error": str(error)}, error.status)
    if isinstance(error, BusyError):
        return JSONResponse({"error": str(error)}, 409)
    if isinstance(error, asyncio.TimeoutError):
        return JSONResponse(
            {"error": "no reading in time; it is waited for in the background"}, 503
        )
    return JSONResponse({"error": host.in_words(error)}, 500)


class Routes:
    """The answers of one WebUI."""

    def __init__(self, settings: Settings, jobs: Jobs, loads: Loads) -> None:
        self._settings = settings
        self._jobs = jobs
        self._loads = loads
        self._threads = Threads()
        self._about = {"version": settings.version, "simulator": False, "pid": os.getpid()}

    def add_to(self, app: Any) -> None:
        """Give a FastAPI application these routes."""
        for name, method, route in (
            ("memory", "GET", self._memory),
            ("state", "GET", self._state),
            ("stacks", "GET", self._stacks),
            ("reclaim", "POST", self._reclaim),
            ("profile", "POST", self._profile),
        ):
            app.add_api_route(
                PREFIX + name,
                self._guarded(route),
                methods=[method],
                response_model=None,
                include_in_schema=False,
            )

    def _guarded(self, route: Route) -> Route:
        async def guarded(request: Request) -> Response:
            try:
                access.check(request)
                return await route(request)
            # Whatever fails here is an answer, and never the WebUI's own error.
            except Exception as error:  # noqa: BLE001 - see above
                return _failure(error)

        return guarded

    async def _memory(self, request: Request) -> Response:
        kind = "reading of owners" if request.query_params.get("owners") else "reading of memory"
        read = functools.partial(self.memory, owners=kind.endswith("owners"))
        answer = await self._threads.result(kind, read, self._settings.read_timeout_s, shared=True)
        return JSONResponse(answer)

    def memory(self, *, owners: bool) -> dict[str, Any]:
        """Return what the process and torch hold."""
        missing = Missing()
        names = missing.ask("checkpoints", checkpoints.names)
        answer: dict[str, Any] = {
            "extension": self._about,
            "ram": missing.ask("ram", process.ram),
            "allocator": missing.ask("allocator", process.allocator),
            "device": missing.ask("device", cuda.device),
            "torch": missing.ask("torch", cuda.counters),
            "checkpoints": {"current": missing.ask("current", checkpoints.current), "names": names},
            "jobs": self._jobs.answer(),
        }
        if owners:
            answer["owners"] = missing.ask("owners", checkpoints.owners)
        return {**answer, "missing": missing.why}

    async def _state(self, _request: Request) -> Response:
        missing = Missing()
        answer = {
            "extension": self._about,
            "model": {
                "state": missing.ask("model", checkpoints.state),
                "name": missing.ask("name", checkpoints.current),
                **self._loads.answer(),
            },
            "job": self._jobs.answer()["running"],
            "startup": missing.ask("startup", _startup),
        }
        return JSONResponse({**answer, "missing": missing.why})

    async def _stacks(self, request: Request) -> Response:
        found = stacks.threads()
        if request.query_params.get("format") == "text":
            return PlainTextResponse(stacks.as_text(found))
        return JSONResponse({"extension": self._about, "threads": found})

    async def _reclaim(self, request: Request) -> Response:
        asked = await access.table(request)
        wait_s = access.number(asked, "wait_s", self._settings.lock_wait_max_s)
        drop = access.flag(asked, "drop_checkpoints")
        work = functools.partial(reclaim.reclaim, wait_s, drop_checkpoints=drop)
        timeout_s = wait_s + self._settings.reclaim_timeout_s
        answer = await self._threads.result("reclaim", work, timeout_s)
        return JSONResponse({"extension": self._about, **answer})

    async def _profile(self, request: Request) -> Response:
        asked = await access.table(request)
        span_s = access.number(asked, "span_s", self._settings.profile_max_s)
        top = int(access.number(asked, "top", self._settings.profile_sites))
        work = functools.partial(tracing.trace, span_s, top or self._settings.profile_sites)
        timeout_s = span_s + self._settings.reclaim_timeout_s
        answer = await self._threads.result("profile", work, timeout_s)
        return JSONResponse({"extension": self._about, **answer})


def _startup() -> dict[str, Any]:
    """Return how long each part of the start took, in seconds.

    Raises:
        MissingError: The WebUI does not tell.
    """
    timer = host.module("modules.timer")
    record = getattr(timer, "startup_record", None) or host.part("modules.timer", "startup_timer")
    table = record if isinstance(record, dict) else record.dump()
    if "records" not in table:
        raise MissingError("modules.timer has no records")
    return {"total_s": table.get("total"), "records": dict(table["records"])}
