"""How does a program's section show that something changed which does not stand in it?

Private variables and what a program reads from the plan are not in supervisord's configuration. A
digest of them is, so that a reload sees which programs they concern. It is keyed by a secret of the
start: whoever reads it can neither tell nor guess a value. Pure.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import msgspec

from podkeeper.settings.extension import told as told_to_extension
from podkeeper.units import Amount

if TYPE_CHECKING:
    from collections.abc import Mapping

    from podkeeper.settings.plan import Plan, Program, Role

VARIABLE = "PODKEEPER_DIGEST"
KEY_BYTES = 32
_SHOWN = 16
#: The settings that a role's own program reads from the plan when it starts.
_READ: dict[Role, tuple[str, ...]] = {
    "handler": ("handler", "runpod", "logs"),
    "webui": ("sim_webui",),
    "platform": ("platform", "logs"),
}


def _text(value: object) -> object:
    if isinstance(value, Amount):
        return str(value)
    raise TypeError(value)


def _digest(plan: Plan, program: Program, private: Mapping[str, str], key: bytes) -> str:
    settings = plan.settings
    read: dict[str, object] = {
        name: getattr(settings, name) for name in _READ.get(program.role, ())
    }
    if program.role == "webui":
        own = settings.extension
        read["extension"] = {"install": own.install, **told_to_extension(own)}
    webuis = [[each.name, each.readiness_url] for each in plan.of_role("webui")]
    asked = webuis if program.role == "handler" else []
    told = [dict(sorted(private.items())), read, asked]
    data = msgspec.json.encode(told, enc_hook=_text, order="sorted")
    return hmac.new(key, data, hashlib.sha256).hexdigest()[:_SHOWN]


def with_digests(plan: Plan, environments: Mapping[str, Mapping[str, str]], key: bytes) -> Plan:
    """Return the plan whose programs carry the digest of what only they may see."""
    programs = [
        msgspec.structs.replace(
            each,
            environment={
                **each.environment,
                VARIABLE: _digest(plan, each, environments.get(each.name, {}), key),
            },
        )
        if each.private_environment is not None
        else each
        for each in plan.programs
    ]
    return msgspec.structs.replace(plan, programs=programs)
