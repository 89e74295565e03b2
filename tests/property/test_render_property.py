"""Whatever a value is, supervisor reads back that value or the rendering refuses."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hooks.plugin_launch import launcher_arguments
from podkeeper.errors import RenderError
from podkeeper.render import supervisord_conf

if TYPE_CHECKING:
    from collections.abc import Callable

    from supervisor.options import ServerOptions

    from podkeeper.settings.plan import Plan

    Read = Callable[[str], ServerOptions]
    MakePlan = Callable[..., Plan]

# Text full of what the parsers treat specially, beside any text at all.
TRAPS = st.text(alphabet=" \t\n\r;#%()'\"\\,=:[]{}$aé\x0b\x1c\x85\u2028😀sENV_here", max_size=30)
TEXTS = TRAPS | st.text(max_size=30)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)

slow_but_right = settings(
    deadline=None,
    max_examples=200,
    # The files are overwritten by each example, nothing else is kept between two.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def plan(plan_of: MakePlan) -> Plan:
    """Return the default plan."""
    return plan_of()


def only_webui(plan: Plan, **fields: object) -> Plan:
    """Return the plan with nothing but its WebUI, of which some fields are others."""
    program = msgspec.structs.replace(plan.program("webui"), **fields)
    return msgspec.structs.replace(plan, programs=[program])


def rendered(plan: Plan) -> str | None:
    """Return the configuration, or None where it is refused."""
    try:
        return supervisord_conf(plan)
    except RenderError:
        return None


@given(environment=st.dictionaries(NAMES, TEXTS, max_size=4))
@slow_but_right
def test_an_environment_comes_back_unchanged_or_is_refused(
    plan: Plan, supervisor_reads: Read, environment: dict[str, str]
) -> None:
    """No variable is ever changed on its way through supervisor's parser."""
    text = rendered(only_webui(plan, environment=environment))
    if text is not None:
        (group,) = supervisor_reads(text).process_group_configs
        assert group.process_configs[0].environment == environment


@given(
    environment=st.dictionaries(
        NAMES,
        st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0'\"")),
        min_size=1,
        max_size=4,
    )
)
@slow_but_right
def test_nothing_but_quotes_and_line_breaks_is_refused(
    plan: Plan, supervisor_reads: Read, environment: dict[str, str]
) -> None:
    """Every Unicode text without quotes, line breaks and NUL makes it through."""
    text = supervisord_conf(only_webui(plan, environment=environment))
    (group,) = supervisor_reads(text).process_group_configs
    assert group.process_configs[0].environment == environment


@given(words=st.lists(TEXTS, min_size=1, max_size=4))
@slow_but_right
def test_a_command_comes_back_as_the_same_words_or_is_refused(
    plan: Plan, supervisor_reads: Read, words: list[str]
) -> None:
    """Supervisord runs exactly the words of the plan."""
    changed = only_webui(plan, command=words)
    text = rendered(changed)
    if text is not None:
        (group,) = supervisor_reads(text).process_group_configs
        command = shlex.split(group.process_configs[0].command)
        assert command == changed.launch_command(changed.programs[0])
        # What supervisord's plugin takes for the launcher and launches itself.
        assert (launcher_arguments(command) or [])[-len(words) :] == words


@given(folder=TEXTS)
@slow_but_right
def test_a_directory_comes_back_unchanged_or_is_refused(
    plan: Plan, supervisor_reads: Read, folder: str
) -> None:
    """Supervisord enters exactly the folder of the plan."""
    text = rendered(only_webui(plan, directory="/" + folder))
    if text is not None:
        (group,) = supervisor_reads(text).process_group_configs
        assert group.process_configs[0].directory == "/" + folder
