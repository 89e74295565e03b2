"""Which variables does each program get that nobody else may see?

Covers: who gets which variable of podkeeper's own environment, the RunPod key above all. Pure.
Leaves out: writing the files (`podkeeper.start`) and reading them (`hooks.launch`).

Everything a person sets for a program goes this way too: it may be a secret, and the rendered
configuration and the plan are for anyone to read.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from podkeeper.settings.layers import NOT_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from podkeeper.settings.plan import Plan, Program
    from podkeeper.settings.schema import Settings

KEY_VARIABLE = "RUNPOD_AI_API_KEY"
#: Variables that can hold the RunPod key, by RunPod's names and by ours. The last is a file's name.
KEY_VARIABLES = frozenset(
    {KEY_VARIABLE, "RUNPOD_API_KEY", "PODKEEPER_RUNPOD__API_KEY", "PODKEEPER_RUNPOD__API_KEY_FILE"}
)
#: What the handler shows to the local platform where no key is set: without one the SDK sends no
#: heartbeats. The stand-in checks it, but it opens nothing.
LOCAL_KEY = "local-platform"

# A shorter key is a made-up one, and may be part of any path by chance.
_TELLING_LENGTH = 16


def _matching(environ: Mapping[str, str], patterns: Iterable[str]) -> dict[str, str]:
    """Return the variables whose names match a pattern, but for those of this start's own."""
    wanted = list(patterns)
    return {
        name: value
        for name, value in environ.items()
        if name not in NOT_SETTINGS and any(fnmatchcase(name, pattern) for pattern in wanted)
    }


def holds_key(name: str, value: str, key: str) -> bool:
    """Return whether a variable is made for the RunPod key or carries it under another name."""
    if name in KEY_VARIABLES or (key and value == key):
        return True
    return len(key) >= _TELLING_LENGTH and key in value


def _without_key(variables: Mapping[str, str], key: str) -> dict[str, str]:
    return {name: value for name, value in variables.items() if not holds_key(name, value, key)}


def base_environment(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what supervisord is started with: every program inherits it, so no secret is in it."""
    allowed = _matching(environ, settings.worker.base_environment)
    return _without_key(allowed, settings.runpod.api_key)


def _key(settings: Settings, plan: Plan) -> dict[str, str]:
    key = settings.runpod.api_key or (LOCAL_KEY if plan.of_role("platform") else "")
    return {KEY_VARIABLE: key} if key else {}


def _webui(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    passed = _matching(environ, settings.webui.pass_environment)
    return _without_key({**passed, **settings.webui.environment}, settings.runpod.api_key)


def webui_names(settings: Settings, environ: Mapping[str, str]) -> frozenset[str]:
    """Return the names of the variables that WebUIs get beside those of the plan."""
    return frozenset({**base_environment(settings, environ), **_webui(settings, environ)})


def _handler(settings: Settings, environ: Mapping[str, str], program: Program) -> dict[str, str]:
    """Return the handler's variables but for the key.

    What the plan sets stands against what is merely passed on: a worker of the local platform must
    not poll the real one because the container was given its address.
    """
    passed = _matching(environ, settings.handler.pass_environment)
    kept = {name: value for name, value in passed.items() if name not in program.environment}
    return {**kept, **settings.handler.environment}


def _of(
    program: Program, settings: Settings, environ: Mapping[str, str], plan: Plan
) -> dict[str, str]:
    if program.role == "webui":
        return _webui(settings, environ)
    if program.role == "handler":
        return {**_handler(settings, environ, program), **_key(settings, plan)}
    return _key(settings, plan)


def private_environment(
    settings: Settings, environ: Mapping[str, str], plan: Plan
) -> dict[str, dict[str, str]]:
    """Return, for each program that has a private file, the variables that belong into it."""
    return {
        program.name: _of(program, settings, environ, plan)
        for program in plan.programs
        if program.private_environment is not None
    }
