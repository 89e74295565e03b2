"""What is asked of one WebUI that is to give memory back, and what came of it?

Covers: podkeeper's extension, mildest first: caches, and spare checkpoints only where that was not
enough. Without the extension all that helps is to take the checkpoint off the GPU and put it back,
which empties torch's cache: always both, because 1.10.1 does not put it back by itself, and only
while no job runs, because these routes of A1111 wait for none. RAM it gives back to nobody.
Leaves out: threads and signals (`actuators.reclaim`).
"""

from __future__ import annotations

import time
from typing import NamedTuple

import msgspec

from podkeeper.loopback import Reply, ask
from podkeeper.model.webui_answers import of_own
from podkeeper.units import format_size, format_span

_OK, _NOT_FOUND = 200, 404
_MOST_BYTES = 1 << 16
_API = "/sdapi/v1/"
#: A pair that is begun is ended, whatever the bound: without its second half every job would fail.
_TRIES = 3


class Bounds(NamedTuple):
    """How long it may take."""

    #: Wait for the WebUI to be idle.
    wait_s: float
    #: The whole.
    timeout_s: float


class Wanted(NamedTuple):
    """What is short."""

    #: Video memory, rather than RAM.
    vram: bool
    #: None where it is not known how much.
    missing_bytes: int | None
    #: Whether the WebUI is known to have no job in hand.
    idle: bool


class _Total(msgspec.Struct, frozen=True):
    freed_bytes: int | None = None


class _Step(msgspec.Struct, frozen=True):
    name: str
    done: bool
    detail: str | None = None


class _Answer(msgspec.Struct, frozen=True):
    """What the extension answers."""

    idle: bool
    steps: list[_Step]
    ram: _Total
    vram: _Total

    def freed_bytes(self, *, vram: bool) -> int | None:
        return (self.vram if vram else self.ram).freed_bytes


class _Reading(msgspec.Struct, frozen=True):
    """What A1111 says of its job."""

    state: dict[str, str | int | bool | None]


def _words(answers: list[_Answer]) -> str:
    """Return what came of it."""
    steps = [step for answer in answers for step in answer.steps]
    if not any(answer.idle for answer in answers):
        return f"nothing given back: {steps[0].detail if steps else 'it was not idle'}"
    told = []
    for name, vram in (("RAM", False), ("video memory", True)):
        known = [each.freed_bytes(vram=vram) for each in answers]
        if None not in known:
            told.append(f"{format_size(sum(each or 0 for each in known))} of {name}")
    done = [step.name for step in steps if step.done]
    left = [f"{step.name} left out: {step.detail}" for step in steps if not step.done]
    parts = [f"gave back {' and '.join(told) or 'an unknown amount'}", *left]
    return f"{'; '.join(parts)} ({', '.join(dict.fromkeys(done))})"


def _is_enough(answer: _Answer, wanted: Wanted) -> bool:
    freed = answer.freed_bytes(vram=wanted.vram)
    if wanted.missing_bytes is None or freed is None:
        return True
    return freed >= wanted.missing_bytes


def _ask_extension(base: str, bounds: Bounds, left_s: float, *, drop: bool) -> Reply:
    wait_s = min(bounds.wait_s, left_s)
    body = msgspec.json.encode({"wait_s": wait_s, "drop_checkpoints": drop})
    return ask(f"{base}/podkeeper/reclaim", left_s, body=body, most_bytes=_MOST_BYTES)


def relieve(base: str, wanted: Wanted, bounds: Bounds) -> str:
    """Ask the WebUI at this address to give memory back, and say what came of it."""
    end_s = time.monotonic() + bounds.timeout_s
    answers: list[_Answer] = []
    for drop in (False, True):
        reply = _ask_extension(base, bounds, end_s - time.monotonic(), drop=drop)
        if reply.status == _NOT_FOUND and not answers:
            return _without_extension(base, wanted, end_s)
        if reply.status != _OK:
            failure = f"no answer to {'drop checkpoints' if drop else 'reclaim'}: {reply.detail}"
            return "; ".join([*([_words(answers)] if answers else []), failure])
        answers.append(msgspec.json.decode(reply.body, type=_Answer))
        if not answers[-1].idle or _is_enough(answers[-1], wanted):
            break
    return _words(answers)


def _without_extension(base: str, wanted: Wanted, end_s: float) -> str:
    if not wanted.vram:
        return "nothing given back: without podkeeper's extension a WebUI gives back no RAM"
    if not wanted.idle:
        return "nothing given back: it is not known to be idle, and it has no extension that waits"
    reply = ask(
        f"{base}{_API}progress?skip_current_image=true",
        end_s - time.monotonic(),
        most_bytes=_MOST_BYTES,
    )
    if reply.status != _OK:
        return f"nothing given back: no answer on its progress: {reply.detail}"
    if msgspec.json.decode(reply.body, type=_Reading).state.get("job"):
        return "nothing given back: a job has begun"
    return _off_and_on(base, end_s)


def _reserved_bytes(base: str, timeout_s: float) -> int | None:
    """Return the video memory that torch holds, or None where A1111 does not tell."""
    reply = ask(f"{base}{_API}memory", timeout_s, most_bytes=_MOST_BYTES)
    try:
        return of_own(reply.body, 0.0).reserved_bytes if reply.status == _OK else None
    except msgspec.MsgspecError:
        return None


def _off_and_on(base: str, end_s: float) -> str:
    """Take the checkpoint off the GPU and put it back; the second whatever came of the first."""
    began_s = time.monotonic()
    span_s = end_s - began_s
    before = _reserved_bytes(base, span_s)
    off = ask(f"{base}{_API}unload-checkpoint", span_s, body=b"{}")
    for _ in range(_TRIES):
        on = ask(f"{base}{_API}reload-checkpoint", span_s, body=b"{}")
        if on.status == _OK:
            break
    else:
        return f"took the checkpoint off the GPU and cannot put it back: {on.detail}"
    if off.status != _OK:
        return f"nothing given back: cannot take the checkpoint off the GPU: {off.detail}"
    after = _reserved_bytes(base, span_s)
    known = before is not None and after is not None
    freed = format_size((before or 0) - (after or 0)) if known else "an unknown amount"
    took = format_span(time.monotonic() - began_s)
    return f"gave back {freed} of video memory (checkpoint off the GPU and on again, {took})"
