"""What keeps programs apart, from settings to the words the launcher is given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from podkeeper.errors import SettingsError
from podkeeper.settings.isolation import processors
from podkeeper.settings.listening import exposure
from podkeeper.settings.load import Source, load
from podkeeper.settings.programs import Surroundings, make_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.settings.plan import Plan

A1111 = "python -u launch.py --api --nowebui --port {port}"


def word(plan: Plan, name: str) -> str:
    """Return what the launcher is told of a program's place."""
    command = plan.launch_command(plan.program(name))
    return command[command.index("--isolate") + 1]


def test_the_webui_goes_first_and_the_keeper_last(plan_of: Callable[..., Plan]) -> None:
    """When memory runs out the kernel is told in which order; nobody dumps core."""
    plan = plan_of()
    order = sorted(plan.programs, key=lambda each: -each.isolation.oom_score_adj)
    assert order[0].role == "webui"
    assert [each.role for each in order[-2:]] == ["watchdog", "keeper"]
    assert word(plan, "keeper") == "core=0"
    assert word(plan, "webui") == "oom=800:core=0"


def test_what_is_set_reaches_the_launcher(plan_of: Callable[..., Plan]) -> None:
    """Each setting is one part of the word, sizes in bytes; the umask is supervisord's to apply."""
    plan = plan_of(
        "webui.nice=5",
        "webui.cpus=0-2,7",
        "webui.io_class=best-effort",
        "webui.io_level=6",
        "webui.open_files=4096",
        "webui.processes=500",
        "webui.address_space_bytes=1GiB",
        "webui.core_bytes=1KiB",
        "webui.umask=077",
        "webui.oom_score_adj=0",
    )
    assert word(plan, "webui") == (
        "nice=5:cpus=0,1,2,7:io=best-effort,6:core=1024:nofile=4096:nproc=500:as=1073741824"
    )
    assert plan.program("webui").isolation.umask == "077"
    assert plan.program("handler").isolation.umask == "022"


@pytest.mark.parametrize(
    ("assignment", "allowed"),
    [
        ("webui.nice=20", "must be a whole number from -20 to 19"),
        ("keeper.oom_score_adj=1001", "must be a whole number from -1000 to 1000"),
        (
            "handler.cpus=all",
            'must be numbers and ranges of processors such as "0-3,6", or empty',
        ),
        ("watchdog.cpus=3-1", "must not run backwards, as 3-1 does"),
        ("webui.io_class=fast", "must be one of best-effort, idle, none, realtime"),
        ("webui.umask=8", "must be three octal digits, or empty"),
    ],
)
def test_a_bad_place_is_refused(assignment: str, allowed: str) -> None:
    """The complaint says what would be right."""
    with pytest.raises(SettingsError) as refused:
        load(Source(assignments=(assignment,)))
    assert [each.allowed for each in refused.value.complaints] == [allowed]


def test_a_list_of_processors_is_a_set() -> None:
    """Overlaps and order do not matter."""
    assert processors("6,0-3,2") == [0, 1, 2, 3, 6]
    assert processors("") == []


def test_a_program_of_another_user_is_told_who_it_is() -> None:
    """Supervisord changes the user alone; HOME, USER and LOGNAME follow."""
    settings = load(Source(assignments=("webui.user=painter",))).settings
    around = Surroundings(
        python="/usr/bin/python3",
        directory="/srv/worker",
        runtime_dir=Path("/run/podkeeper"),
        state_dir=Path("/var/lib/podkeeper"),
        memory_capacity_bytes=16 << 30,
        platform_named=False,
        version="1.2.3",
        run_id="run-1",
        made_at_s=0.0,
        homes={"painter": "/home/painter"},
    )
    plan = make_plan(settings, around)
    told = {"HOME": "/home/painter", "USER": "painter", "LOGNAME": "painter"}
    assert told.items() <= plan.program("webui").environment.items()
    assert not told.keys() & plan.program("handler").environment.keys()


@pytest.mark.parametrize(
    ("command", "added", "why"),
    [
        (A1111, "", "without --server-name 127.0.0.1 it listens on every interface"),
        ("venv/bin/python /a/webui.py --api", "", "without --server-name"),
        (f"{A1111} --server-name 0.0.0.0", "", "--server-name 0.0.0.0 opens"),
        (f"{A1111} --server-name 127.0.0.1 --server-name=::", "", "--server-name :: opens"),
        (f"{A1111} --server-name 127.0.0.1 --listen", "", "--listen opens"),
        (f"{A1111} --server-name 127.0.0.1", "--share", "--share opens"),
        (f"{A1111} --server-name 127.0.0.1", "--server-name 10.0.0.1", "10.0.0.1 opens"),
        (f"{A1111} --server-name 127.0.0.1", "--xformers", None),
        (f"{A1111} --server-name=localhost", "", None),
        (A1111, "--server-name 127.0.0.1", None),
        ("comfy --listen 0.0.0.0", "", None),
        ("", "", None),
    ],
)
def test_a_webui_that_others_could_reach_is_recognised(
    command: str, added: str, why: str | None
) -> None:
    """A1111's words are known, wherever they come from; other servers' are not."""
    found = exposure(command, added)
    assert (found is None) == (why is None)
    assert why is None or why in str(found)


def test_a_webui_that_others_could_reach_is_refused_unless_allowed() -> None:
    """The complaint says why and what to do; one setting lifts it."""
    assignments = (f"webui.command={A1111}",)
    with pytest.raises(SettingsError) as refused:
        load(Source(assignments=assignments))
    (complaint,) = refused.value.complaints
    assert complaint.path == "webui.command"
    assert "pass --server-name 127.0.0.1" in complaint.allowed
    loaded = load(Source(assignments=(*assignments, "webui.allow_listen=true")))
    assert loaded.settings.webui.allow_listen
    assert msgspec.structs.asdict(loaded.settings.webui)["command"] == A1111


def test_a_variable_that_opens_the_webui_is_refused_by_its_name() -> None:
    """COMMANDLINE_ARGS says as much as the command line."""
    with pytest.raises(SettingsError) as refused:
        load(
            Source(
                assignments=(
                    f"webui.command={A1111} --server-name 127.0.0.1",
                    "webui.environment.COMMANDLINE_ARGS=--listen",
                )
            )
        )
    (complaint,) = refused.value.complaints
    assert complaint.path == "webui.environment.COMMANDLINE_ARGS"
