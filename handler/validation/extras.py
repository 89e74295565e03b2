"""May a job override these options, run these scripts, and set these fields of the server?

Covers: the parts of an input that reach past the picture into the server. Pure.
Leaves out: the lists themselves (`validation.fields`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handler.errors import Complaint
from handler.text import closest, listed
from handler.validation.fields import OPTIONS, SERVER_FIELDS
from handler.validation.kinds import Kind, check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from handler.validation.limits import Limits

_OBJECT = Kind(dict[str, Any])
_RESTORED = "must be true: a job may not change the server for the jobs after it"


def options(value: object) -> tuple[dict[str, Any], list[Complaint]]:
    """Return the options a job overrides, typed, and what is wrong with them."""
    given, complaint = check("override_settings", value, _OBJECT)
    if complaint is not None:
        return {}, [complaint]
    typed: dict[str, Any] = {}
    complaints = []
    for name, each in given.items():
        if each is None:
            continue
        field = f"override_settings.{name}"
        if name not in OPTIONS:
            allowed = f"may not be overridden; allowed are {listed(OPTIONS)}"
            complaints.append(Complaint(field, each, allowed, closest(name, OPTIONS)))
            continue
        typed[name], wrong = check(field, each, OPTIONS[name])
        complaints.extend([wrong] if wrong else [])
    return typed, complaints


def restore_faults(value: object) -> list[Complaint]:
    """Return what is wrong with `override_settings_restore_afterwards`."""
    field = "override_settings_restore_afterwards"
    return [] if value is True else [Complaint(field, value, _RESTORED)]


def server_faults(given: Mapping[str, object]) -> Iterator[Complaint]:
    """Yield what is wrong with fields that only the server sets."""
    for name, harmless in SERVER_FIELDS.items():
        # `1 in (True,)` holds in Python, and does no harm here: the field is never sent on.
        if name in given and given[name] not in harmless:
            yield Complaint(name, given[name], "is set by the server, not by a job")


def _script_names(given: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    if given.get("script_name"):
        yield "script_name", given["script_name"]
    elif given.get("script_args"):
        yield "script_args", given["script_args"]
    always = given.get("alwayson_scripts")
    if isinstance(always, dict):
        for name in always:
            yield "alwayson_scripts", name
    elif always:
        yield "alwayson_scripts", always


def scripts(given: Mapping[str, Any], limits: Limits) -> tuple[dict[str, Any], list[Complaint]]:
    """Return the script fields that may be sent, and what is wrong with them.

    What an allowed script makes of its arguments is the script's own affair.
    """
    allowed = f"scripts are allowed by name only; allowed are {listed(limits.allowed_scripts)}"
    complaints = [
        Complaint(field, name, allowed)
        for field, name in _script_names(given)
        if not (isinstance(name, str) and name.casefold() in limits.allowed_scripts)
    ]
    typed = {}
    for name, kind in (
        ("script_name", Kind(str, longest=500)),
        ("script_args", Kind(list[Any], longest=1000)),
        ("alwayson_scripts", _OBJECT),
    ):
        if given.get(name) and not complaints:
            typed[name], wrong = check(name, given[name], kind)
            complaints.extend([wrong] if wrong else [])
    return typed, complaints
