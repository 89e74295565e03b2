"""Which settings contradict each other?

Covers: rules that need more than one value. Pure: settings in, complaints out.
Leaves out: types and bounds of single values (`settings.schema`).
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from podkeeper.errors import Complaint
from podkeeper.settings.disk import cleanable
from podkeeper.settings.extension import extension_times
from podkeeper.settings.gpu import gpus
from podkeeper.settings.isolation import backward_ranges
from podkeeper.settings.journal import journal
from podkeeper.settings.leak import memories
from podkeeper.settings.listening import listening
from podkeeper.settings.memory import lines_out_of_order
from podkeeper.settings.planning import planning
from podkeeper.settings.private import holds_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from podkeeper.settings.schema import Settings
    from podkeeper.units import Amount

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
#: Sections whose programs have a soft and a hard memory limit.
PROGRAMS_WITH_MEMORY = ("webui", "handler", "watchdog")
_COMMANDS = (
    "webui.command",
    "webui.liveness_command",
    "handler.command",
    "platform.command",
    "keeper.dump_command",
)


def _figure(amount: Amount) -> float:
    """Return what two sizes, or two shares, are compared by."""
    return (amount.size_bytes if amount.ratio is None else amount.ratio) or 0.0


def _limits(settings: Settings) -> Iterator[tuple[str, object, str]]:
    for name in PROGRAMS_WITH_MEMORY:
        program = getattr(settings, name)
        soft, hard = program.memory_soft, program.memory_hard
        same = (soft.ratio is None) == (hard.ratio is None)
        comparable = same and not (soft.left or hard.left)  # what is left is known at the start
        if comparable and _figure(soft) >= _figure(hard):
            yield f"{name}.memory_soft", str(soft), f"must be below {name}.memory_hard ({hard})"
        if not _figure(hard) and not hard.left:
            yield f"{name}.memory_hard", str(hard), "must be above zero"
    if settings.memory.reserve.ratio == 1:
        yield "memory.reserve", str(settings.memory.reserve), "must leave some memory to plan with"


def _ports(settings: Settings) -> Iterator[tuple[str, object, str]]:
    web = settings.webui
    last = web.port + web.instances - 1
    if last > 65535:  # noqa: PLR2004 - the last port there is
        yield "webui.port", web.port, f"leaves no room for {web.instances} instances"
    for path, port in (
        ("watchdog.port", settings.watchdog.port),
        ("platform.port", settings.platform.port),
    ):
        if web.port <= port <= last:
            yield path, port, f"must not be one of the WebUI's ports ({web.port} to {last})"
    if settings.watchdog.port == settings.platform.port:
        yield "platform.port", settings.platform.port, "must differ from watchdog.port"


def _times(settings: Settings) -> Iterator[tuple[str, object, str]]:
    restart = settings.restart
    if restart.backoff_first_s > restart.backoff_max_s:
        allowed = f"must not exceed restart.backoff_max_s ({restart.backoff_max_s:g})"
        yield "restart.backoff_first_s", restart.backoff_first_s, allowed
    longest_s = max(settings.watchdog.period_s, settings.watchdog.calm_period_s)
    if settings.keeper.watchdog_silence_s <= 2 * longest_s:
        allowed = f"must be above twice the pause between two samples ({longest_s:g})"
        yield "keeper.watchdog_silence_s", settings.keeper.watchdog_silence_s, allowed
    keeper = settings.keeper
    if keeper.dump_wait_s >= keeper.take_down_wait_s:
        allowed = f"must be below keeper.take_down_wait_s ({keeper.take_down_wait_s:g})"
        yield "keeper.dump_wait_s", keeper.dump_wait_s, allowed
    asks_s = max(keeper.states_period_s, keeper.tick_s)
    if keeper.silence_s <= 2 * asks_s:
        allowed = f"must be above twice the pause between two questions to supervisord ({asks_s:g})"
        yield "keeper.silence_s", keeper.silence_s, allowed
    handler = settings.handler
    if handler.silence_s <= 2 * handler.work_period_s:
        allowed = f"must be above twice handler.work_period_s ({handler.work_period_s:g})"
        yield "handler.silence_s", handler.silence_s, allowed
    if handler.stop_wait_s <= handler.job_timeout_s:
        allowed = f"must be above handler.job_timeout_s ({handler.job_timeout_s:g}): a stop waits"
        yield "handler.stop_wait_s", handler.stop_wait_s, f"{allowed} for the job in hand"


def _commands(settings: Settings) -> Iterator[tuple[str, object, str]]:
    for path in _COMMANDS:
        section, _, key = path.partition(".")
        command = getattr(getattr(settings, section), key)
        try:
            shlex.split(command)
        except ValueError as error:
            yield path, command, f"must be a command line: {error}"
    if settings.webui.liveness_kind == "exec" and not settings.webui.liveness_command.strip():
        yield "webui.liveness_command", "", 'must be given where webui.liveness_kind is "exec"'


def _environments(settings: Settings) -> Iterator[tuple[str, object, str]]:
    for path in ("webui.environment", "handler.environment"):
        section = getattr(settings, path.partition(".")[0])
        for name, value in section.environment.items():
            if not _VARIABLE.fullmatch(name):
                yield path, name, "a variable's name is letters, digits and underscores"
            if "\0" in value:
                yield f"{path}.{name}", "…", "a variable's value cannot hold a NUL character"
    key, web = settings.runpod.api_key, settings.webui.environment
    for name in sorted(name for name, value in web.items() if holds_key(name, value, key)):
        yield f"webui.environment.{name}", "…", "the RunPod key is for the handler alone"


RULES = (
    _limits,
    _ports,
    _times,
    _commands,
    _environments,
    backward_ranges,
    extension_times,
    listening,
    journal,
    lines_out_of_order,
    gpus,
    memories,
    cleanable,
    planning,
)


def broken(settings: Settings, origins: Mapping[str, str]) -> list[Complaint]:
    """Return what is wrong with the settings as a whole, each with where its value came from."""
    return [
        Complaint(path, value, origins[path], allowed)
        for rule in RULES
        for path, value, allowed in rule(settings)
    ]
