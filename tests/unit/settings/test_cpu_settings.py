"""How many threads the WebUI's libraries are told to start."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from podkeeper import reload, start
from podkeeper.errors import SettingsError
from podkeeper.settings.cpu import VARIABLES, thread_variables, webui_threads
from podkeeper.settings.load import Source, load
from podkeeper.settings.private import webui_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.settings.plan import Plan
    from podkeeper.settings.schema import Settings

    MakePlan = Callable[..., Plan]


def chosen(*assignments: str) -> Settings:
    """Return the settings of some assignments."""
    return load(Source(assignments=assignments)).settings


@pytest.mark.parametrize(
    ("quota_cores", "assignments", "threads"),
    [
        (6.5, (), 6),
        (0.5, (), 1),
        (None, (), None),
        (6.5, ("webui.instances=2",), 3),
        (2.0, ("webui.instances=4",), 1),
        (6.5, ("webui.cpus=0-3",), 4),
        (6.5, ("cpu.webui_threads=off",), None),
        (6.5, ("cpu.webui_threads=16",), 16),
        (None, ("cpu.webui_threads=2",), 2),
    ],
)
def test_threads_are_the_floor_of_the_quota(
    quota_cores: float | None, assignments: tuple[str, ...], threads: int | None
) -> None:
    """All WebUIs share them, one each at least; a number holds; without a quota it is left."""
    assert webui_threads(chosen(*assignments), quota_cores) == threads


@pytest.mark.parametrize("said", ["0", "-1", "many", "", "1.5"])
def test_other_words_are_refused(said: str) -> None:
    """What is neither a word nor a number above zero is a complaint that says what is allowed."""
    with pytest.raises(SettingsError, match=r"cpu\.webui_threads") as refused:
        chosen(f"cpu.webui_threads={said}")
    assert '"auto", "off" or a number of threads' in str(refused.value)


@pytest.mark.parametrize("name", VARIABLES)
def test_who_sets_one_decides_on_all(name: str) -> None:
    """The libraries fall back on each other's variables, so that one is an answer for all."""
    assert set(thread_variables(chosen(), 4.0, ())) == set(VARIABLES)
    assert thread_variables(chosen(), 4.0, {"PATH", name}) == {}


def test_names_come_from_all_ways() -> None:
    """A WebUI is given what is inherited, what is passed on and what is set."""
    settings = chosen("webui.environment.MINE=1")
    environ = {"PATH": "/bin", "OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3", "OTHER": "x"}
    expected = {"PATH", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MINE"}
    assert webui_names(settings, environ) == expected


def test_the_plan_sets_them_for_webuis_alone(plan_of: MakePlan) -> None:
    """Every WebUI has them in its rendered environment, and no other program has."""
    plan = plan_of("webui.instances=2")
    for program in plan.programs:
        found = {name: program.environment.get(name) for name in VARIABLES}
        assert set(found.values()) == ({"3"} if program.role == "webui" else {None})


def test_a_reload_keeps_the_quota_of_the_start(plan_of: MakePlan) -> None:
    """A quota that was changed meanwhile restarts no WebUI at a reload."""
    around = start.surroundings(chosen(), {})
    changed = dataclasses.replace(around, cpu_quota_cores=1.0)
    assert reload.as_started(changed, plan_of()).cpu_quota_cores == 6.5
