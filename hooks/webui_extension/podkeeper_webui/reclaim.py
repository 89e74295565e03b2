"""How is memory given back, never inside a job, and what came of it?"""

from __future__ import annotations

import contextlib
import gc
import time
from typing import TYPE_CHECKING, Any

from . import checkpoints, cuda, host, process, release
from .host import Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Pause between two tries for the queue lock, which knows no deadline of its own.
_TRY_S = 0.05


@contextlib.contextmanager
def idle(wait_s: float) -> Iterator[bool]:
    """Hold the WebUI's queue lock; give False where no instant without a job came in time.

    Trying instead of queueing: those who wait their turn are served first.

    Raises:
        MissingError: The WebUI has no such lock, so that nobody can tell.
    """
    lock = host.part("modules.call_queue", "queue_lock")
    end_s = time.monotonic() + wait_s
    while not lock.acquire(False):  # noqa: FBT003 - the WebUI's own lock takes it by position
        if time.monotonic() >= end_s:
            yield False
            return
        time.sleep(_TRY_S)
    try:
        yield True
    finally:
        lock.release()


def _collect() -> str:
    return f"{gc.collect()} objects"


def _release() -> str:
    return release.release(process.allocator())


#: What is done in this order, after spare checkpoints where they are to go.
_STEPS: dict[str, Callable[[], str]] = {
    "collect_garbage": _collect,
    "empty_cuda_cache": cuda.empty,
    "release_allocator": _release,
}


def _held() -> dict[str, int | None]:
    missing = Missing()
    torch = missing.ask("torch", cuda.counters) or {}
    reserved = torch.get("reserved_bytes")
    return {
        "ram": missing.ask("ram", process.anon_bytes),
        "vram": None if reserved is None else int(reserved),
    }


def _freed(before: dict[str, int | None], after: dict[str, int | None], name: str) -> int | None:
    one, other = before[name], after[name]
    return None if one is None or other is None else one - other


def _step(name: str, work: Callable[[], str]) -> dict[str, Any]:
    before, began_s, missing = _held(), time.monotonic(), Missing()
    done = missing.ask(name, work)
    after = _held()
    return {
        "name": name,
        "done": done is not None,
        "detail": missing.why.get(name) if done is None else done,
        "ram_freed_bytes": _freed(before, after, "ram"),
        "vram_freed_bytes": _freed(before, after, "vram"),
        "took_s": time.monotonic() - began_s,
    }


def _skipped(name: str, why: str) -> dict[str, Any]:
    return {
        "name": name,
        "done": False,
        "detail": why,
        "ram_freed_bytes": None,
        "vram_freed_bytes": None,
        "took_s": 0.0,
    }


def _steps(*, drop_checkpoints: bool) -> dict[str, Callable[[], str]]:
    drop = {"drop_checkpoints": checkpoints.drop_spare} if drop_checkpoints else {}
    return {**drop, **_STEPS}


def _carry_out(
    wait_s: float, steps: dict[str, Callable[[], str]]
) -> tuple[bool, list[dict[str, Any]]]:
    """Return whether the WebUI was idle, and what came of each step."""
    try:
        with idle(wait_s) as is_idle:
            if is_idle:
                return True, [_step(name, work) for name, work in steps.items()]
            why = f"a job held the queue for {wait_s:g} s"
    except host.MissingError as error:
        why = f"cannot tell whether a job runs: {error}"
    return False, [_skipped(name, why) for name in steps]


def reclaim(wait_s: float, *, drop_checkpoints: bool) -> dict[str, Any]:
    """Give back what can be given back, once the WebUI is idle, and return what came of it.

    RAM is anonymous memory, video memory what torch has reserved; what grew meanwhile is below 0.
    """
    began_s, before = time.monotonic(), _held()
    is_idle, steps = _carry_out(wait_s, _steps(drop_checkpoints=drop_checkpoints))
    after = _held()
    return {
        "idle": is_idle,
        "steps": steps,
        **{
            name: {
                "before_bytes": before[name],
                "after_bytes": after[name],
                "freed_bytes": _freed(before, after, name),
            }
            for name in ("ram", "vram")
        },
        "took_s": time.monotonic() - began_s,
    }


def tidy() -> bool:
    """Give back what can be given back if no job runs or waits; return whether that was so."""
    missing = Missing()

    def work() -> bool:
        with idle(0) as is_idle:
            for name, step in _STEPS.items() if is_idle else ():
                missing.ask(name, step)
            return is_idle

    return bool(missing.ask("idle", work))
