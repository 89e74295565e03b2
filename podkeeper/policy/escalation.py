"""When is it not enough any more to give up on a program?

Covers: when the whole worker is of no use, and what then becomes of it.
Leaves out: giving up on one program (`policy.restarts`), ending the worker (`podkeeper.actuators`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a setting says is done: end at once, end after the jobs in hand, or leave it as it is.
Escalation = Literal["exit", "refresh", "hold"]

#: Programs of which a worker needs at least one to be of any use.
NEEDED_ROLES = ("webui", "handler")


def judge(chosen: Escalation, roles: Mapping[str, str], given_up: Mapping[str, bool]) -> str | None:
    """Return the role for whose want the worker is to be ended, or None while it is to go on."""
    return None if chosen == "hold" else useless(roles, given_up)


def useless(roles: Mapping[str, str], given_up: Mapping[str, bool]) -> str | None:
    """Return the role that the worker has nobody left for, or None while it is of use.

    Args:
        roles: The role of each program.
        given_up: Whether the keeper has given up on it.
    """
    for role in NEEDED_ROLES:
        programs = [name for name, its_role in roles.items() if its_role == role]
        if programs and all(given_up.get(name, False) for name in programs):
            return role
    return None
