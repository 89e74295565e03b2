"""What shall go wrong, where and how often?

Covers: the script of faults as values and which one is next. What a fault does to a connection is
in `edge`; faults are not kept across a restart of the platform.

- `answer`: answers `status` (500) instead; with `status` 204 on `take` a storm of empty polls.
- `hang`: answers nothing for `delay_s`, or for ever where that is 0.
- `drop`: closes the connection without an answer.
- `late_grant`: keeps an open poll waiting although a job is there, until the job has waited for
  `delay_s` and, where one is named, `until_file` exists; then grants it on that same poll.
- `duplicate_delivery`: hands the next granted job out a second time to the next poll.

With `act` the request takes effect first and only its answer is lost.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from podkeeper.errors import Complaint, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

Route = Literal["take", "stop", "done", "progress", "stream", "ping", "client"]


class Fault(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One fault; `times` counts down, None is for ever."""

    kind: Literal["answer", "hang", "drop", "late_grant", "duplicate_delivery"]
    route: Route | Literal["any"] = "any"
    status: Annotated[int, Meta(ge=200, le=599)] = 500
    times: Annotated[int, Meta(ge=1)] | None = 1
    delay_s: Annotated[float, Meta(ge=0)] = 0.0
    until_file: str | None = None
    act: bool = False


#: Those that replace an answer; the others bend the queue.
_ANSWERS = {"answer", "hang", "drop"}


class Script:
    """The faults that are still to come, in order."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.faults = list(faults)

    def _spend(self, fault: Fault) -> Fault:
        if fault.times is not None:
            fault.times -= 1
            if fault.times == 0:
                self.faults.remove(fault)
        return fault

    def next_answer(self, route: Route) -> Fault | None:
        """Return, and use up once, the fault that befalls this request; None for none."""
        for fault in self.faults:
            if fault.kind in _ANSWERS and fault.route in {route, "any"}:
                return self._spend(fault)
        return None

    def withheld(self, waited_s: float) -> bool:
        """Return whether a job that waited this long is kept from the polls."""
        gate = next((each for each in self.faults if each.kind == "late_grant"), None)
        if gate is None:
            return False
        missing = gate.until_file is not None and not Path(gate.until_file).exists()
        return missing or waited_s < gate.delay_s

    def granted(self) -> bool:
        """Use up what a grant uses up; return whether the job is to be handed out again."""
        for kind in ("late_grant", "duplicate_delivery"):
            fault = next((each for each in self.faults if each.kind == kind), None)
            if fault is not None:
                self._spend(fault)
                if kind == "duplicate_delivery":
                    return True
        return False


def parse(value: object, origin: str) -> list[Fault]:
    """Return one fault or a list of them from parsed JSON.

    Raises:
        SettingsError: It describes no fault.
    """
    several = value if isinstance(value, list) else [value]
    try:
        return msgspec.convert(several, list[Fault])
    except msgspec.ValidationError as error:
        raise SettingsError([Complaint("platform.faults", value, origin, str(error))]) from error


def shown(script: Script) -> list[Any]:
    """Return the faults still to come, ready for JSON."""
    return [msgspec.to_builtins(fault) for fault in script.faults]
