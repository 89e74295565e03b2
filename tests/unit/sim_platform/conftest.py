"""A platform in this process, and its settings."""

from __future__ import annotations

import dataclasses
import http.client
import json
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import pytest

from podkeeper.settings.load import Source, load
from podkeeper.sim.platform.client import Client
from podkeeper.sim.platform.hub import Hub
from podkeeper.sim.platform.server import PlatformServer
from podkeeper.sim.platform.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from podkeeper.settings.platform import PlatformSettings

#: Longer than anything takes on a slow machine.
DEADLINE_S = 60


class Clock:
    """A wall clock that tests may move."""

    def __init__(self, moved_s: float = 0.0) -> None:
        self.moved_s = moved_s

    def __call__(self) -> float:
        """Return the time by this clock."""
        return time.time() + self.moved_s


class Running:
    """A platform that serves from a thread until `stop`."""

    def __init__(
        self, settings: PlatformSettings, path: Path, key: str | None, away_s: float
    ) -> None:
        self.clock = Clock(away_s)
        self.key = key
        self._made: list[PlatformServer] = []
        self._thread = threading.Thread(target=self._serve, args=(settings, path, key))
        self._thread.start()
        self.wait_for(lambda: self._made and self._made[0].started)
        self.hub = self._made[0].hub
        port = self._made[0].servers[0].sockets[0].getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self.url = f"{self.base}/v2/{settings.endpoint}"
        self.client = Client(self.url, key, timeout_s=DEADLINE_S, period_s=0.01)

    def _serve(self, settings: PlatformSettings, path: Path, key: str | None) -> None:
        # SQLite wants to be used by the thread that opened it.
        hub = Hub(settings, Store(path), key=key, clock=self.clock)
        self._made.append(PlatformServer(hub, "127.0.0.1", 0))
        self._made[0].run()

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Return once the condition holds."""
        end_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end_s, "the condition never held"
            assert self._thread.is_alive(), "the platform has ended"
            time.sleep(0.005)

    def ask_to_stop(self) -> None:
        """Tell the platform to end, and do not wait for it."""
        self._made[0].should_exit = True

    def stop(self) -> None:
        """End the platform."""
        self.ask_to_stop()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()

    def call(
        self, method: str, path: str, body: Any = None, key: str | None = None
    ) -> tuple[int, Any]:
        """Return the status and the JSON (None for none) of one request, below the base URL."""
        link = http.client.HTTPConnection(urlsplit(self.base).netloc, timeout=DEADLINE_S)
        try:
            data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            shown = key or self.key
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            headers |= {"Authorization": shown} if shown else {}
            link.request(method, path, data, headers)
            answer = link.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text[:1] in b"{[" and text else None
        finally:
            link.close()

    def worker(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return the answer to a worker's request."""
        return self.call(method, f"/v2/local/{path}", body)

    def take(self, pod: str = "w1") -> Any:
        """Return the job that a worker is given; None for none."""
        return self.worker("GET", f"job-take/{pod}?gpu=X&job_in_progress=0")[1]

    def done(self, job_id: str, body: Any, pod: str = "w1") -> int:
        """Post a worker's result, and return the status of the answer."""
        return self.worker("POST", f"job-done/{pod}/{job_id}?gpu=X&isStream=false", body)[0]

    def fault(self, **fault: Any) -> None:
        """Ask for a fault."""
        assert self.call("POST", "/platform/faults", fault)[0] == 200

    def history(self, job_id: str) -> list[str]:
        """Return what happened to a job, in order."""
        _, story = self.call("GET", f"/platform/jobs/{job_id}")
        return [event["kind"] for event in story["events"]]


@dataclasses.dataclass
class Platforms:
    """Starts platforms on one state file, and ends what still runs."""

    base: PlatformSettings
    path: Path
    running: list[Running] = dataclasses.field(default_factory=list)

    def start(self, key: str | None = None, away_s: float = 0.0, **changes: Any) -> Running:
        """Return a running platform with these settings changed, `away_s` from now."""
        settings = msgspec.structs.replace(self.base, **changes)
        self.running.append(Running(settings, self.path, key, away_s))
        return self.running[-1]

    def stop(self) -> None:
        """End them all."""
        while self.running:
            self.running.pop().stop()


@pytest.fixture(scope="session")
def settings() -> PlatformSettings:
    """Return the default settings, with polls that are held no longer than a test wants."""
    chosen = load(Source(environ={})).settings.platform
    return msgspec.structs.replace(chosen, hold_s=0.2, tick_s=0.01, stop_wait_s=5.0)


@pytest.fixture(scope="session")
def ending() -> Iterator[list[Running]]:
    """Return where platforms are left that were told to end, which takes each a moment."""
    left: list[Running] = []
    yield left
    for each in left:
        each.stop()


@pytest.fixture
def platforms(
    settings: PlatformSettings, tmp_path: Path, ending: list[Running]
) -> Iterator[Platforms]:
    """Return what starts platforms."""
    made = Platforms(settings, tmp_path / "state.sqlite3")
    yield made
    for each in made.running:
        each.ask_to_stop()
        ending.append(each)


@pytest.fixture
def platform(platforms: Platforms) -> Running:
    """Return a running platform."""
    return platforms.start()
