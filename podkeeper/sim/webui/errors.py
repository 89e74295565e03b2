"""How does a request that cannot be answered fail, to the letter of the real server?

Three shapes: pydantic's list for a malformed request, the error table for an exception or an
HTTPException in a route, and the router's own two words for unknown routes and methods.
"""

from __future__ import annotations


class InvalidRequestError(Exception):
    """The request is malformed: answered 422 with pydantic v1's list."""

    def __init__(self, problems: list[dict[str, object]]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


class HTTPError(Exception):
    """The real server's `HTTPException`, whose message stands in `detail`."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class OutOfMemoryError(RuntimeError):
    """The pretended card is full; named as torch names it, because the name is in the answer."""


class SafetensorError(Exception):
    """A checkpoint file is corrupt; named as safetensors names it."""


class ValidationError(Exception):
    """An option's value does not fit its type; named as pydantic names it."""


class PlainError(Exception):
    """An exception that nothing turns into JSON, as in Forge: answered 500 in plain text."""


class ExceptionGroupError(Exception):
    """What an out-of-memory turns into where anyio 4 wraps it: the cause is lost."""


def status_of(error: Exception) -> int:
    """Return the status that an exception in a route is answered with."""
    return error.status if isinstance(error, HTTPError) else 500


def body_of(error: Exception) -> dict[str, object]:
    """Return the error table that an exception in a route is answered with."""
    if isinstance(error, HTTPError):
        return {"error": "HTTPException", "detail": error.detail, "body": "", "errors": ""}
    name = type(error).__name__
    name = "ExceptionGroup" if name == "ExceptionGroupError" else name
    return {"error": name, "detail": "", "body": "", "errors": str(error)}
