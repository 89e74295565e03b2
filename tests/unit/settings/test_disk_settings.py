"""Which folders may be named for cleaning, and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from podkeeper.errors import SettingsError
from podkeeper.loops.cleaning import cleaner_of, kept_by, rules_of
from podkeeper.policy.cleaning import Rule
from podkeeper.settings.load import Source, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.settings.plan import Plan

DAY_S = 86400.0


def chosen(*assignments: str, profile: str = "a1111") -> object:
    """Return the disk settings of a profile and some assignments."""
    return load(Source(assignments=assignments, profile=profile)).settings.disk


def test_a1111s_own_outputs_are_cleaned() -> None:
    """Relative folders lie below the WebUI's; kinds without folders have no rule."""
    assert rules_of(chosen(), "/webui") == [
        Rule("temporary", ("/tmp/gradio",), 3600.0),
        Rule("packages", ("/root/.cache/pip", "/root/.cache/uv"), 3600.0),
        Rule("outputs", ("/webui/outputs",), DAY_S),
    ]


def test_the_order_is_as_wanted_and_may_be_empty() -> None:
    """A kind that is left out is never removed, and where podkeeper is only tried none is."""
    found = rules_of(chosen("disk.order=models,outputs", "disk.models=//m/./hub/"), "/webui/")
    assert [(each.kind, each.folders) for each in found] == [
        ("models", ("/m/hub",)),
        ("outputs", ("/webui/outputs",)),
    ]
    assert rules_of(chosen(profile="simulator"), "/webui") == []


@pytest.mark.parametrize(
    "folder",
    [
        "/",
        "//",
        "/.",
        "/usr/",
        "/usr//lib",
        "/root",
        "",
        ".",
        "./",
        "../x",
        "a/../..",
        "~/x",
        "a\0b",
    ],
)
def test_folders_that_are_too_wide_are_refused(folder: str) -> None:
    """A folder of the system's, the WebUI's own and a way out of it are complaints."""
    with pytest.raises(SettingsError, match=r"disk\.temporary"):
        load(Source(assignments=(f'disk.temporary=["{folder}"]',)))


@pytest.mark.parametrize("folder", ["/workspace/cache", "/tmp", "tmp", "/usr/lib/x", "a b"])
def test_folders_of_ones_own_are_taken(folder: str) -> None:
    """Any other is for its owner to name."""
    assert chosen(f"disk.temporary={folder}").temporary == [folder]  # type: ignore[attr-defined]


@pytest.mark.parametrize("order", ["temporary,temporary", "secrets"])
def test_kinds_are_known_and_named_once(order: str) -> None:
    """Anything else is a complaint."""
    with pytest.raises(SettingsError, match=r"disk\.order"):
        chosen(f"disk.order={order}")


def test_the_workers_own_folders_are_kept(plan_of: Callable[..., Plan]) -> None:
    """Runtime, state and logs stay, wherever they lie."""
    plan = plan_of("logs.dir=/var/log/worker", profile="a1111")
    assert kept_by(plan) == [plan.runtime_dir, plan.state_dir, "/var/log/worker"]
    assert cleaner_of(plan).finished() is None
