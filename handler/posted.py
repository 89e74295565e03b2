"""What is posted as the result of a job?

Covers: the JSON that the SDK would make of what a handler returns. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


def posted(made: Mapping[str, Any]) -> bytes:
    """Return the JSON for a result; one with `error` ends as FAILED.

    Raises:
        msgspec.MsgspecError, TypeError, UnicodeError: It cannot be sent as JSON.
    """
    output = {key: value for key, value in made.items() if key != "error"}
    body: dict[str, Any] = {"output": output} if output else {}
    if made.get("error"):
        body["error"] = made["error"]
    return msgspec.json.encode(body)


def code_of(made: Mapping[str, Any]) -> str | None:
    """Return with which code a job has failed; None where it has not."""
    if not made.get("error"):
        return None
    detail = made.get("error_detail")
    return str(detail["code"]) if isinstance(detail, dict) and "code" in detail else "FAILED"
