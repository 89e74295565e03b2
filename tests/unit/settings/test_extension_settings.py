"""Times of the extension that contradict each other or others."""

from __future__ import annotations

import pytest

from podkeeper.errors import SettingsError
from podkeeper.settings.load import Source, load


@pytest.mark.parametrize(
    ("assignments", "path"),
    [
        (("extension.reclaim_wait_s=2min",), "extension.reclaim_wait_s"),
        (("extension.reclaim_timeout_s=5s",), "extension.reclaim_timeout_s"),
        (("extension.read_timeout_s=5s",), "extension.probe_timeout_s"),
        (("extension.stacks_timeout_s=6s",), "extension.stacks_timeout_s"),
        (("keeper.dump_wait_s=1s",), "extension.stacks_timeout_s"),
    ],
)
def test_a_bound_that_another_would_never_reach_is_refused(
    assignments: tuple[str, ...], path: str
) -> None:
    """The complaint names the setting and the one it must fit."""
    with pytest.raises(SettingsError) as refused:
        load(Source(assignments=assignments))
    assert path in [each.path for each in refused.value.complaints]


def test_the_defaults_fit_each_other() -> None:
    """With nothing set there is nothing to complain of."""
    assert load(Source()).settings.extension.install
