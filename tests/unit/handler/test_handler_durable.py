"""How a job of the journal runs."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from journal_standins import PATIENCE_S, Platform, courier_of, job, journal_in, until

from handler.durable import Durable
from handler.intake import Intake
from handler.progress import Phase, Reading
from podkeeper.model.journal import State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from handler.worker import Life


class Runs:
    """Stands in the place of the worker: does with a job what it is told to."""

    def __init__(self, run: Callable[[Life], Awaitable[dict[str, Any]]]) -> None:
        self._run = run
        self.count = 0

    async def handle(self, _job: dict[str, Any], life: Life) -> dict[str, Any]:
        """Run a job."""
        self.count += 1
        return await self._run(life)


async def images(_life: Life) -> dict[str, Any]:
    """Make something."""
    return {"images": ["x"]}


class Bench:
    """A job that was granted, and everything around it."""

    def __init__(
        self,
        folder: Path,
        run: Callable[[Life], Awaitable[dict[str, Any]]] = images,
        *script: int | None,
        hold_s: float = PATIENCE_S,
    ) -> None:
        self.journal = journal_in(folder)
        self.platform = Platform(*script)
        self.courier = courier_of(self.journal, self.platform)
        self.intake = Intake(self.journal, self.courier, set)
        self.runs = Runs(run)
        parts = self.journal, self.intake, self.courier
        self.durable = Durable(self.runs, *parts, hold_s)  # type: ignore[arg-type] - it does
        self.journal.grant("a", job("a"))

    async def handle(self) -> dict[str, Any]:
        """Run the job as the SDK would."""
        return await self.durable.handle(json.loads(job("a")))

    @property
    def state(self) -> State:
        """Return where the job is."""
        entry = self.journal.get("a")
        assert entry is not None
        return entry.state


def test_a_result_is_with_the_platform_when_the_place_is_free(tmp_path: Path) -> None:
    """The SDK gets a word that is no result, and the job is closed."""
    bench = Bench(tmp_path, images, 500)
    assert "images" not in asyncio.run(bench.handle())
    assert bench.platform.got == [("a", b'{"output":{"images":["x"]}}')] * 2
    assert bench.state is State.DELIVERED


def test_the_result_is_in_the_spool_before_the_platform_is_asked(tmp_path: Path) -> None:
    """A kill in the moment of the delivery loses nothing."""
    bench = Bench(tmp_path)

    async def story() -> None:
        bench.platform.gate.clear()
        handle = asyncio.create_task(bench.handle())
        await until(bench.platform.asked.is_set)
        assert journal_in(tmp_path).undelivered() == ["a"]
        bench.platform.gate.set()
        await handle

    asyncio.run(story())


def test_an_attempt_is_noted_as_it_goes(tmp_path: Path) -> None:
    """Where it is, how far, and how many WebUIs it has cost are known after a kill."""
    seen: list[tuple[str | None, str, int]] = []
    seeds: list[int] = []

    async def run(life: Life) -> dict[str, Any]:
        entry = bench.journal.get("a")
        assert entry is not None
        seeds.extend([life.draw(), life.draw()])
        life.at("webui-0", 0)
        life.tell(Reading(Phase.sampling, 0.5))
        life.at(None, 1)
        entry = bench.journal.get("a")
        assert entry is not None
        seen.append((entry.webui, entry.phase, entry.webui_deaths))
        raise asyncio.CancelledError

    bench = Bench(tmp_path, run)
    for _ in range(2):
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(bench.handle())
    assert seen == [(None, "sampling", 1)] * 2
    assert seeds[:2] == seeds[2:]
    assert seeds[0] != seeds[1]
    assert bench.state is State.ACCEPTED


def test_a_stopped_job_has_no_result(tmp_path: Path) -> None:
    """Its work is cancelled, and what it would have made is dropped."""
    begun = asyncio.Event()

    async def hang(_life: Life) -> dict[str, Any]:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    bench = Bench(tmp_path, hang)

    async def story() -> None:
        handle = asyncio.create_task(bench.handle())
        await begun.wait()
        bench.intake.withdraw(["a"])
        handle.cancel()
        with pytest.raises(asyncio.CancelledError):
            await handle

    asyncio.run(story())
    assert bench.state is State.UNWANTED
    assert bench.platform.got == []
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(bench.handle())
    assert bench.runs.count == 1


def test_a_stop_during_the_delivery_ends_it(tmp_path: Path) -> None:
    """What is not on its way yet is not sent."""
    bench = Bench(tmp_path, images, *[503] * 100_000)

    async def story() -> None:
        handle = asyncio.create_task(bench.handle())
        await until(lambda: bench.platform.got)
        bench.intake.withdraw(["a"])
        await handle

    asyncio.run(story())
    assert bench.courier.drained(PATIENCE_S)
    assert bench.state is State.UNWANTED


def test_a_place_is_not_held_for_ever(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A platform that takes no result does not keep the worker from other jobs."""
    bench = Bench(tmp_path, hold_s=0.05)
    bench.platform.gate.clear()
    asyncio.run(bench.handle())
    assert bench.courier.names() == ["a"]
    assert "job a: its result is delivered beside other jobs" in caplog.text
    bench.platform.gate.set()
    assert bench.courier.drained(PATIENCE_S)
    assert bench.state is State.DELIVERED


def test_a_result_in_memory_holds_its_place(tmp_path: Path) -> None:
    """On a full disk there must not be many of them."""
    bench = Bench(tmp_path, hold_s=0.01)
    (tmp_path / "results").rmdir()
    (tmp_path / "results").write_text("in the way")

    async def story() -> None:
        bench.platform.gate.clear()
        handle = asyncio.create_task(bench.handle())
        await until(bench.platform.asked.is_set)
        done, _ = await asyncio.wait({handle}, timeout=0.1)
        assert not done
        bench.platform.gate.set()
        await handle

    asyncio.run(story())
    assert bench.platform.got == [("a", b'{"output":{"images":["x"]}}')]


def test_a_result_that_is_no_json_ends_as_an_error(tmp_path: Path) -> None:
    """The SDK would post nothing, and the job would stay in progress for ever."""

    async def nonsense(_life: Life) -> dict[str, Any]:
        return {"images": ["\ud800"]}

    bench = Bench(tmp_path, nonsense)
    asyncio.run(bench.handle())
    assert json.loads(bench.platform.got[-1][1])["error"].startswith("INTERNAL: the result cannot")


def test_what_the_sdk_makes_itself_is_delivered(tmp_path: Path) -> None:
    """It is the only result there is; its word for one that was delivered is none."""
    bench = Bench(tmp_path)
    bench.platform.gate.clear()
    bench.durable.posted("a", b'{"error":"x"}')
    bench.durable.posted("a", b'{"output":"later"}')
    bench.platform.gate.set()
    assert bench.courier.drained(PATIENCE_S)
    assert bench.platform.got == [("a", b'{"error":"x"}')]


def test_what_is_left_is_run_once_the_sdk_has_gone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each job that nobody has begun, whether it was handed out or not."""
    caplog.set_level(logging.INFO)
    bench = Bench(tmp_path)
    bench.journal.grant("b", job("b"))
    asyncio.run(bench.durable.run_left())
    assert sorted(name for name, _ in bench.platform.got) == ["a", "b"]
    assert "job a was granted while the worker was leaving" in caplog.text
