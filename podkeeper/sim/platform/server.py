"""How does the platform listen, and how does it end?

Covers: the application, one uvicorn server of it, a connection that can be cut, and a quick end:
SIGTERM answers every held poll at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from podkeeper.sim.platform import admin_routes, client_routes, worker_routes

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator

    from podkeeper.sim.platform.hub import Hub


class CuttableConnection(H11Protocol):
    """A connection whose requests find its transport in their state, to cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the transport."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def application(hub: Hub) -> Starlette:
    """Return the platform as an ASGI application; it keeps time while it runs."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        clock = asyncio.create_task(hub.keep_time())
        try:
            yield
        finally:
            clock.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await clock
            await hub.end()

    app = Starlette(
        routes=[*worker_routes.routes(), *client_routes.routes(), *admin_routes.routes()],
        lifespan=lifespan,
    )
    app.state.hub = hub
    return app


class PlatformServer(uvicorn.Server):
    """One server of one platform."""

    def __init__(self, hub: Hub, address: str, port: int) -> None:
        self.hub = hub
        super().__init__(
            uvicorn.Config(
                application(hub),
                host=address,
                port=port,
                http=CuttableConnection,
                loop="asyncio",
                ws="none",
                lifespan="on",
                proxy_headers=False,
                access_log=False,
                log_config=None,
                timeout_graceful_shutdown=max(1, int(hub.settings.stop_wait_s) - 1),
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End: held polls first, which would keep their connections open else."""
        self.hub.close()
        await super().shutdown(sockets)
