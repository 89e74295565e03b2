"""What does the SDK talk to, in the platform's place?

Covers: a loopback server that the SDK takes for the platform. Jobs go into the journal before the
SDK sees them; an outage is waited out here, so that the SDK neither spins nor floods the log; what
it posts as a result is only its word that the handler has returned.
Leaves out: heartbeats, which go straight to the platform; which job comes next (`intake`).
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from aiohttp import web

from handler.door import DONE
from handler.upstream import pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from handler.door import Door
    from handler.intake import Intake
    from handler.upstream import Upstream

log = logging.getLogger("handler")

#: Results come from the SDK in this very process.
_ANY_SIZE = 1 << 30


def stops(body: bytes) -> list[str]:
    """Return which jobs an answer wants stopped.

    Raises:
        ValueError, TypeError, KeyError: It is no such answer.
    """
    return [str(each) for each in json.loads(body)["jobsToStop"]]


class Relay:
    """Serves the SDK."""

    def __init__(
        self,
        door: Door,
        intake: Intake,
        takes: Upstream[list[tuple[str, bytes]]],
        stops: Upstream[list[str]],
        posted: Callable[[str, bytes], None],
    ) -> None:
        """Take note of whom to serve with what.

        Args:
            door: Where the SDK knocks.
            intake: Which job comes next.
            takes: Asks the platform for jobs.
            stops: Asks it which to stop.
            posted: Told what the SDK posts as a job's result.
        """
        self._door = door
        self._intake = intake
        self._takes = takes
        self._stops = stops
        self._posted = posted

    async def start(self) -> web.AppRunner:
        """Begin to serve in this event loop, and return what ends it."""
        app = web.Application(client_max_size=_ANY_SIZE)
        app.router.add_route("*", "/{rest:.*}", self._serve)
        app.on_cleanup.append(self._close)
        # When the SDK's loop ends nothing of it is on its way any more.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.0)
        await runner.setup()
        await web.SockSite(runner, self._door.listener).start()
        return runner

    async def _close(self, _app: web.Application) -> None:
        await self._takes.close()
        await self._stops.close()

    async def _serve(self, request: web.Request) -> web.Response:
        own = f"/{self._door.secret}"
        if not request.raw_path.startswith(own + "/"):
            return web.Response(status=404)
        path = request.raw_path.removeprefix(own)
        if path.startswith(DONE):
            return await self._done(request, path)
        if "/job-stop/" in path:
            return await self._stop(request, path)
        return await self._take(request, path)

    async def _take(self, request: web.Request, path: str) -> web.Response:
        sizes = parse_qs(urlsplit(path).query).get("batch_size", [])
        limit = int(sizes[0]) if sizes and sizes[0].isdigit() else 1
        offers = await self._intake.offers(limit)
        if not offers:
            polled = await self._takes.poll(path, request.headers)
            for name, job in polled.found or ():
                await self._intake.accept(name, job)
            offers = await self._intake.offers(limit)
            if not offers:
                await pause(polled.pause_s)
                return web.Response(status=204)
        body = b"[" + b",".join(offers) + b"]" if sizes else offers[0]
        return web.Response(body=body, content_type="application/json")

    async def _stop(self, request: web.Request, path: str) -> web.Response:
        polled = await self._stops.poll(path, request.headers)
        if not polled.found:
            await pause(polled.pause_s)
            return web.Response(status=204)
        self._intake.withdraw(polled.found)
        return web.json_response({"jobsToStop": polled.found})

    async def _done(self, request: web.Request, path: str) -> web.Response:
        name = unquote(urlsplit(path).path.removeprefix(DONE))
        self._posted(name, await request.read())
        return web.json_response({})
