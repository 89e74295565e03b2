"""How do all programs' output and supervisord's own log become one stream of whole lines?

Each line carries time and program. Output of programs arrives as supervisor's PROCESS_LOG events,
in process. Lines wait in a bounded buffer and are written only when the loop's poll says that
standard output takes them, at most a pipe's atomic size at a time: a container runtime that stops
reading can delay lines and make us drop the oldest, but never block supervision. What a program
writes beyond its budget (`hooks.plugin_budget`) is counted, and the count is said.
"""

from __future__ import annotations

import atexit
import os
import select
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from supervisor import events

from hooks.plugin_budget import Budget
from hooks.plugin_guard import Guard

if TYPE_CHECKING:
    from hooks.plugin_deaths import DeathRecorder

_STDOUT = 1
# POSIX: a write of up to PIPE_BUF bytes to a pipe that polls writable does not block.
_WRITE_BYTES = select.PIPE_BUF
# Enough for some minutes of a chatty WebUI while nobody reads.
_KEPT_BYTES = 1024 * 1024
# A line longer than this is cut, so that a program without line ends cannot fill our memory.
_LINE_BYTES = 16 * 1024
_LAST_WAIT_MS = 500
# What is kept of each program's output for the record of its death, and of each line of it.
_TAIL_LINES = 20
_TAIL_LINE_BYTES = 400
#: Of output over the budget only the end is looked at, for the record of a death.
_TAIL_BYTES = _TAIL_LINES * _TAIL_LINE_BYTES
_ENDS = (
    events.ProcessStateExitedEvent,
    events.ProcessStateStoppedEvent,
    events.ProcessStateBackoffEvent,
)


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """Return the whole lines in `data` and what follows the last line end.

    Of a line that was drawn over with carriage returns, as progress bars do, the last drawing is
    kept.
    """
    *lines, rest = data.split(b"\n")
    if len(rest) > _LINE_BYTES:
        lines.append(rest[:_LINE_BYTES])
        rest = b""
    drawn = [line.rstrip(b"\r").rpartition(b"\r")[2] for line in lines]
    return [line[:_LINE_BYTES] for line in drawn], rest


def stamped(line: bytes, program: str, at_s: float) -> bytes:
    """Return a line with its time (UTC, milliseconds) and program in front."""
    clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_s))
    return f"{clock}.{int(at_s * 1000) % 1000:03d}Z {program} | ".encode() + line + b"\n"


class LineWriter:
    """Takes output, gives lines to standard output as fast as it takes them."""

    closed = False

    def __init__(self, rate_bytes_per_s: float, burst_bytes: float) -> None:
        self._rate = rate_bytes_per_s
        self._burst = burst_bytes
        self._budgets: dict[str, Budget] = {}
        self._rests: dict[tuple[str, str], bytes] = {}
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._begun = b""
        self._dropped_unsaid = 0
        self._tails: dict[str, deque[bytes]] = {}
        self._deaths: DeathRecorder | None = None
        self.dropped = 0
        self.suppressed = 0
        self.suppressed_bytes = 0

    def attach(self, supervisord: Any, deaths: DeathRecorder) -> None:
        """Take the output of all programs and supervisord's own log lines from now on.

        What a program wrote last goes into the record of its death.
        """
        self._deaths = deaths
        supervisord.options.get_socket_map()[_STDOUT] = self
        guard = Guard(supervisord)
        events.subscribe(events.ProcessLogEvent, guard(self._on_output))
        events.subscribe(events.ProcessStateEvent, guard(self._on_state))
        supervisord.options.logger.handlers.append(_LogHandler(self, supervisord))
        atexit.register(self._write_rest)

    def _on_output(self, event: Any) -> None:
        name = str(event.process.config.name)
        key = (name, event.channel)
        budget = self._budgets.setdefault(name, Budget(self._rate, self._burst))
        # What was read counts, not what is kept of it: a bar that is drawn over costs as much.
        if not budget.take(len(event.data), time.monotonic()):
            self._suppress(key, event.data, budget)
            return
        self._say_suppressed(name, budget)
        lines, self._rests[key] = split(self._rests.get(key, b"") + event.data)
        for line in lines:
            self.add(line, name)

    def _suppress(self, key: tuple[str, str], data: bytes, budget: Budget) -> None:
        """Count output instead of keeping it; what is left over of a line belongs to it."""
        ended = data.count(b"\n")
        budget.miss(ended, len(data))
        self.suppressed += ended
        self.suppressed_bytes += len(data)
        lines, rest = split(data[-_TAIL_BYTES:])
        self._keep_tail(lines, key[0])
        self._rests[key] = self._rests.get(key, b"") + rest if not ended else rest
        if len(self._rests[key]) > _LINE_BYTES:
            self._rests[key] = b""

    def _say_suppressed(self, name: str, budget: Budget) -> None:
        missed = budget.say()
        if missed is not None:
            more = f"it wrote more than {self._rate:.0f} bytes a second"
            said = f"{missed.lines} lines ({missed.size_bytes} bytes) of {name} suppressed: {more}"
            self.add(said.encode(), "supervisord")

    def _on_state(self, event: Any) -> None:
        """Give out what a program wrote without a line end before it died, and its last lines.

        supervisord has read all it wrote before it says that the program ended.
        """
        if not isinstance(event, _ENDS):
            return
        name = str(event.process.config.name)
        for key in [key for key in self._rests if key[0] == name]:
            rest = self._rests.pop(key)
            if rest:
                self.add(rest, name)
        if self._deaths is not None:
            tail = self._tails.pop(name, deque())
            lines = [line.decode(errors="replace") for line in tail]
            self._deaths.add_last_lines(event.process.pid, lines)

    def add(self, line: bytes, program: str) -> None:
        """Put one line into the stream, dropping the oldest where too many wait."""
        if not line.strip():
            return
        self._keep_tail([line], program)
        data = stamped(line, program, time.time())
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        while self._waiting_bytes > _KEPT_BYTES:
            self._waiting_bytes -= len(self._waiting.popleft())
            self._dropped_unsaid += 1
            self.dropped += 1

    def _keep_tail(self, lines: list[bytes], program: str) -> None:
        """Remember lines for the record of the program's death."""
        tail = self._tails.setdefault(program, deque(maxlen=_TAIL_LINES))
        tail.extend(line[:_TAIL_LINE_BYTES] for line in lines[-_TAIL_LINES:])

    def _next(self) -> bytes:
        """Return what to write next: the rest of a begun piece, a notice of loss, some lines."""
        if self._begun:
            return self._begun
        if self._dropped_unsaid:
            notice = f"{self._dropped_unsaid} lines dropped: standard output was not read"
            self._dropped_unsaid = 0
            return stamped(notice.encode(), "supervisord", time.time())
        data = self._waiting.popleft()
        while self._waiting and len(data) + len(self._waiting[0]) <= _WRITE_BYTES:
            data += self._waiting.popleft()
        self._waiting_bytes -= len(data)
        return data

    def _say_all_suppressed(self, now_s: float) -> None:
        """Say what was suppressed of programs that have gone quiet since."""
        for name, budget in self._budgets.items():
            if budget.unsaid.size_bytes and not budget.spent(now_s):
                self._say_suppressed(name, budget)

    def readable(self) -> bool:
        """Return that the loop need not poll for reading."""
        return False

    def writable(self) -> bool:
        """Return whether something waits to be written; the loop asks at every turn."""
        self._say_all_suppressed(time.monotonic())
        return bool(self._begun or self._waiting)

    def handle_write_event(self) -> None:
        """Write one piece; the loop calls again as long as there is more and it is taken."""
        data = self._next()
        try:
            written = os.write(_STDOUT, data[:_WRITE_BYTES])
        except BlockingIOError:
            written = 0
        except OSError:
            # The reader is gone for good: lines have nowhere to go, supervision goes on.
            self.dropped += 1 + len(self._waiting)
            self._waiting.clear()
            self._waiting_bytes, data, written = 0, b"", 0
        self._begun = data[written:]

    def handle_error(self) -> None:
        """Drop the line that could not be written; raising would end supervisord."""
        self._begun = b""

    def close(self) -> None:
        """Do nothing: standard output lives as long as supervisord."""

    def _write_rest(self) -> None:
        """Write what still waits when supervisord ends, as far as it is taken at once."""
        poll = select.poll()
        poll.register(_STDOUT, select.POLLOUT)
        while self.writable() and poll.poll(_LAST_WAIT_MS):
            self.handle_write_event()


class _LogHandler:
    """Puts supervisord's own log lines into the stream; the interface is supervisor.loggers'."""

    def __init__(self, lines: LineWriter, supervisord: Any) -> None:
        self._lines = lines
        self.level = supervisord.options.loglevel

    def emit(self, record: Any) -> None:
        """Take one log record."""
        text = record.asdict()
        if "without any HTTP authentication" in text["message"]:
            return  # said of every unix socket; its file mode is what lets only us in
        line = f"{text['levelname']} {text['message']}".strip().replace("\n", " | ")
        self._lines.add(line.encode(errors="replace"), "supervisord")

    def reopen(self) -> None:
        """Do nothing: there is no file."""

    def remove(self) -> None:
        """Do nothing: there is no file."""

    def close(self) -> None:
        """Do nothing: there is no file."""
