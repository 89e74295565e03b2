"""The one door to supervisord: what does it run, and how is it told to start, stop or signal?

Covers: calls over its unix socket, errors in our words, deaths as its podkeeper plugin saw them.
Leaves out: who may use which call. Only the keeper starts and stops (`podkeeper.actuators`);
everyone else only reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from podkeeper import loopback, xmlrpc_text
from podkeeper.errors import ShuttingDownError, SupervisordError
from podkeeper.policy.orders import Order
from podkeeper.xmlrpc_text import FaultError, NotXmlRpcError

if TYPE_CHECKING:
    from pathlib import Path

    from podkeeper.loopback import Reply

_TARGET = "/RPC2"
_OK = 200
#: Far above anything it says: a thousand deaths with their last lines.
_MOST_ANSWER_BYTES = 64 << 20
# Codes of supervisor.xmlrpc.Faults and their names, for messages a person can read.
_SHUTDOWN_STATE = 6
_FAULTS = {
    1: "UNKNOWN_METHOD",
    10: "BAD_NAME",
    11: "BAD_SIGNAL",
    20: "NO_FILE",
    30: "FAILED",
    40: "ABNORMAL_TERMINATION",
    50: "SPAWN_ERROR",
    60: "ALREADY_STARTED",
    70: "NOT_RUNNING",
    90: "ALREADY_ADDED",
    91: "STILL_RUNNING",
    92: "CANT_REREAD",
}


class ProgramInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One program as supervisord sees it."""

    name: str
    #: supervisord's word: STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL, UNKNOWN.
    state: str
    #: 0 when no process runs.
    pid: int
    #: Wall clock in whole seconds; 0 when it was never started or stopped.
    started_at_s: int
    stopped_at_s: int
    #: -1 for any signal: supervisord does not say which. `Death` does.
    exit_status: int
    spawn_error: str


class Death(msgspec.Struct, frozen=True, kw_only=True):
    """The end of one process, as supervisord's wait saw it."""

    #: Rises from one death to the next.
    sequence: int
    program: str
    pid: int
    #: Wall clock.
    at_s: float
    #: CLOCK_MONOTONIC.
    at_monotonic_s: float
    #: None when a signal ended it.
    exit_code: int | None
    #: Number of the signal that ended it, or None.
    signal: int | None
    dumped_core: bool
    #: Whether supervisord had been asked to stop it.
    stop_requested: bool
    #: Largest resident set over its life.
    peak_rss_bytes: int
    #: Why the plugin itself killed it, as a word of `policy.cause.Cause`; None where it did not.
    own_cause: str | None = None
    #: What it wrote last, oldest line first.
    last_lines: list[str] = []


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """supervisord at one instant."""

    #: Whether it runs programs, rather than shutting down.
    running: bool
    programs: list[ProgramInfo]
    #: Oldest first.
    deaths: list[Death] = []


def _body_of(reply: Reply) -> bytes:
    if reply.status != _OK:
        raise NotXmlRpcError(reply.detail)
    return reply.body


class Supervisord:
    """A supervisord that listens on a unix socket."""

    def __init__(self, socket_path: Path, timeout_s: float = 10.0) -> None:
        self.socket_path = socket_path
        self._timeout_s = timeout_s

    def _call(self, method: str, *arguments: object) -> Any:
        where = str(self.socket_path)
        try:
            call = xmlrpc_text.call(method, arguments)
            reply = loopback.ask_socket(where, _TARGET, self._timeout_s, call, _MOST_ANSWER_BYTES)
            return xmlrpc_text.answer(_body_of(reply))
        except FaultError as fault:
            if fault.code == _SHUTDOWN_STATE:
                raise ShuttingDownError from fault
            word = _FAULTS.get(fault.code, str(fault.code))
            raise SupervisordError(f"cannot {method}{arguments}: {word}") from fault
        except (OSError, NotXmlRpcError) as error:
            raise SupervisordError(f"cannot reach supervisord at {where}: {error}") from error

    def programs(self) -> list[ProgramInfo]:
        """Return every program with its state. Same as `supervisorctl status`.

        Asks the plugin: supervisord's own answer is long, and takes three times the time on either
        side.

        Raises:
            ShuttingDownError: supervisord is stopping everything.
        """
        seen = msgspec.json.decode(self._call("podkeeper.programs"), type=Seen)
        if not seen.running:
            raise ShuttingDownError
        return seen.programs

    def see(self, after: int = -1) -> Seen:
        """Return everything of one instant, with the deaths of a sequence above `after`.

        The plugin keeps a bounded number of deaths; the keeper asks long before any is dropped.
        """
        return msgspec.json.decode(self._call("podkeeper.see", str(after)), type=Seen)

    def is_running(self) -> bool:
        """Return whether it runs programs, rather than shutting down."""
        return bool(self._call("supervisor.getState")["statename"] == "RUNNING")

    def start(self, name: str) -> None:
        """Start a program without waiting for it to come up."""
        self._call("supervisor.startProcess", name, False)  # noqa: FBT003 - its API

    def stop(self, name: str) -> None:
        """Send a program its stop signal, and SIGKILL after its stop time; do not wait."""
        self._call("supervisor.stopProcess", name, False)  # noqa: FBT003 - its API

    def order(self, name: str, argument: str = "") -> int:
        """Leave the keeper an order (`policy.orders.Name`) and return the order's number."""
        return int(self._call("podkeeper.order", str(name), argument))

    def orders(self, after: int = -1) -> list[Order]:
        """Return the orders with a number above `after`, oldest first."""
        return msgspec.json.decode(self._call("podkeeper.orders", str(after)), type=list[Order])

    def read_configuration(self) -> None:
        """Make it read its configuration file; what runs stays as it is."""
        self._call("supervisor.reloadConfig")

    def add(self, name: str) -> None:
        """Take in a program as the configuration it has read describes it."""
        self._call("supervisor.addProcessGroup", name)

    def remove(self, name: str) -> None:
        """Forget a program that does not run."""
        self._call("supervisor.removeProcessGroup", name)

    def shut_down(self, exit_code: int = 0) -> None:
        """Stop everything in order, then end supervisord with an exit code."""
        self._call("podkeeper.setExitCode", exit_code)
        self._call("supervisor.shutdown")
