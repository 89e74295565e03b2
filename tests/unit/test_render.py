"""The rendered configuration, as supervisor's own parser reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from supervisor.datatypes import RestartUnconditionally

from podkeeper.errors import RenderError
from podkeeper.render import supervisord_conf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from supervisor.options import ProcessConfig, ServerOptions

    from podkeeper.settings.plan import Plan

    Read = Callable[[str], ServerOptions]
    MakePlan = Callable[..., Plan]


def programs(options: ServerOptions) -> dict[str, ProcessConfig]:
    """Return what supervisord read, by program."""
    return {
        process.name: process
        for group in options.process_group_configs
        for process in group.process_configs
    }


def changed(plan: Plan, name: str, **fields: object) -> Plan:
    """Return the plan with other fields of one program."""
    kept = [each for each in plan.programs if each.name != name]
    return msgspec.structs.replace(
        plan, programs=[*kept, msgspec.structs.replace(plan.program(name), **fields)]
    )


@pytest.fixture
def read(plan_of: MakePlan, supervisor_reads: Read) -> ServerOptions:
    """Return what supervisord makes of the default plan."""
    return supervisor_reads(supervisord_conf(plan_of()))


def test_control_is_one_socket_for_this_user_alone(read: ServerOptions, tmp_path: Path) -> None:
    """There is exactly one control server: a socket that only its owner may open."""
    (server,) = read.server_configs
    assert server["file"] == str(tmp_path / "supervisor.sock")
    assert server["chmod"] == 0o700


def test_supervisords_own_lines_reach_standard_output_once(read: ServerOptions) -> None:
    """The plugin alone prints them: neither the console nor the log file repeats them."""
    assert read.nodaemon
    assert read.silent
    assert read.logfile == "/dev/null"


def test_only_the_watchdog_and_the_keeper_are_restarted_by_supervisord(read: ServerOptions) -> None:
    """For every other program supervisord neither restarts nor retries: the keeper does."""
    restarted = {
        name for name, each in programs(read).items() if each.autorestart is RestartUnconditionally
    }
    assert restarted == {"keeper", "watchdog"}
    managed = [each for name, each in programs(read).items() if name not in restarted]
    assert all((each.startsecs, each.startretries) == (0, 0) for each in managed)


def test_the_handler_waits_for_the_keeper(read: ServerOptions) -> None:
    """Supervisord starts everything but the handler by itself."""
    waiting = {name for name, each in programs(read).items() if not each.autostart}
    assert waiting == {"handler"}


def test_programs_stop_in_the_reverse_order_of_their_start(read: ServerOptions) -> None:
    """The handler goes first and the keeper last."""
    by_priority = sorted(programs(read).values(), reverse=True)
    assert [each.name for each in by_priority] == [
        "handler",
        "webui",
        "platform",
        "watchdog",
        "keeper",
    ]


def test_what_is_left_of_a_stopped_program_is_killed_as_a_group(read: ServerOptions) -> None:
    """SIGTERM goes to the program alone, SIGKILL to its whole process group."""
    assert all(each.killasgroup and not each.stopasgroup for each in programs(read).values())


def test_every_line_of_a_program_reaches_the_plugin(read: ServerOptions) -> None:
    """Output leaves as events; the keeper's standard output is the event protocol and does not."""
    for name, each in programs(read).items():
        if name == "keeper":
            assert each.stderr_events_enabled
            assert not each.stdout_events_enabled
        else:
            assert each.stdout_events_enabled
            assert each.redirect_stderr


def test_without_a_folder_for_logs_there_are_no_files(read: ServerOptions) -> None:
    """Nothing is written to disk unless asked for."""
    assert {each.stdout_logfile for each in programs(read).values()} == {None}
    assert {each.stderr_logfile for each in programs(read).values()} == {None}


def test_log_files_are_bounded(plan_of: MakePlan, supervisor_reads: Read, tmp_path: Path) -> None:
    """With a folder for logs every program, and supervisord, has a file of bounded size."""
    folder = tmp_path / "100% %(here)s"
    folder.mkdir()
    plan = plan_of(f"logs.dir={folder}", "logs.max_bytes=1MiB", "logs.backups=2")
    options = supervisor_reads(supervisord_conf(plan))
    webui, keeper = programs(options)["webui"], programs(options)["keeper"]
    assert (webui.stdout_logfile, webui.stdout_logfile_maxbytes, webui.stdout_logfile_backups) == (
        str(folder / "webui.log"),
        1 << 20,
        2,
    )
    assert keeper.stderr_logfile == str(folder / "keeper.log")
    assert (options.logfile, options.logfile_maxbytes) == (
        str(folder / "supervisord.log"),
        1 << 20,
    )


def test_debug_does_not_make_supervisord_repeat_every_line(
    plan_of: MakePlan, supervisor_reads: Read
) -> None:
    """Supervisord's own level stays above debug, where it would log all output twice."""
    options = supervisor_reads(supervisord_conf(plan_of("logs.level=debug")))
    assert options.loglevel == 20


def test_stop_waits_are_rounded_up(plan_of: MakePlan, supervisor_reads: Read) -> None:
    """Supervisord knows whole seconds only, and a program never gets less than was set."""
    plan = plan_of("webui.stop_wait_s=1500ms")
    assert programs(supervisor_reads(supervisord_conf(plan)))["webui"].stopwaitsecs == 2


def test_programs_get_their_private_variables_from_a_file(read: ServerOptions) -> None:
    """The launcher is told where the private variables are; they are not in the text."""
    command = programs(read)["handler"].command
    assert "-P -m hooks.launch --environment " in command
    assert "/private/handler.json --isolate " in command
    assert command.endswith(" -- /usr/bin/python3 -P -m handler")


def test_a_user_is_named_only_where_one_is_set(plan_of: MakePlan, supervisor_reads: Read) -> None:
    """A program keeps supervisord's user unless its settings name another."""
    read = programs(supervisor_reads(supervisord_conf(plan_of("webui.user=root"))))
    assert (read["webui"].uid, read["handler"].uid) == (0, None)


def test_root_is_named_where_root_it_is(plan_of: MakePlan, supervisor_reads: Read) -> None:
    """As root, supervisord is told so and does not warn at each start."""
    plan = msgspec.structs.replace(plan_of(), superuser=True)
    assert supervisor_reads(supervisord_conf(plan)).user == "root"


def test_each_webui_has_its_own_program_and_port(plan_of: MakePlan, supervisor_reads: Read) -> None:
    """Two instances are two programs on two ports and two GPUs."""
    read = programs(supervisor_reads(supervisord_conf(plan_of("webui.instances=2"))))
    assert read["webui-1"].command.endswith("--port 3001")
    assert read["webui-1"].environment["CUDA_VISIBLE_DEVICES"] == "1"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("'both\" kinds", "the value holds both kinds of quotes"),
        ('ends in a quote"', "a quote at either end of the value would be lost"),
        ("two\nlines", "the value holds a line break"),
        ("\0", "the value holds a NUL character"),
        ("\udcff", "the value is not valid UTF-8"),
    ],
)
def test_a_refused_value_names_program_variable_and_cause(
    plan_of: MakePlan, text: str, cause: str
) -> None:
    """What supervisor cannot read back is refused, without showing the value."""
    value = f"s3cret {text}" if cause.startswith("a quote") else f"x{text}x"
    plan = changed(plan_of(), "webui", environment={"HUSH": value})
    with pytest.raises(RenderError) as refused:
        supervisord_conf(plan)
    assert str(refused.value) == f"cannot render environment variable 'HUSH' of webui: {cause}"


def test_a_refused_name_says_what_a_name_is(plan_of: MakePlan) -> None:
    """A variable that supervisor would misread by its name is refused."""
    plan = changed(plan_of(), "webui", environment={"A B": "1"})
    with pytest.raises(RenderError, match="'A B' of webui: a name is letters"):
        supervisord_conf(plan)


def test_a_socket_path_that_no_kernel_takes_is_refused(plan_of: MakePlan) -> None:
    """A runtime folder too deep for a socket is refused with the setting to change."""
    plan = msgspec.structs.replace(plan_of(), runtime_dir="/run/" + 90 * "x")
    with pytest.raises(RenderError, match=r"111 bytes long, at most 99.*worker\.runtime_dir"):
        supervisord_conf(plan)
