"""What a reload would change, and that its digests tell nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from podkeeper.reload import difference, sections
from podkeeper.render import supervisord_conf
from podkeeper.settings.digest import VARIABLE, with_digests
from podkeeper.settings.given import again, given
from podkeeper.settings.load import Source, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.model.change import Change
    from podkeeper.settings.plan import Plan

KEY = b"k" * 32


@pytest.fixture
def changes(plan_of: Callable[..., Plan]) -> Callable[..., Change]:
    """Return what tells the change between two lists of settings."""

    def of(before: list[str], after: list[str]) -> Change:
        old, new = (with_digests(plan_of(*each), {}, KEY) for each in (before, after))
        return difference((old, supervisord_conf(old)), (new, supervisord_conf(new)))

    return of


def test_equal_settings_change_nothing(changes: Callable[..., Change]) -> None:
    """Nobody is restarted for a reload without a reason."""
    assert changes(["webui.port=3001"], ["webui.port=3001"]).empty


@pytest.mark.parametrize(
    ("setting", "changed", "reread"),
    [
        ("webui.stop_wait_s=7s", ["webui"], {"keeper", "watchdog"}),
        ("handler.max_steps=9", ["handler"], {"keeper"}),
        ("runpod.log_level=ERROR", ["handler"], {"keeper"}),
        ("platform.hold_s=9s", ["platform"], {"keeper"}),
        ("sim_webui.threads=9", ["webui"], {"keeper"}),
        ("extension.tidy=false", ["webui"], {"keeper", "watchdog"}),
        ("extension.probe_period_s=9s", [], {"keeper", "watchdog"}),
        ("restart.budget=9", [], {"keeper"}),
        ("watchdog.disk_period_s=9s", [], {"keeper", "watchdog"}),
    ],
)
def test_a_setting_concerns_who_reads_it(
    changes: Callable[..., Change], setting: str, changed: list[str], reread: set[str]
) -> None:
    """Only programs whose section, private variables or settings changed are touched."""
    found = changes([], [setting])
    assert (found.changed, set(found.reread)) == (changed, reread)
    assert found.disturbs == bool({"webui", "platform"} & set(changed))


def test_instances_come_and_go(changes: Callable[..., Change]) -> None:
    """More WebUIs are added, fewer are removed."""
    found = changes(["webui.instances=2"], ["webui.instances=3"])
    assert found.added == ["webui-2"]
    assert changes(["webui.instances=3"], ["webui.instances=2"]).removed == ["webui-2"]


def test_what_supervisord_reads_once_is_named(changes: Callable[..., Change]) -> None:
    """A reload that cannot bring a change about says so."""
    found = changes([], ["worker.open_files=2048", "keeper.event_buffer=9"])
    assert found.not_reloaded == ["[eventlistener:keeper]", "[supervisord]"]


def test_comments_are_no_change() -> None:
    """Only what supervisord reads counts."""
    assert sections("; a\n[a]\nx = 1\n") == sections("[a]\n\n; b\nx = 1\n")


@examples(st.dictionaries(st.text(max_size=5), st.text(max_size=20), min_size=1), st.binary())
def test_a_digest_changes_with_what_it_stands_for_and_with_its_key(
    plan_of_simulator: Plan, private: dict[str, str], other: bytes
) -> None:
    """It shows that a value changed, and without the key nobody can try values."""

    def shown(environment: dict[str, str], key: bytes) -> str:
        plan = with_digests(plan_of_simulator, {"webui": environment}, key)
        return plan.program("webui").environment[VARIABLE]

    name = next(iter(private))
    changed = {**private, name: private[name] + "x"}
    assert shown(private, KEY) == shown(dict(reversed(private.items())), KEY)
    assert shown(private, KEY) != shown(changed, KEY)
    if other.rstrip(b"\0") != KEY:
        assert shown(private, KEY) != shown(private, other)


@pytest.fixture(scope="module")
def plan_of_simulator() -> Plan:
    """Return one plan for all examples."""
    from pathlib import Path  # noqa: PLC0415 - here only

    from podkeeper.settings.programs import Surroundings, make_plan  # noqa: PLC0415 - here only

    around = Surroundings(
        python="python",
        directory="/",
        runtime_dir=Path("/run/podkeeper"),
        state_dir=Path("/var/lib/podkeeper"),
        memory_capacity_bytes=8 << 30,
        platform_named=False,
        version="0",
        run_id="run",
        made_at_s=0.0,
    )
    return make_plan(load(Source()).settings, around)


def test_a_reload_sees_the_environment_of_the_start() -> None:
    """The key stays although the reload's shell has none, and its shell's HF_HOME does not come."""
    environ = {"RUNPOD_AI_API_KEY": "rpa_1", "SECRET_OF_ANOTHER": "x", "PODKEEPER_WEBUI__PORT": "1"}
    kept = given(Source(environ=environ), load(Source()).settings, environ, "/")
    assert "SECRET_OF_ANOTHER" not in kept.environ
    asked = Source(
        environ={"HF_HOME": "/other", "PODKEEPER_WEBUI__PORT": "2", "NEW": "y"},
        assignments=("a.b=c",),
    )
    source = again(kept, asked)
    assert source.environ == {
        "RUNPOD_AI_API_KEY": "rpa_1",
        "PODKEEPER_WEBUI__PORT": "2",
        "NEW": "y",
    }
    assert source.assignments == ("a.b=c",)
