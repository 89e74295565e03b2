"""The rendered configuration of every profile, kept beside this file for people to review.

`make golden` writes them anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from podkeeper.render import supervisord_conf
from podkeeper.settings import layers

if TYPE_CHECKING:
    from collections.abc import Callable

    from supervisor.options import ServerOptions

    from podkeeper.settings.plan import Plan

HERE = Path(__file__).parent


def golden(profile: str) -> Path:
    """Return the reviewed rendering of a profile."""
    return HERE / f"supervisord.{profile}.conf"


@pytest.mark.parametrize("profile", layers.profile_names())
def test_a_profile_renders_as_reviewed(profile: str, plan_of: Callable[..., Plan]) -> None:
    """A change of what supervisord is told shows as a change of a file."""
    text = supervisord_conf(plan_of(profile=profile, fixed=True))
    if os.environ.get("GOLDEN") == "refresh":
        golden(profile).write_text(text, encoding="utf-8")
    assert text == golden(profile).read_text(encoding="utf-8")


@pytest.mark.parametrize("profile", layers.profile_names())
def test_supervisor_accepts_a_profile(
    profile: str, tmp_path: Path, supervisor_reads: Callable[[str], ServerOptions]
) -> None:
    """Supervisor's own parser takes the reviewed file; only its folder is one that exists here."""
    text = golden(profile).read_text(encoding="utf-8").replace("/run/podkeeper", str(tmp_path))
    options = supervisor_reads(text)
    names = {each.name for each in options.process_group_configs}
    assert {"keeper", "watchdog", "webui", "handler"} <= names


def test_every_golden_file_belongs_to_a_profile() -> None:
    """No file is left behind by a profile that is gone."""
    kept = {path.name for path in HERE.glob("*.conf")}
    assert kept == {golden(profile).name for profile in layers.profile_names()}
