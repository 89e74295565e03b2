"""How many threads do the WebUI's libraries start?

Covers: the settings, and from quota and settings to variables. Pure.
Leaves out: reading the quota (`podkeeper.probes.cpu`), when processors are short (`thresholds`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from podkeeper.settings.isolation import processors
from podkeeper.settings.kinds import WORDS, Section

if TYPE_CHECKING:
    from collections.abc import Collection

    from podkeeper.settings.schema import Settings

#: What OpenMP, MKL and OpenBLAS take the number of their threads from; torch asks the first two.
#: None of them knows of a quota: they count the machine's processors.
VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class CpuSettings(Section, frozen=True):
    """How the processor is used."""

    webui_threads: Annotated[
        str,
        Meta(
            pattern="^(auto|off|[1-9][0-9]{0,3})$",
            extra={WORDS: '"auto", "off" or a number of threads from 1 to 9999'},
        ),
    ]


def webui_threads(settings: Settings, quota_cores: float | None) -> int | None:
    """Return how many threads each WebUI is told to start, or None to leave it to its libraries.

    By themselves they heed affinity, so that only a quota has to be told: its floor, for one
    thread more than cores is throttled for a part of every period. WebUIs share it.
    """
    chosen = settings.cpu.webui_threads
    if chosen.isdigit():
        return int(chosen)
    if chosen == "off" or quota_cores is None:
        return None
    share = max(1, math.floor(quota_cores / settings.webui.instances))
    return min(share, len(processors(settings.webui.cpus)) or share)


def thread_variables(
    settings: Settings, quota_cores: float | None, given: Collection[str]
) -> dict[str, str]:
    """Return the variables that tell a WebUI its number of threads.

    Where one of them is among the names that it is `given` anyway, somebody has decided: the
    libraries fall back on each other's variables, and more of them would change what was meant.
    """
    threads = webui_threads(settings, quota_cores)
    if threads is None or not set(VARIABLES).isdisjoint(given):
        return {}
    return dict.fromkeys(VARIABLES, str(threads))
