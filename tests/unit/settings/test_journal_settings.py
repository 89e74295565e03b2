"""Which times of the journal go together."""

from __future__ import annotations

import pytest

from podkeeper.errors import SettingsError
from podkeeper.settings.load import Source, load


@pytest.mark.parametrize(
    ("assignments", "said"),
    [
        (("journal.backoff_first_s=31s",), "journal.backoff_first_s = 31.0"),
        (("journal.poll_s=86s",), "journal.poll_s = 86.0"),
        (("journal.poll_backoff_max_s=10s",), "journal.poll_s = 80.0"),
        (("journal.leave_s=15min",), "journal.leave_s = 900.0"),
        (("journal.take_up_s=5s",), "journal.take_up_s = 5.0"),
    ],
)
def test_times_that_contradict_each_other_are_refused(
    assignments: tuple[str, ...], said: str
) -> None:
    """The SDK's own bound, a handler's stop and the sign of life are kept."""
    with pytest.raises(SettingsError) as caught:
        load(Source(assignments=assignments))
    assert said in str(caught.value)


def test_taking_up_can_be_left_to_the_platform() -> None:
    """0 stands for always waiting for another grant."""
    assert load(Source(assignments=("journal.take_up_s=0",))).settings.journal.take_up_s == 0
