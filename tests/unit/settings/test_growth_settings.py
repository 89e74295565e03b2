"""How growth is judged, by settings."""

from __future__ import annotations

import dataclasses

import pytest

from podkeeper.errors import SettingsError
from podkeeper.policy import forecast, leak
from podkeeper.settings.load import Source, load
from podkeeper.settings.schema import sections


@pytest.mark.parametrize(("section", "rules"), [("leak", leak.Rules), ("forecast", forecast.Rules)])
def test_settings_are_the_rules_name_by_name(section: str, rules: type) -> None:
    """Neither has one that the other lacks."""
    names = [field.name for field in dataclasses.fields(rules)]
    assert names == list(sections()[section].__struct_fields__)


@pytest.mark.parametrize(
    ("assignments", "path", "allowed"),
    [
        (["leak.blocks=7"], "leak.least_blocks", "must not exceed leak.blocks (7)"),
        (["forecast.points=5"], "forecast.least_points", "must not exceed forecast.points (5)"),
        (["leak.least_blocks=4"], "leak.least_blocks", "must be a whole number, at least 5"),
        (["forecast.points=101"], "forecast.points", "must be a whole number from 5 to 100"),
        (["leak.slow_factor=1"], "leak.slow_factor", "must be a whole number, at least 2"),
    ],
)
def test_what_could_never_be_sure_is_refused(
    assignments: list[str], path: str, allowed: str
) -> None:
    """Each with the setting that is wrong."""
    with pytest.raises(SettingsError) as refused:
        load(Source(assignments=tuple(assignments)))
    assert [(each.path, each.allowed) for each in refused.value.complaints] == [(path, allowed)]
