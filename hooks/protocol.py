"""What do supervisord and an event listener say to each other?

Covers: the listener's half of the protocol over two file descriptors, with a bound on every wait.
An event is acknowledged the moment it is read: it is a hint to look, and a listener that looks
first and answers later would be shown no further event meanwhile.
Leaves out: what the hint is about (`podkeeper.loops.keeper`).
"""

from __future__ import annotations

import os
import select
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podkeeper.hint import Ear

READY = b"READY\n"
OK = b"RESULT 2\nOK"
_READ_BYTES = 64 * 1024
#: Longer than any header of supervisord's; more without a line end is not its protocol.
_HEADER_BYTES = 4096


class ProtocolError(ValueError):
    """What came from supervisord is not its event protocol."""


@dataclass(frozen=True)
class Event:
    """One event of supervisord."""

    name: str
    serial: int
    payload: str


def parse_header(line: str) -> dict[str, str]:
    """Return the key and value pairs of a header line.

    Raises:
        ProtocolError: The line is no such header.
    """
    pairs = [word.partition(":") for word in line.split()]
    header = {key: value for key, colon, value in pairs if colon}
    if not {"eventname", "serial", "len"} <= header.keys():
        raise ProtocolError(f"cannot read an event header: {line[:80]!r}")
    return header


def take(buffer: bytes) -> tuple[Event | None, bytes]:
    """Return the first whole event in the buffer, or None, and what is left of the buffer.

    Raises:
        ProtocolError: The buffer does not begin with an event.
    """
    line, end, rest = buffer.partition(b"\n")
    if not end:
        if len(buffer) > _HEADER_BYTES:
            raise ProtocolError("cannot read an event header: no line end")
        return None, buffer
    header = parse_header(line.decode(errors="replace"))
    try:
        length, serial = int(header["len"]), int(header["serial"])
    except ValueError:
        raise ProtocolError(f"cannot read an event header: {line[:80]!r}") from None
    if len(rest) < length:
        return None, buffer
    payload = rest[:length].decode(errors="replace")
    return Event(header["eventname"], serial, payload), rest[length:]


class Listener:
    """An event listener on two file descriptors."""

    def __init__(self, reader: int, writer: int, ear: Ear | None = None) -> None:
        """Say that events may come.

        Args:
            reader: Where supervisord's events come from.
            writer: Where they are acknowledged.
            ear: Where hints come from that are no events; they only end a wait.
        """
        self._reader = reader
        self._ear = ear
        self._writer = writer
        self._buffer = b""
        os.write(self._writer, READY)

    def wait(self, timeout_s: float) -> list[Event] | None:
        """Return the events that came within the time, acknowledged; None when supervisord is gone.

        Raises:
            ProtocolError: Something else than events came.
        """
        sources: list[int | Ear] = (
            [self._reader] if self._ear is None else [self._reader, self._ear]
        )
        readable, _, _ = select.select(sources, [], [], timeout_s)
        if self._ear in readable and self._ear is not None:
            self._ear.clear()
        if self._reader not in readable:
            return []
        data = os.read(self._reader, _READ_BYTES)
        if not data:
            return None
        self._buffer += data
        events: list[Event] = []
        while True:
            event, self._buffer = take(self._buffer)
            if event is None:
                return events
            os.write(self._writer, OK + READY)
            events.append(event)
