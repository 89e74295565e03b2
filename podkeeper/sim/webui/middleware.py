"""What happens to every request, whatever its route?

Covers: the headers, and the faults that meet requests instead of jobs. The simulator's own pages
meet none, so that a fault can be switched off again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import anyio
from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from podkeeper.sim.webui.faults import Faults, Hang, HtmlErrors, NeverReady

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SERVER = "podkeeper-sim-webui"
_LOOK_S = 0.05
_JOB_ROUTES = ("/sdapi/v1/txt2img", "/sdapi/v1/img2img", "/sdapi/v1/extra-")
_PAGE = (
    "<html>\r\n<head><title>{status} Bad Gateway</title></head>\r\n<body>\r\n<center>"
    "<h1>{status} Bad Gateway</h1></center>\r\n<hr><center>{server}</center>\r\n</body>\r\n</html>"
)


class Headers:
    """Names the server and the time a request took."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began_at_s = time.perf_counter()

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["server"] = SERVER
                headers["x-process-time"] = str(time.perf_counter() - began_at_s)
            await send(message)

        await self.app(scope, receive, with_headers)


class RequestFaults:
    """Makes every route hang, answer 503 or answer an HTML page while the fault is on."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or do not."""
        if scope["type"] == "http" and not scope["path"].startswith("/sim"):
            while self._hangs():  # noqa: ASYNC110 - it is ended from another thread
                await anyio.sleep(_LOOK_S)
            failure = self._failure(scope["path"])
            if failure is not None:
                await failure(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _hangs(self) -> bool:
        fault = self.faults.get(Hang)
        return fault is not None and fault.scope == "all"

    def _failure(self, path: str) -> Response | None:
        if self.faults.get(NeverReady):
            return PlainTextResponse("Service Unavailable", 503)
        fault = self.faults.get(HtmlErrors)
        if fault and (fault.scope == "all" or path.startswith(_JOB_ROUTES)):
            page = _PAGE.format(status=fault.status, server=SERVER)
            return HTMLResponse(page, fault.status)
        return None
