"""Which route is answered by what, and how does an answer or an error reach the client?

The routes run in anyio's thread pool, as the real server's do: when it is full of waiting jobs,
health requests wait too, while unknown routes are still answered by the event loop.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from podkeeper.sim.webui import extension, fields, routes_jobs, routes_server, sim_page
from podkeeper.sim.webui.errors import InvalidRequestError, PlainError, body_of, status_of
from podkeeper.sim.webui.middleware import Headers, RequestFaults
from podkeeper.sim.webui.routes_lists import LISTS
from podkeeper.sim.webui.validate import fill, query_flag, read_table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from starlette.requests import Request

    from podkeeper.sim.webui.fields import Field
    from podkeeper.sim.webui.world import World

    Endpoint = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger("sim.webui")
_API = "/sdapi/v1/"
#: The real server packs answers above this, if the client takes them packed.
_GZIP_FROM_BYTES = 1000


async def _in_thread(request: Request, work: Callable[..., Any], **given: object) -> Response:
    try:
        answer = await run_in_threadpool(work, request.app.state.world, **given)
    except PlainError as error:
        _log.warning("%s: %s", request.url.path, error)
        return PlainTextResponse("Internal Server Error", 500)
    # The real server answers any exception of a route with JSON and lives on; so does this one.
    except Exception as error:  # noqa: BLE001 - see above
        _log.warning("%s: %s: %s", request.url.path, type(error).__name__, error)
        return JSONResponse(body_of(error), status_of(error))
    return answer if isinstance(answer, Response) else JSONResponse(answer)


def _plain(work: Callable[[World], object]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await _in_thread(request, work)

    return endpoint


def _with_table(work: Callable[..., object], wanted: Iterable[Field] | None) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        table = read_table(await request.body(), request.headers.get("content-type"))
        return await _in_thread(request, work, asked=fill(wanted, table) if wanted else table)

    return endpoint


async def _progress(request: Request) -> Response:
    skip = query_flag("skip_current_image", request.query_params.get("skip_current_image"))
    return await _in_thread(request, routes_server.progress, skip_current_image=skip)


def _route(path: str, endpoint: Endpoint, method: str) -> Route:
    route = Route(path, endpoint, methods=[method])
    # Starlette answers HEAD wherever it answers GET; FastAPI, and so the real server, does not.
    route.methods = {method}
    return route


_TABLES: dict[str, tuple[Callable[..., object], Iterable[Field] | None]] = {
    "txt2img": (routes_jobs.txt2img, fields.TXT2IMG),
    "img2img": (routes_jobs.img2img, fields.IMG2IMG),
    "extra-single-image": (routes_jobs.extra_single_image, fields.EXTRA_SINGLE),
    "extra-batch-images": (routes_jobs.extra_batch_images, fields.EXTRA_BATCH),
    "png-info": (routes_jobs.png_info, fields.PNG_INFO),
    "interrogate": (routes_jobs.interrogate, fields.INTERROGATE),
    "options": (routes_server.set_options, None),
}
_POSTS: dict[str, Callable[[World], object]] = {
    "interrupt": routes_server.interrupt,
    "skip": routes_server.skip,
    "unload-checkpoint": routes_server.unload,
    "reload-checkpoint": routes_server.reload,
    "refresh-checkpoints": routes_server.refresh,
    "refresh-vae": routes_server.refresh,
    "refresh-embeddings": routes_server.refresh,
    "refresh-loras": routes_server.refresh,
}
_GETS: dict[str, Callable[[World], object]] = {
    "options": routes_server.get_options,
    "memory": routes_server.memory,
    **LISTS,
}
_STOPS: dict[str, Callable[[World], object]] = {
    "server-kill": routes_server.server_kill,
    "server-stop": routes_server.server_stop,
    "server-restart": routes_server.server_restart,
}


def _routes(world: World) -> list[Route]:
    posts = {**_POSTS, **(_STOPS if world.flags.api_server_stop else {})}
    routes = [
        *(_route(_API + name, _with_table(*each), "POST") for name, each in _TABLES.items()),
        *(_route(_API + name, _plain(work), "POST") for name, work in posts.items()),
        *(_route(_API + name, _plain(work), "GET") for name, work in _GETS.items()),
        _route(_API + "progress", _progress, "GET"),
        _route("/sim", _plain(sim_page.about), "GET"),
        _route("/sim/faults", _with_table(sim_page.switch, None), "POST"),
    ]
    if world.settings.extension:
        routes += extension.routes()
    if world.flags.ui:
        routes.append(_route("/internal/ping", _plain(routes_server.ping), "GET"))
    return routes


async def _invalid(_request: Request, error: Exception) -> Response:
    problems = error.problems if isinstance(error, InvalidRequestError) else []
    return JSONResponse({"detail": problems}, 422)


async def _refused(_request: Request, error: Exception) -> Response:
    known = error if isinstance(error, HTTPException) else HTTPException(500)
    return JSONResponse({"detail": known.detail}, known.status_code, known.headers)


def make_app(world: World) -> Starlette:
    """Return the server of a world. It starts to load its checkpoint when it starts to serve."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = world.settings.threads
        world.models.start(world.start_factor)
        yield

    app = Starlette(
        routes=_routes(world),
        lifespan=lifespan,
        exception_handlers={InvalidRequestError: _invalid, HTTPException: _refused},
        middleware=[
            Middleware(Headers),
            Middleware(RequestFaults, faults=world.faults),
            Middleware(GZipMiddleware, minimum_size=_GZIP_FROM_BYTES),
        ],
    )
    app.state.world = world
    return app
