"""How does a job's failure travel to the client?

Covers: what is wrong with an input as values, the exception that ends a job, and both forms the
client gets: one readable line and the same as data.
Leaves out: the codes and their meaning (`codes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handler.codes import Code
from handler.text import one_line, shown

#: Complaints that are written out in the line; the data has them all, up to `_MOST_KEPT`.
_MOST_SHOWN = 5
_MOST_KEPT = 50


@dataclass(frozen=True)
class Complaint:
    """One thing that is wrong with one field of a job's input."""

    field: str
    value: object
    allowed: str
    suggestion: str | None = None

    def __str__(self) -> str:
        """Return it as a person reads it."""
        hint = f" (did you mean {self.suggestion}?)" if self.suggestion else ""
        return f"{self.field} = {shown(self.value)}: {self.allowed}{hint}"

    def as_data(self) -> dict[str, object]:
        """Return it as a program reads it."""
        data: dict[str, object] = {
            "field": self.field,
            "value": shown(self.value),
            "allowed": self.allowed,
        }
        return {**data, "did_you_mean": self.suggestion} if self.suggestion else data


class JobError(Exception):
    """The job ends as FAILED."""

    def __init__(self, code: Code, message: str, **figures: object) -> None:
        self.code = code
        self.message = one_line(message)
        self.figures = figures
        super().__init__(f"{code}: {self.message}")

    def as_result(self) -> dict[str, Any]:
        """Return what the SDK posts as FAILED.

        `error` has to be text: the platform shows a job whose `error` is an object as COMPLETED
        without output. What stands beside it becomes the job's output.
        """
        detail = {"code": str(self.code), "message": self.message, **self.figures}
        return {"error": str(self), "error_detail": detail}


class InputInvalidError(JobError):
    """The input is not usable."""

    def __init__(self, complaints: list[Complaint]) -> None:
        self.complaints = complaints
        line = "; ".join(str(each) for each in complaints[:_MOST_SHOWN])
        more = len(complaints) - _MOST_SHOWN
        if more > 0:
            line += f"; and {more} more"
        fields = [each.as_data() for each in complaints[:_MOST_KEPT]]
        super().__init__(Code.INPUT_INVALID, line, fields=fields)
