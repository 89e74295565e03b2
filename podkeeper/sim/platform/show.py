"""What does a person see of a job: its progress, and how it ended?

Covers: texts and one line that moves on a terminal; plain lines elsewhere.
Leaves out: pictures (`pictures`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from podkeeper.units import format_span

if TYPE_CHECKING:
    from typing import TextIO

    from podkeeper.sim.platform.client import JobState

#: Characters between the brackets of a bar.
BAR_WIDTH = 30


def progress_of(state: JobState) -> float | None:
    """Return how far a job is, from 0 to 1, where its output says so."""
    if state.status == "COMPLETED":
        return 1.0
    progress = state.output.get("progress") if isinstance(state.output, dict) else None
    if isinstance(progress, bool) or not isinstance(progress, int | float):
        return None
    return min(1.0, max(0.0, float(progress)))


def bar(ratio: float, width: int = BAR_WIDTH) -> str:
    """Return a progress bar such as `[######------]  50%`."""
    full = round(ratio * width)
    return f"[{'#' * full}{'-' * (width - full)}] {100 * ratio:3.0f}%"


def _note(state: JobState) -> str:
    """Return the words a worker sends with its progress, of the names that workers use."""
    if state.ended or not isinstance(state.output, dict):
        return ""
    words = [state.output.get(name) for name in ("stage", "phase", "reason", "message", "detail")]
    return " ".join(word for word in words if isinstance(word, str)).replace("\n", " ")


def line(state: JobState) -> str:
    """Return a job's state on one line, with a bar where its progress is known."""
    ratio = progress_of(state)
    parts = [state.status, "" if ratio is None else bar(ratio), _note(state)]
    return "  ".join(part for part in parts if part)


class ProgressLine:
    """Shows the states of one job: one moving line on a terminal, else a line for each news."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._moving = out.isatty()
        self._last = ""

    def __call__(self, state: JobState) -> None:
        """Show a state."""
        text = line(state)
        if text == self._last:
            return
        # The rest of a longer line before is overwritten by spaces.
        start, end = ("\r", "") if self._moving else ("", "\n")
        padding = " " * max(0, len(self._last) - len(text)) if self._moving else ""
        self._out.write(f"{start}{text}{padding}{end}")
        self._out.flush()
        self._last = text

    def close(self) -> None:
        """Leave the moving line."""
        if self._moving and self._last:
            self._out.write("\n")
            self._out.flush()
        self._last = ""


@dataclass(frozen=True)
class Failure:
    """Why a job failed, in the parts that are known."""

    message: str
    code: str | None = None
    field: str | None = None
    allowed: str | None = None

    def __str__(self) -> str:
        """Return it on one line."""
        field = f"{self.field}: " if self.field else ""
        code = f" [{self.code}]" if self.code else ""
        allowed = f" (allowed: {self.allowed})" if self.allowed else ""
        return f"{field}{self.message}{allowed}{code}"


def _first(values: dict[str, Any], *names: str) -> str | None:
    found = next((values[name] for name in names if values.get(name) is not None), None)
    return None if found is None else str(found)


def failure_of(state: JobState) -> Failure:
    """Return why a job did not complete: of an error that is, or holds, a JSON object too.

    The SDK posts an exception as JSON in a text; our handler posts its errors likewise.
    """
    error = state.error
    if isinstance(error, str):
        try:
            error = json.loads(error)
        except ValueError:
            return Failure(message=str(state.error))
    if not isinstance(error, dict):
        return Failure(message=str(state.error) if state.error is not None else "no reason given")
    return Failure(
        message=_first(error, "message", "error_message", "error", "detail") or json.dumps(error),
        code=_first(error, "code", "error_type"),
        field=_first(error, "field"),
        allowed=_first(error, "allowed"),
    )


def summary(state: JobState) -> str:
    """Return what a completed job took."""
    waited, ran = state.delay_ms, state.execution_ms
    parts = [
        f"job {state.id} completed",
        "" if waited is None else f"waited {format_span(waited / 1000)}",
        "" if ran is None else f"ran {format_span(ran / 1000)}",
        f"on {state.worker}" if state.worker else "",
    ]
    return ", ".join(part for part in parts if part)
