"""What the SDK talks to in the platform's place."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import TYPE_CHECKING, Any

import aiohttp
from handler_standins import StandInGateway
from journal_standins import Platform, courier_of, job, journal_in, until

from handler import door, intake, relay
from handler.intake import Intake
from handler.relay import Relay
from handler.upstream import Upstream, Waits
from podkeeper.model.journal import State
from podkeeper.policy.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest
    from aiohttp import web

WAITS = Waits(
    poll_s=60.0,
    pause_s=0.001,
    backoff=Backoff(first_s=0.001, factor=1.0, max_s=0.001, jitter_ratio=0.0),
)


class Gateway(StandInGateway):
    """A platform that answers polls with what a script says first: (status, content type, body)."""

    def __init__(self) -> None:
        self.script: list[tuple[int, str, bytes]] = []
        self.polls: list[tuple[str, dict[str, str]]] = []
        super().__init__(hold_s=0.2)

    def serve(self, http: Any, body: bytes) -> None:
        """Answer one request."""
        self.polls.append((http.path, dict(http.headers)))
        if not self.script:
            super().serve(http, body)
            return
        status, content_type, data = self.script.pop(0)
        self.reply(http, data, status, content_type)


class Bench:
    """A relay with its surroundings, and the SDK's side of it."""

    def __init__(self, folder: Path, gateway: Gateway) -> None:
        self.journal = journal_in(folder)
        self.courier = courier_of(self.journal, Platform())
        self.with_sdk: set[str] = set()
        self.intake = Intake(self.journal, self.courier, lambda: self.with_sdk)
        told = gateway.environment()["RUNPOD_WEBHOOK_GET_JOB"]
        self.door = door.opened(told.replace("$ID", "pod"))
        self.take_url = self.door.environment["RUNPOD_WEBHOOK_GET_JOB"]
        self.done_url = self.door.environment["RUNPOD_WEBHOOK_POST_OUTPUT"]
        self.posted: list[tuple[str, bytes]] = []
        self.heard = 0
        self._relay = Relay(
            self.door,
            self.intake,
            Upstream("jobs", self.door.base, intake.read, WAITS, self._hear),
            Upstream("stops", self.door.base, relay.stops, WAITS),
            lambda name, body: self.posted.append((name, body)),
        )
        self._runner: web.AppRunner | None = None

    def _hear(self) -> None:
        self.heard += 1

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[aiohttp.ClientSession]:
        """Serve until the end of the block; give what the SDK asks with."""
        runner = await self._relay.start()
        try:
            async with aiohttp.ClientSession(headers={"Authorization": "key"}) as session:
                yield session
        finally:
            await runner.cleanup()


async def take(bench: Bench, session: aiohttp.ClientSession, more: str = "") -> Any:
    """Return what a poll for jobs brings; None for nothing."""
    url = bench.take_url.replace("/job-take/", "/job-take-batch/") if more else bench.take_url
    async with session.get(f"{url}{more}&job_in_progress=0") as response:
        return None if response.status == 204 else await response.json()


def test_a_job_is_in_the_journal_before_the_sdk_sees_it(tmp_path: Path) -> None:
    """It comes as the platform has sent it, asked for with the SDK's own key and words."""

    async def story() -> None:
        with Gateway() as gateway:
            bench = Bench(tmp_path, gateway)
            gateway.submit("a", {"prompt": "x"})
            async with bench.open() as session:
                assert await take(bench, session) == {"id": "a", "input": {"prompt": "x"}}
            path, headers = gateway.polls[0]
            assert path == "/v2/test/job-take/pod?gpu=none&job_in_progress=0"
            assert headers["Authorization"] == "key"
            assert bench.journal.accepted() == ["a"]

    asyncio.run(story())


def test_several_jobs_come_as_a_list(tmp_path: Path) -> None:
    """What a killed handler left comes first, and as many as are asked for."""

    async def story() -> None:
        with Gateway() as gateway:
            bench = Bench(tmp_path, gateway)
            for name in ("a", "b", "c"):
                bench.journal.grant(name, job(name))
            async with bench.open() as session:
                found = await take(bench, session, "&batch_size=2")
                assert [each["id"] for each in found] == ["a", "b"]
                bench.with_sdk.update("ab")
                found = await take(bench, session, "&batch_size=2")
                assert [each["id"] for each in found] == ["c"]
            assert gateway.polls == []

    asyncio.run(story())


def test_an_outage_is_waited_out_with_two_lines(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The SDK sees that there is nothing, whatever the platform answers, and then the job."""
    caplog.set_level(logging.INFO)

    async def story() -> None:
        with Gateway() as gateway:
            bench = Bench(tmp_path, gateway)
            html, broken = (200, "text/html", b"<html>"), (200, "application/json", b"{")
            gateway.script = [(502, "text/plain", b""), (429, "text/plain", b""), html, broken]
            gateway.script += [(200, "application/json", b'{"input": 1}')] * 20
            async with bench.open() as session:
                for _ in range(24):
                    assert await take(bench, session) is None
                gateway.submit("a", 1)
                assert (await take(bench, session))["id"] == "a"
            assert bench.heard == 1

    asyncio.run(story())
    lines = [each.getMessage() for each in caplog.records if each.name == "handler"]
    assert lines[0] == "cannot ask the platform for jobs: it answered 502; trying on"
    assert lines[1].startswith("the platform answers again when asked for jobs, after ")
    assert len(lines) == 2


def test_a_platform_that_is_not_there_is_asked_again(tmp_path: Path) -> None:
    """A refused connection is nothing to the SDK."""

    async def story() -> None:
        with Gateway() as gateway:
            bench = Bench(tmp_path, gateway)
        async with bench.open() as session:
            assert await take(bench, session) is None

    asyncio.run(story())


def test_a_stop_reaches_the_journal_and_the_sdk(tmp_path: Path) -> None:
    """The job is unwanted from then on; nothing to stop, or no answer, is nothing to the SDK."""

    async def story() -> None:
        with Gateway() as gateway:
            bench = Bench(tmp_path, gateway)
            bench.journal.grant("a", job("a"))
            gateway.script = [(404, "text/plain", b""), (200, "application/json", b"[]")]
            url = bench.take_url.replace("/job-take/", "/job-stop/")
            async with bench.open() as session:
                for _ in range(3):
                    async with session.get(url) as response:
                        assert response.status == 204
                gateway.stops.put("a")
                async with session.get(url) as response:
                    assert await response.json() == {"jobsToStop": ["a"]}
            entry = bench.journal.get("a")
            assert entry is not None
            assert entry.state is State.UNWANTED

    asyncio.run(story())


def test_what_the_sdk_posts_ends_here(tmp_path: Path) -> None:
    """The platform hears of results from the courier alone."""

    async def story() -> None:
        with Gateway() as gateway:
            bench = Bench(tmp_path, gateway)
            async with bench.open() as session:
                url = bench.done_url.replace("$ID", "a-u1") + "&isStream=false"
                async with session.post(url, data=json.dumps({"output": 1})) as response:
                    assert response.status == 200
            assert bench.posted == [("a-u1", b'{"output": 1}')]
            assert gateway.polls == []

    asyncio.run(story())


def test_others_on_the_machine_get_nothing(tmp_path: Path) -> None:
    """Without the secret in the path there is no job and no result."""

    async def story() -> None:
        with Gateway() as gateway:
            bench = Bench(tmp_path, gateway)
            bench.journal.grant("a", job("a"))
            async with bench.open() as session:
                other = bench.take_url.replace(bench.door.secret, "x" * len(bench.door.secret))
                async with session.get(other) as response:
                    assert response.status == 404
            assert gateway.polls == []

    asyncio.run(story())


def test_a_job_that_came_when_the_sdk_had_hung_up_is_not_lost(tmp_path: Path) -> None:
    """The SDK gives up a poll after a while; its next one gets the job."""

    async def story() -> None:
        with Gateway() as gateway:
            gateway.hold_s = 60.0
            bench = Bench(tmp_path, gateway)
            async with bench.open() as session:
                poll = asyncio.create_task(take(bench, session))
                await until(lambda: gateway.takes_open)
                poll.cancel()
                gateway.submit("a", 1)
                await until(lambda: bench.journal.get("a"))
                assert (await take(bench, session))["id"] == "a"

    asyncio.run(story())
