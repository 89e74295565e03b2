"""WebUIs to be asked for memory: a simulator on a real port, and one that answers as it is told."""

from __future__ import annotations

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import uvicorn

from podkeeper.settings.load import Source, load
from podkeeper.sim.webui.app import make_app
from podkeeper.sim.webui.world import World, make_world

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1 << 20


def until(condition: Callable[[], Any]) -> Any:
    """Wait for a condition and return its first true value."""
    end_s = time.monotonic() + 20
    while not (value := condition()):
        assert time.monotonic() < end_s, "it never became true"
        time.sleep(0.005)
    return value


class Sim:
    """A simulated WebUI on a real port."""

    def __init__(self, **changes: Any) -> None:
        quick = {"start_s": 0.0, "load_s": 0.0, "step_s": 0.0, **changes}
        chosen = load(Source()).settings.sim_webui
        self.world: World = make_world(msgspec.structs.replace(chosen, **quick))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(make_app(self.world), log_config=None))
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],))
        self._thread.start()
        until(lambda: self.world.models.loaded)

    def job(self, **asked: Any) -> int:
        """Run a small job and return its status."""
        small = {"prompt": "a", "steps": 1, "width": 64, "height": 64, **asked}
        status = httpx.post(f"{self.base}/sdapi/v1/txt2img", json=small, timeout=60).status_code
        return int(status)

    def close(self) -> None:
        """Serve no more."""
        self.world.faults.switch({"hang": None})
        self._server.should_exit = True
        self._thread.join(20)
        self._listener.close()


class Other:
    """A WebUI that answers each path with a status and a table; others are not found."""

    def __init__(self, answers: dict[str, tuple[int, Any]]) -> None:
        other = self
        self.asked: list[tuple[str, Any]] = []
        self.answers = answers

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                """Answer, and note what was asked."""
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                name = self.path.partition("?")[0].rpartition("/")[2]
                other.asked.append((name, json.loads(body) if body else None))
                status, table = other.answers.get(name, (404, {}))
                sent = json.dumps(table).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = answer  # noqa: N815 - the server's names

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def names(self) -> list[str]:
        """Return what was asked for."""
        return [name for name, _ in self.asked]

    def close(self) -> None:
        """Serve no more."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


def answer(ram: int | None, vram: int | None = 0, *, idle: bool = True) -> tuple[int, Any]:
    """Return what the extension answers."""
    step = {"name": "release_allocator", "done": idle, "detail": None if idle else "a job ran"}
    freed = {"ram": {"freed_bytes": ram}, "vram": {"freed_bytes": vram}}
    return 200, {"idle": idle, "steps": [step], **freed, "took_s": 1.0}
