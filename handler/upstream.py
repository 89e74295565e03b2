"""How is the platform asked for jobs and stops?

Covers: one long poll as the SDK would make it, the pause that has to follow it, and one line when
an outage begins and one when it ends.
Leaves out: what is in an answer (`relay`), results (`courier`).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Generic, TypeVar

import aiohttp
import msgspec

from handler.poster import retry_after_s
from podkeeper.policy.delivery import pause_s
from podkeeper.units import format_span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from podkeeper.policy.backoff import Backoff

T = TypeVar("T")
log = logging.getLogger("handler")

#: What an answer that makes no sense raises.
UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError, KeyError, RecursionError)
#: What the platform answers where there is nothing; 400 comes while a worker is being frozen.
_NOTHING = (HTTPStatus.NO_CONTENT, HTTPStatus.BAD_REQUEST)
_NOT_HANDED_ON = ("host", "connection", "accept-encoding", "content-length", "transfer-encoding")


@dataclass(frozen=True)
class Waits:
    """How polls are bounded and spaced, in seconds."""

    poll_s: float
    pause_s: float
    backoff: Backoff


@dataclass(frozen=True)
class Polled(Generic[T]):
    """What a poll has brought."""

    #: What was in the answer; None where there was nothing, or no answer.
    found: T | None
    #: How long to wait before the next one.
    pause_s: float


class _TroubleError(Exception):
    """The platform gives no answer that can be used."""

    def __init__(self, note: str, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(note)


class Upstream(Generic[T]):
    """One kind of poll at the platform."""

    def __init__(
        self,
        what: str,
        base: str,
        read: Callable[[bytes], T],
        waits: Waits,
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        """Take note of whom to ask.

        Args:
            what: What is asked for, as people call it.
            base: The platform's address: scheme, host and port.
            read: Makes something of an answer, or raises one of `UNREADABLE`.
            waits: Bounds and pauses.
            heard: Told when the platform answers again after an outage.
        """
        self._what = what
        self._base = base
        self._read = read
        self._waits = waits
        self._heard = heard
        self._failures = 0
        self._trouble_since_s = 0.0
        self._session: aiohttp.ClientSession | None = None

    async def poll(self, path: str, headers: Mapping[str, str]) -> Polled[T]:
        """Ask once, at a path with its query, with the SDK's own headers."""
        started_s, found = time.monotonic(), None
        try:
            body = await self._ask(path, headers)
            found = None if body is None else self._read(body)
        except _TroubleError as trouble:
            return Polled(None, self._failed(str(trouble), trouble.retry_after_s))
        except TimeoutError:
            pass  # held for as long as a poll may be
        except UNREADABLE as error:
            return Polled(None, self._failed(f"its answer is unreadable ({_named(error)})"))
        except (aiohttp.ClientError, OSError) as error:
            return Polled(None, self._failed(_named(error)))
        self._recovered()
        lasted_s = time.monotonic() - started_s
        empty = found is None
        return Polled(found, max(0.0, self._waits.pause_s - lasted_s) if empty else 0.0)

    async def _ask(self, path: str, headers: Mapping[str, str]) -> bytes | None:
        sent = {name: each for name, each in headers.items() if name.lower() not in _NOT_HANDED_ON}
        async with self._opened().get(self._base + path, headers=sent) as response:
            if response.status in _NOTHING:
                return None
            if response.status != HTTPStatus.OK:
                asked_s = retry_after_s(response.headers.get("Retry-After", ""), time.time())
                raise _TroubleError(f"it answered {response.status}", asked_s)
            if response.content_type != "application/json":
                raise _TroubleError(f"it answered {response.content_type}")
            return await response.read() or None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            # As the SDK does it: no proxy of the environment, and no bound on a body's size.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=self._waits.poll_s),
            )
        return self._session

    def _failed(self, note: str, asked_s: float | None = None) -> float:
        if not self._failures:
            self._trouble_since_s = time.monotonic()
            log.warning("cannot ask the platform for %s: %s; trying on", self._what, note)
        self._failures += 1
        luck = random.random()  # noqa: S311 - it spreads tries, it guards nothing
        return pause_s(self._waits.backoff, self._failures, luck, asked_s)

    def _recovered(self) -> None:
        if self._failures:
            away_s = time.monotonic() - self._trouble_since_s
            log.info(
                "the platform answers again when asked for %s, after %s and %d tries",
                self._what,
                format_span(away_s),
                self._failures,
            )
            self._failures = 0
            self._heard()

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()


def _named(error: Exception) -> str:
    return type(error).__name__


async def pause(span_s: float) -> None:
    """Wait, where there is something to wait for."""
    if span_s > 0:
        await asyncio.sleep(span_s)
