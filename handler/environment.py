"""Can jobs be taken in this environment?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TEMPLATES = ("RUNPOD_WEBHOOK_GET_JOB", "RUNPOD_WEBHOOK_POST_OUTPUT")
#: Arguments with which the SDK runs without a platform.
_LOCAL_ARGUMENTS = ("--test_input", "--rp_serve_api")


def fault(environ: Mapping[str, str], arguments: Sequence[str]) -> str | None:
    """Return why no job can be taken, or None."""
    if _is_local(arguments):
        return None
    for name in _TEMPLATES:
        value = environ.get(name)
        if not value:
            return f"cannot take jobs: {name} is not set; the platform sets it"
        if "?" not in value:
            # The SDK appends "&…" to it: without a question mark that becomes part of the path.
            return f"cannot take jobs: {name} has no question mark"
    return None


def addresses(environ: Mapping[str, str], arguments: Sequence[str]) -> tuple[str, str] | None:
    """Return where jobs come from and results go; None where there is no platform."""
    get_job, post_output = (environ.get(name) for name in _TEMPLATES)
    known = get_job and post_output and not _is_local(arguments)
    return (str(get_job), str(post_output)) if known else None


def _is_local(arguments: Sequence[str]) -> bool:
    return any(each.startswith(_LOCAL_ARGUMENTS) for each in arguments)
