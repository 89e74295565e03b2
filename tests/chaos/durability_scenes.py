"""What befalls a job on its way, at each step of it?

Covers: each scene by its name: one job, one fault at one step, and what the client must get.
Leaves out: the processes (`durability_rig`), what must hold for every job (`durability_judge`).
"""

from __future__ import annotations

import random
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from durability_rig import Rig, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

_TIMEOUT_MS = 1500
#: Longer than the platform waits for a heartbeat.
_FROZEN_S = 8.0


@dataclass(frozen=True)
class Scene:
    """One kind of fault."""

    act: Callable[[Rig, str, str], None]
    #: What the client gets: a status, or the code of its error.
    ends: str = "COMPLETED"
    #: What the attempts do at the WebUI.
    deeds: tuple[str, ...] = ()
    #: Whether the platform may get a result twice because it kept its answer to itself.
    unanswered: bool = False
    timeout_ms: int | None = None


def _state(rig: Rig, job_id: str) -> str:
    entry = rig.entry(job_id)
    return "" if entry is None else str(entry.state)


def _wait_for_state(rig: Rig, job_id: str, *states: str) -> None:
    wait_for(lambda: _state(rig, job_id) in states, f"{job_id} to be {' or '.join(states)}")


def _wait_until_busy(rig: Rig, prompt: str) -> None:
    wait_for(lambda: rig.scripts.hangs(prompt), "the job at the WebUI")


def _wait_for_tries(rig: Rig, job_id: str, tries: int = 1) -> None:
    def tried() -> bool:
        entry = rig.entry(job_id)
        return entry is not None and entry.tries >= tries

    wait_for(tried, f"{tries} tries to deliver")


def _wait_for_kind(rig: Rig, job_id: str, kind: str) -> None:
    wait_for(lambda: kind in rig.kinds(job_id), f"{job_id} to be {kind}")


def nothing(_rig: Rig, _job_id: str, _prompt: str) -> None:
    """Let a job pass."""


def kill_before_the_journal(rig: Rig, job_id: str, _prompt: str) -> None:
    """The platform has granted the job, and the handler could not write that down."""
    _wait_for_kind(rig, job_id, "granted")
    rig.kill_handler()
    assert rig.entry(job_id) is None, "the job is in the journal although that is locked"
    rig.start_handler()


def kill_accepted(rig: Rig, job_id: str, _prompt: str) -> None:
    """The job is in the journal; nobody knows how far it is."""
    wait_for(lambda: rig.entry(job_id), "the job in the journal")
    rig.restart_handler()


def kill_mid_job(rig: Rig, job_id: str, prompt: str) -> None:
    """The job is at the WebUI."""
    _wait_until_busy(rig, prompt)
    _wait_for_state(rig, job_id, "running")
    rig.restart_handler()


def kill_twice(rig: Rig, job_id: str, prompt: str) -> None:
    """The handler dies under the same job again."""
    kill_mid_job(rig, job_id, prompt)
    wait_for(lambda: len(rig.scripts.seeds[prompt]) == 2, "the second attempt")
    kill_mid_job(rig, job_id, prompt)


def kill_spooled(rig: Rig, job_id: str, _prompt: str) -> None:
    """The result is there, and the platform does not take it."""
    _wait_for_tries(rig, job_id)
    rig.kill_handler()
    rig.no_faults()
    rig.start_handler()


def kill_delivering(rig: Rig, job_id: str, _prompt: str) -> None:
    """The result is on its way."""
    _wait_for_state(rig, job_id, "finished")
    rig.kill_handler()
    rig.no_faults()
    rig.start_handler()


def kill_delivered(rig: Rig, job_id: str, _prompt: str) -> None:
    """The platform has the result, and the journal does not know that yet."""
    _wait_for_kind(rig, job_id, "done")
    rig.kill_handler()
    rig.no_faults()
    rig.start_handler()


def break_the_journal(rig: Rig, job_id: str, _prompt: str) -> None:
    """The journal is unreadable after the kill; the result is there."""
    _wait_for_tries(rig, job_id)
    rig.kill_handler()
    for each in rig.journal_path.parent.glob("journal.sqlite3-*"):
        each.unlink()
    rig.journal_path.write_bytes(b"nothing that can be read" * 100)
    rig.no_faults()
    rig.start_handler()


def platform_refuses(rig: Rig, job_id: str, _prompt: str) -> None:
    """The platform answers with errors for a while."""
    _wait_for_tries(rig, job_id, 4)
    rig.no_faults()


def platform_is_down(rig: Rig, job_id: str, prompt: str) -> None:
    """Nothing listens when the result is there."""
    _wait_until_busy(rig, prompt)
    rig.stop_platform()
    rig.scripts.release(prompt)
    _wait_for_tries(rig, job_id, 2)
    rig.start_platform()


def term_mid_job(rig: Rig, _job_id: str, prompt: str) -> None:
    """The handler is told to leave while the job is at the WebUI."""
    _wait_until_busy(rig, prompt)
    rig.signal_handler(signal.SIGTERM)
    rig.scripts.release(prompt)
    assert rig.wait_for_end() == 0, "the handler did not leave cleanly"
    rig.start_handler()


def term_at_once(rig: Rig, _job_id: str, _prompt: str) -> None:
    """The handler is told to leave just when the job comes."""
    rig.signal_handler(signal.SIGTERM)
    assert rig.wait_for_end() == 0, "the handler did not leave cleanly"
    rig.start_handler()


def term_delivering(rig: Rig, job_id: str, _prompt: str) -> None:
    """The handler is told to leave while the platform takes no result."""
    _wait_for_tries(rig, job_id)
    rig.signal_handler(signal.SIGTERM)
    _wait_for_tries(rig, job_id, 3)
    rig.no_faults()
    assert rig.wait_for_end() == 0, "the handler did not leave cleanly"
    rig.start_handler()


def granted_twice(rig: Rig, job_id: str, _prompt: str) -> None:
    """The platform hands the job out once more, whether it has the result or not."""
    _wait_for_kind(rig, job_id, "granted_again")


def full_disk(rig: Rig, job_id: str, prompt: str) -> None:
    """Neither the journal nor the result can be written."""
    _wait_until_busy(rig, prompt)
    begun = len(rig.lines)
    rig.fill_disk(full=True)
    rig.scripts.release(prompt)
    _wait_for_kind(rig, job_id, "done")
    said = [each for each in rig.lines[begun:] if "a kill of the handler may cost them" in each]
    assert said, "nobody has said that the disk is full"
    assert len(said) <= 2, "it is said again and again"
    rig.fill_disk(full=False)
    _wait_for_state(rig, job_id, "delivered")


def freeze(rig: Rig, job_id: str, prompt: str) -> None:
    """The platform takes the worker for dead and grants the job again, to the same one."""
    _wait_until_busy(rig, prompt)
    rig.signal_handler(signal.SIGSTOP, group=True)
    threading.Event().wait(_FROZEN_S)
    _wait_for_kind(rig, job_id, "requeued")
    rig.signal_handler(signal.SIGCONT, group=True)
    rig.scripts.release(prompt)


def cancel(rig: Rig, job_id: str, prompt: str) -> None:
    """The client does not want the job any more."""
    _wait_until_busy(rig, prompt)
    rig.client.cancel(job_id)
    _wait_for_state(rig, job_id, "unwanted")
    wait_for(lambda: not rig.scripts.hangs(prompt), "the WebUI to have stopped")


def time_out(rig: Rig, job_id: str, prompt: str) -> None:
    """The platform ends the job, and the GPU must not go on."""
    _wait_until_busy(rig, prompt)
    _wait_for_kind(rig, job_id, "timed_out")
    wait_for(lambda: not rig.scripts.hangs(prompt), "the WebUI to have stopped")


#: Faults of the platform that are there when the job is submitted.
FAULTS: dict[str, dict[str, object]] = {
    "kill spooled": {"kind": "answer", "route": "done", "status": 503, "times": None},
    "kill delivering": {"kind": "hang", "route": "done", "times": None},
    "kill delivered": {"kind": "hang", "route": "done", "times": None, "act": True},
    "break the journal": {"kind": "answer", "route": "done", "status": 503, "times": None},
    "platform answers 500": {"kind": "answer", "route": "done", "status": 500, "times": None},
    "platform answers 429": {"kind": "answer", "route": "done", "status": 429, "times": None},
    "platform hangs": {"kind": "hang", "route": "done", "delay_s": 3, "times": 1},
    "platform cuts": {"kind": "drop", "route": "done", "times": 3},
    "answer lost": {"kind": "drop", "route": "done", "times": 1, "act": True},
    "too large": {"kind": "answer", "route": "done", "status": 400, "times": 1},
    "polls fail": {"kind": "answer", "route": "take", "status": 502, "times": 5},
    "granted twice": {"kind": "duplicate_delivery", "times": 1},
    "late grant": {"kind": "late_grant", "delay_s": 1.0, "times": 1},
    "term delivering": {"kind": "answer", "route": "done", "status": 503, "times": None},
}

SCENES: dict[str, Scene] = {
    "nothing": Scene(nothing),
    "kill before the journal": Scene(kill_before_the_journal),
    "kill accepted": Scene(kill_accepted),
    "kill mid-job": Scene(kill_mid_job, deeds=("hang",)),
    "kill twice": Scene(kill_twice, "POISON_JOB", deeds=("hang", "hang", "hang")),
    "kill spooled": Scene(kill_spooled),
    "kill delivering": Scene(kill_delivering),
    "kill delivered": Scene(kill_delivered, unanswered=True),
    "break the journal": Scene(break_the_journal),
    "webui dies": Scene(nothing, deeds=("die",)),
    "webui dies twice": Scene(nothing, "POISON_JOB", deeds=("die", "die")),
    "platform answers 500": Scene(platform_refuses),
    "platform answers 429": Scene(platform_refuses),
    "platform hangs": Scene(nothing),
    "platform cuts": Scene(nothing),
    "platform is down": Scene(platform_is_down, deeds=("hang",)),
    "answer lost": Scene(nothing, unanswered=True),
    "too large": Scene(nothing, "OUTPUT_TOO_LARGE"),
    "polls fail": Scene(nothing),
    "granted twice": Scene(granted_twice),
    "late grant": Scene(term_at_once),
    "term at once": Scene(term_at_once),
    "term mid-job": Scene(term_mid_job, deeds=("hang",)),
    "term delivering": Scene(term_delivering),
    "full disk": Scene(full_disk, deeds=("hang",)),
    "frozen": Scene(freeze, deeds=("hang",)),
    "cancelled": Scene(cancel, "CANCELLED", deeds=("hang",)),
    "timed out": Scene(time_out, "TIMED_OUT", deeds=("hang",), timeout_ms=_TIMEOUT_MS),
}
#: Scenes that need no other handler, and are over soon, come more often.
_WEIGHTS = {"nothing": 6, "webui dies": 3, "platform cuts": 2, "answer lost": 2, "granted twice": 2}


def draw(seed: int, count: int) -> list[str]:
    """Return the names of so many scenes; the same seed gives the same ones.

    Each comes at least once where there is room for all.
    """
    luck = random.Random(seed)  # noqa: S311 - a plan, not a secret
    names = list(SCENES)
    luck.shuffle(names)
    weights = [_WEIGHTS.get(each, 1) for each in SCENES]
    more = luck.choices(list(SCENES), weights, k=max(0, count - len(names)))
    luck.shuffle(more)
    return [*names[:count], *more]
