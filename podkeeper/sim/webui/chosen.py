"""Which settings hold for this simulator?

Inside a worker those of the plan, else those that any command would load. In both cases the
`PODKEEPER_SIM_WEBUI__…` variables of its own environment win, so that one instance can be told to
misbehave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from podkeeper.errors import SettingsError
from podkeeper.settings import layers
from podkeeper.settings.convert import convert
from podkeeper.settings.load import Source, load
from podkeeper.settings.plan import read_own

if TYPE_CHECKING:
    from collections.abc import Mapping

    from podkeeper.settings.schema import Settings
    from podkeeper.settings.sim_webui import SimWebUISettings

_SECTION = "sim_webui."


def _overridden(settings: SimWebUISettings, environ: Mapping[str, str]) -> SimWebUISettings:
    complaints, changed = [], {}
    for leaf in layers.from_environment(environ):
        if leaf.path.startswith(_SECTION):
            value, complaint = convert(leaf)
            complaints += [complaint] if complaint else []
            changed[leaf.path.removeprefix(_SECTION)] = value
    if complaints:
        raise SettingsError(complaints)
    return msgspec.structs.replace(settings, **changed)


def choose(environ: Mapping[str, str]) -> Settings:
    """Return the settings, with what the simulator's own environment says of it.

    Raises:
        SettingsError: A setting is wrong.
        PlanError: The plan that the environment names is unreadable.
    """
    if environ.get("PODKEEPER_PLAN"):
        settings = read_own(environ).settings
        own = _overridden(settings.sim_webui, environ)
        return msgspec.structs.replace(settings, sim_webui=own)
    return load(Source(environ=environ)).settings
