"""Where the lines of a signal are."""

from __future__ import annotations

from podkeeper.policy import signals
from podkeeper.policy.signals import Kind, Shares, Signal


def test_lines_are_shares_of_what_there_is() -> None:
    """A tenth of a thousand is a hundred, and it is released a little above."""
    lines = signals.lines(Shares(0.1, 0.05, 0.02), 1000, 1.25, 15)
    assert (lines.soft, lines.hard, lines.critical, lines.release) == (100, 50, 20, 125)


def test_a_large_capacity_is_not_asked_for_more_than_most() -> None:
    """All lines shrink alike."""
    lines = signals.lines(Shares(0.1, 0.05, most=10), 1000, 1.25, 15)
    assert (lines.soft, lines.hard, lines.release) == (10, 5, 12.5)


def test_a_signal_says_of_what_it_is() -> None:
    """The worker as a whole has no name."""
    assert str(Signal(Kind.OPEN_FILES, "webui")) == "open files of webui"
    assert str(Signal(Kind.MEMORY)) == "memory"
