"""A simulated WebUI in this process, a client that talks to it, and waiting with a deadline."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.testclient import TestClient

from podkeeper.settings.load import Source, load
from podkeeper.sim.webui.app import make_app
from podkeeper.sim.webui.faults import Faults
from podkeeper.sim.webui.world import Flags, World, make_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

DEADLINE_S = 30.0
DEFAULTS = load(Source()).settings.sim_webui


def settings(**changes: Any) -> Any:
    """Return the simulator's settings with everything quick, and with these changes."""
    quick = {"start_s": 0.0, "load_s": 0.0, "step_s": 0.0, **changes}
    return msgspec.structs.replace(DEFAULTS, **quick)


class Asker:
    """A client of a server, and its shortest requests."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def get(self, name: str) -> Any:
        """Return what a GET route answers."""
        return self.client.get(name if name.startswith("/") else f"/sdapi/v1/{name}")

    def post(self, name: str, body: Any = None) -> Any:
        """Return what a POST route answers."""
        return self.client.post(name if name.startswith("/") else f"/sdapi/v1/{name}", json=body)

    def txt2img(self, **asked: Any) -> Any:
        """Return what a small txt2img job is answered."""
        small = {"prompt": "a cat", "steps": 2, "width": 64, "height": 64, "seed": 7}
        return self.post("txt2img", {**small, **asked})


class Sim(Asker):
    """A simulated server and a client that talks to it in this process."""

    def __init__(self, world: World) -> None:
        client = TestClient(make_app(world), raise_server_exceptions=False)
        super().__init__(client)
        self.world = world

    def later(self, call: Callable[[], Any]) -> Later:
        """Return a call that runs in a thread of its own."""
        return Later(call)

    def wait(self, condition: Callable[[], Any]) -> None:
        """Wait until a condition holds."""
        wait_for(condition)


class Later:
    """A call in a thread, and its result."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._result: Any = None
        self._call = call
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._result = self._call()

    @property
    def running(self) -> bool:
        """Return whether the call has not ended."""
        return self._thread.is_alive()

    def result(self) -> Any:
        """Return what the call returned, once it has."""
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive(), "the call did not end in time"
        return self._result


def wait_for(condition: Callable[[], Any]) -> None:
    """Wait until a condition holds; fail at the deadline."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, "the condition did not come true in time"
        time.sleep(0.005)


@contextlib.contextmanager
def running_sim(
    flags: Flags | None = None, die: Callable[[], None] | None = None, **changes: Any
) -> Iterator[Sim]:
    """Run a simulated server with changed settings."""
    chosen = settings(**changes)
    faults = Faults(chosen.faults, die=die) if die else Faults(chosen.faults)
    sim = Sim(make_world(chosen, flags, faults))
    with sim.client:
        yield sim
