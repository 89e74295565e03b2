"""Faults of the plugin."""

from __future__ import annotations

from types import SimpleNamespace

from hooks.plugin_guard import _SAID_AT_MOST, Guard


def test_a_fault_is_said_a_bounded_number_of_times_and_never_raised() -> None:
    """A callback that always fails costs lines in the log, not supervisord."""
    said: list[str] = []
    logger = SimpleNamespace(critical=said.append)
    guard = Guard(SimpleNamespace(options=SimpleNamespace(logger=logger)))

    def fail(event: object) -> None:
        """Fail."""
        raise ValueError(event)

    for number in range(100):
        guard(fail)(number)
    assert len(said) == _SAID_AT_MOST
    assert "fail" in said[0]
    assert "ValueError: 0" in said[0]
    assert "\n" not in said[0]


def test_what_does_not_fail_is_done() -> None:
    """The guard is in nobody's way."""
    seen: list[object] = []
    Guard(SimpleNamespace(options=SimpleNamespace(logger=None)))(seen.append)(1)
    assert seen == [1]
