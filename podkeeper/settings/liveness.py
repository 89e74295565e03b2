"""How is a program asked whether it still lives?

Covers: from the settings to the probe of one program. Pure.
Leaves out: asking (`podkeeper.probes.liveness`), judging the answers (`podkeeper.policy.liveness`).
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from podkeeper.settings.plan import Liveness

if TYPE_CHECKING:
    from podkeeper.settings.schema import WebUISettings


def readiness_counts(chosen: WebUISettings) -> Liveness:
    """Return the probe that counts the readiness probe's answers instead of asking."""
    return Liveness(
        kind="http",
        period_s=chosen.liveness_period_s,
        timeout_s=chosen.probe_timeout_s,
        failures=chosen.liveness_failures,
    )


def liveness_of(chosen: WebUISettings, webui_port: int) -> Liveness | None:
    """Return the liveness probe of the WebUI on a port, or None where none is wanted."""
    kind, port = chosen.liveness_kind, chosen.liveness_port or webui_port
    if kind == "none":
        return None
    if kind == "http" and not chosen.liveness_path and not chosen.liveness_port:
        return readiness_counts(chosen)
    words = shlex.split(chosen.liveness_command)
    return Liveness(
        kind=kind,
        url=f"http://127.0.0.1:{port}{chosen.liveness_path or chosen.readiness_path}",
        port=port,
        command=[word.replace("{port}", str(webui_port)) for word in words],
        period_s=chosen.liveness_period_s,
        timeout_s=chosen.liveness_timeout_s,
        failures=chosen.liveness_failures,
    )
