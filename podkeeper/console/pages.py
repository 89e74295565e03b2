"""Which page answers which question?

Covers: `/metrics`, `/ping` and the other health pages, `/snapshot`.
Leaves out: sockets (`console.server`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from podkeeper.console import health
from podkeeper.console.health import Phase
from podkeeper.console.request import Response
from podkeeper.model import snapshot as snapshots
from podkeeper.recorders import metrics, snapshot_metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.console.request import Request
    from podkeeper.model.snapshot import Snapshot
    from podkeeper.recorders.metrics import Registry

#: RunPod's load balancer: 200 takes jobs, 204 is still starting, anything else is unhealthy.
_PING = {Phase.READY: 200, Phase.STARTING: 204, Phase.FAILED: 503}


class View(NamedTuple):
    """What every page is made from."""

    snapshot: Snapshot | None
    phase: Phase
    now_monotonic_s: float


class Pages:
    """Answers requests from the newest snapshot."""

    def __init__(
        self,
        newest: Callable[[], Snapshot | None],
        *,
        registry: Registry,
        version: str,
        max_age_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._newest = newest
        self._registry = registry
        self._version = version
        self._max_age_s = max_age_s
        self._clock = clock
        self._begun_s = clock()
        self._pages: dict[str, Callable[[View], Response]] = {
            "/": self.index,
            "/metrics": self.metrics,
            "/ping": self.ping,
            "/livez": self.livez,
            "/readyz": self.readyz,
            "/startupz": self.startupz,
            "/health": self.health,
            "/snapshot": self.snapshot,
        }

    def answer(self, asked: Request) -> Response:
        """Return the page asked for, or 404."""
        page = self._pages.get(asked.path)
        if page is None:
            return Response(404, b"no such page\n")
        snapshot, now_s = self._newest(), self._clock()
        return page(View(snapshot, health.phase(snapshot, now_s, self._max_age_s), now_s))

    def index(self, _view: View) -> Response:
        """Return the list of pages."""
        return Response(200, "".join(f"{path}\n" for path in self._pages).encode())

    def metrics(self, view: View) -> Response:
        """Return all metrics for Prometheus; none but the build's before the first snapshot."""
        if view.snapshot is None:
            samples = iter([metrics.Sample("podkeeper_build_info", 1, (self._version,))])
        else:
            samples = snapshot_metrics.samples(view.snapshot, self._version, view.now_monotonic_s)
        body = self._registry.exposition(samples).encode()
        return Response(200, body, metrics.CONTENT_TYPE)

    def ping(self, view: View) -> Response:
        """Return what RunPod's load balancer asks for: 204 starting, 200 ready, else 503."""
        return Response(_PING[view.phase], f"{view.phase}\n".encode())

    def livez(self, view: View) -> Response:
        """Return whether snapshots are taken. A busy or loading model is alive."""
        last_s = view.snapshot.taken_monotonic_s if view.snapshot else self._begun_s
        silent_s = view.now_monotonic_s - last_s
        if silent_s <= self._max_age_s:
            return Response(200, b"ok\n")
        return Response(503, f"no snapshot for {silent_s:.1f} s\n".encode())

    def readyz(self, view: View) -> Response:
        """Return whether a job can be taken now."""
        status = 200 if view.phase is Phase.READY else 503
        return Response(status, f"{view.phase}\n".encode())

    def startupz(self, view: View) -> Response:
        """Return whether the start is over: a job could be taken at some time."""
        started = view.snapshot is not None and view.snapshot.been_ready
        return Response(200, b"ok\n") if started else Response(503, b"starting\n")

    def health(self, view: View) -> Response:
        """Return everything that is checked, for people and dashboards."""
        body = health.report(view.snapshot, view.phase, self._version, view.now_monotonic_s)
        status = 503 if view.phase is Phase.FAILED else 200
        return Response(status, msgspec.json.encode(body), "application/health+json")

    def snapshot(self, view: View) -> Response:
        """Return the newest snapshot as it is."""
        if view.snapshot is None:
            return Response(503, b"no snapshot yet\n")
        return Response(200, snapshots.dump(view.snapshot), "application/json")
