"""What exactly runs in this start, with every limit in bytes?

Covers: the plan, one frozen JSON in the runtime folder that every program of a start reads.
Leaves out: how it becomes a supervisord configuration (`render`), and how it is made from
settings (`settings.programs`). No secret is ever in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from podkeeper import atomic
from podkeeper.errors import PlanError
from podkeeper.model.isolation import Isolation
from podkeeper.settings.schema import Settings
from podkeeper.units import Amount, parse_amount

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME = "plan.json"
Role = Literal["platform", "webui", "handler", "watchdog", "keeper"]


class Liveness(msgspec.Struct, frozen=True, kw_only=True):
    """How a program is asked whether it still lives, and how much silence is too much."""

    kind: Literal["http", "tcp", "exec"]
    #: URL of an HTTP probe; empty where the readiness probe's answers count.
    url: str = ""
    #: Port of a TCP probe on the loopback interface.
    port: int = 0
    command: list[str] = []
    period_s: float
    timeout_s: float
    failures: int


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """One program of the rendered configuration."""

    name: str
    role: Role
    command: list[str]
    directory: str
    environment: dict[str, str]
    #: File with the variables only this program may see, or None. It is never rendered.
    private_environment: str | None
    priority: int
    #: Whether supervisord starts it by itself; the keeper starts the others when their time comes.
    autostart: bool
    stop_wait_s: float
    user: str
    isolation: Isolation
    #: None where nothing is enforced.
    memory_soft_bytes: int | None
    memory_hard_bytes: int | None
    #: URL that answers 200 once the program can do its work; None where there is nothing to ask.
    readiness_url: str | None
    #: None where nobody asks whether it still lives.
    liveness: Liveness | None = None

    @property
    def resident(self) -> bool:
        """Return whether supervisord itself keeps it running, rather than the keeper."""
        return self.role in ("keeper", "watchdog")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one start needs to know, decided once."""

    run_id: str
    version: str
    made_at_s: float
    runtime_dir: str
    state_dir: str
    #: The interpreter that all of podkeeper's own programs run in.
    python: str
    #: Whether the worker runs as root, as in most containers.
    superuser: bool
    #: The container's memory: the smallest limit that applies.
    memory_capacity_bytes: int
    #: What may be planned with: the capacity less the reserve.
    memory_budget_bytes: int
    programs: list[Program]
    settings: Settings
    #: The processor quota in cores; None where there is none that binds.
    cpu_quota_cores: float | None = None

    def program(self, name: str) -> Program:
        """Return the program of that name.

        Raises:
            KeyError: There is none.
        """
        for each in self.programs:
            if each.name == name:
                return each
        raise KeyError(name)

    def of_role(self, role: Role) -> list[Program]:
        """Return the programs of one role, in their order."""
        return [each for each in self.programs if each.role == role]

    @property
    def path(self) -> Path:
        """Return where this plan itself is kept."""
        return Path(self.runtime_dir) / FILE_NAME

    @property
    def socket_path(self) -> Path:
        """Return where supervisord listens for control."""
        return Path(self.runtime_dir) / "supervisor.sock"

    def launch_command(self, program: Program) -> list[str]:
        """Return how supervisord starts a program: through what gives it variables and place.

        `-P` keeps a stray `hooks` folder of the working directory out of the way.
        """
        private = program.private_environment
        options = [] if private is None else ["--environment", private]
        options += ["--isolate", program.isolation.compact]
        return [self.python, "-P", "-m", "hooks.launch", *options, "--", *program.command]

    @property
    def snapshot_path(self) -> Path:
        """Return where the watchdog leaves its newest snapshot."""
        return Path(self.runtime_dir) / "snapshot.json"

    @property
    def hint_path(self) -> Path:
        """Return where the keeper is told that there is something new to see."""
        return Path(self.runtime_dir) / "keeper.sock"

    @property
    def work_path(self) -> Path:
        """Return where the handler leaves which jobs it has in hand: a folder it may write to."""
        return Path(self.runtime_dir) / "handler" / "work.json"

    @property
    def handler_state_path(self) -> Path:
        """Return the folder for what of the handler outlives a start: its user's own."""
        return Path(self.state_dir) / "handler"

    @property
    def journal_path(self) -> Path:
        """Return where the handler keeps its jobs."""
        return self.handler_state_path / "journal.sqlite3"

    @property
    def ledger_path(self) -> Path:
        """Return where incidents and episodes are kept."""
        return Path(self.state_dir) / "ledger.sqlite3"


def _encode(value: object) -> object:
    if isinstance(value, Amount):
        return value.exact
    raise TypeError(value)


def _decode(kind: type, value: object) -> object:
    if kind is Amount:
        return parse_amount(str(value))
    raise TypeError(kind)


def dump(plan: Plan) -> bytes:
    """Return the plan as JSON."""
    return msgspec.json.format(msgspec.json.encode(plan, enc_hook=_encode))


def parse(data: bytes) -> Plan:
    """Return the plan that `dump` wrote.

    Raises:
        PlanError: It is no such plan.
    """
    try:
        return msgspec.json.decode(data, type=Plan, dec_hook=_decode)
    except (msgspec.MsgspecError, ValueError) as error:
        raise PlanError(f"cannot read the plan: {error}") from error


def write(plan: Plan) -> Path:
    """Put the plan into the runtime folder and return its path."""
    atomic.write(plan.path, dump(plan), mode=0o644)
    return plan.path


def read(path: Path) -> Plan:
    """Return the plan in a file.

    Raises:
        PlanError: There is no such file, or no plan in it.
    """
    try:
        return parse(path.read_bytes())
    except OSError as error:
        raise PlanError(f"cannot read the plan {path}: {error.strerror}") from error


def read_own(environ: Mapping[str, str]) -> Plan:
    """Return the plan of the start this process belongs to, named by `PODKEEPER_PLAN`.

    Raises:
        PlanError: The process was not started by podkeeper, or the plan is unreadable.
    """
    name = environ.get("PODKEEPER_PLAN")
    if not name:
        raise PlanError("cannot read the plan: PODKEEPER_PLAN is not set; start it by podkeeper up")
    return read(Path(name))
