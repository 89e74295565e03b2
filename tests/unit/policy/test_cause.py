"""Why a process ended."""

from __future__ import annotations

import pytest

from podkeeper.policy.cause import Cause, End, explain, signal_name

CASES = {
    "plain exit": (End(exit_code=3), Cause.EXIT, "code 3"),
    "exit 0 is a death too": (End(exit_code=0), Cause.EXIT, "code 0"),
    "kill -9 by somebody": (End(signal=9), Cause.SIGNAL, "SIGKILL"),
    "counter did not move": (
        End(signal=9, oom_kills_before=2, oom_kills_after=2),
        Cause.SIGNAL,
        "SIGKILL",
    ),
    "kernel oom": (
        End(signal=9, oom_kills_before=2, oom_kills_after=3),
        Cause.KERNEL_OOM,
        "out of memory",
    ),
    "oom of somebody else": (
        End(signal=11, oom_kills_before=2, oom_kills_after=3),
        Cause.SIGNAL,
        "SIGSEGV",
    ),
    "counter unknown": (End(signal=9, oom_kills_after=3), Cause.SIGNAL, "SIGKILL"),
    "core": (End(signal=6, dumped_core=True), Cause.SIGNAL, "core dumped"),
    "our own deed": (End(signal=9, own_cause=Cause.MEMORY_HARD), Cause.MEMORY_HARD, "memory limit"),
    "nothing known": (End(), Cause.UNKNOWN, "not seen"),
}


@pytest.mark.parametrize(("end", "cause", "words"), CASES.values(), ids=CASES.keys())
def test_each_end_has_its_cause(end: End, cause: Cause, words: str) -> None:
    """The kernel's word, its counter and our own deed together name one cause."""
    why = explain(end)
    assert why.cause == cause
    assert words in why.sentence


def test_a_signal_without_a_name_is_still_named() -> None:
    """A real-time signal has a number only."""
    assert signal_name(9) == "SIGKILL"
    assert signal_name(99) == "signal 99"
