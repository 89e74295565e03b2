"""The parts of the plugin that operators meet: orders, questions, a second signal."""

from __future__ import annotations

import json
import signal
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from supervisor.rpcinterface import RPCError
from supervisor.states import ProcessStates, SupervisorStates

from hooks.ctlplugin import make_ctl
from hooks.plugin_hurry import Hurry
from hooks.plugin_operations import Operations
from hooks.plugin_orders import Orders
from podkeeper.model.incident import Incident
from podkeeper.recorders.ledger import Ledger
from podkeeper.settings import plan as plans

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from podkeeper.settings.plan import Plan


class FakeGroup:
    """A group of one program that takes its time to stop."""

    def __init__(self) -> None:
        self.process = SimpleNamespace(state=ProcessStates.STOPPING, delay=time.time() + 900, pid=7)
        self.processes = {"handler": self.process}
        self.stops = 0

    def stop_all(self) -> None:
        """Count the request."""
        self.stops += 1


class FakeSupervisord:
    """As much of supervisord as `Hurry` touches; signals are taken from a list."""

    def __init__(self, *signals: int | None) -> None:
        self.group = FakeGroup()
        self.process_groups = {"handler": self.group}
        left = list(signals)
        self.options = SimpleNamespace(
            mood=SupervisorStates.RUNNING,
            get_signal=lambda: left.pop(0) if left else None,
            logger=SimpleNamespace(warn=lambda _: None, critical=lambda _: None),
        )

    def turn(self) -> int | None:
        """Do what supervisord's loop does with a signal."""
        number: int | None = self.options.get_signal()
        if number == signal.SIGTERM:
            self.options.mood = SupervisorStates.SHUTDOWN
        return number

    def left_s(self) -> float:
        """Return the time until supervisord kills."""
        return float(self.group.process.delay - time.time())


def test_the_first_signal_waits_the_second_hurries_the_third_kills() -> None:
    """Each request to stop is more urgent than the one before; other signals are not counted."""
    term = signal.SIGTERM
    supervisord = FakeSupervisord(term, signal.SIGCHLD, None, term, None, term)
    Hurry(supervisord, 60.0).attach()
    assert [supervisord.turn() for _ in range(3)] == [term, signal.SIGCHLD, None]
    assert (supervisord.left_s() > 800, supervisord.group.stops) == (True, 0)
    assert supervisord.turn() == term
    assert 0 < supervisord.left_s() <= 60
    assert supervisord.turn() is None
    assert supervisord.turn() == term
    assert supervisord.left_s() <= 0


def test_a_signal_after_a_shutdown_by_supervisorctl_hurries() -> None:
    """The stop was already asked for, so this is the second wish."""
    supervisord = FakeSupervisord(signal.SIGTERM)
    supervisord.options.mood = SupervisorStates.SHUTDOWN
    Hurry(supervisord, 5.0).attach()
    supervisord.turn()
    assert supervisord.left_s() <= 5


def test_what_survives_sigkill_is_not_killed_in_every_turn() -> None:
    """Supervisord sets a new wait after its kill; cutting that again would spin."""
    supervisord = FakeSupervisord(signal.SIGTERM, signal.SIGTERM)
    Hurry(supervisord, 0.0).attach()
    supervisord.turn()
    supervisord.turn()
    supervisord.group.process.delay = time.time() + 900
    supervisord.turn()
    assert supervisord.left_s() > 800


def test_a_fault_while_hurrying_loses_no_signal() -> None:
    """The stop goes on as supervisord does it by itself."""
    supervisord = FakeSupervisord(signal.SIGTERM, signal.SIGTERM)
    supervisord.process_groups = None  # type: ignore[assignment]
    Hurry(supervisord, 0.0).attach()
    assert [supervisord.turn(), supervisord.turn()] == [signal.SIGTERM, signal.SIGTERM]


def test_orders_are_kept_until_they_are_read_and_their_numbers_rise() -> None:
    """A keeper that was away finds what it has not read, in order."""
    orders = Orders()
    first, second = orders.give("drain", ""), orders.give("restart", "webui")
    assert [each["number"] for each in orders.after(-1)] == [first, second]
    assert [each["argument"] for each in orders.after(first)] == ["webui"]


@pytest.fixture
def operations(tmp_path: Path, plan_of: Callable[..., Plan]) -> Operations:
    """Give the methods of a worker with one incident and one spent restart."""
    plan = plan_of()
    plans.write(plan)
    (tmp_path / "state").mkdir()
    ledger = Ledger(plan.ledger_path, busy_timeout_s=5, max_bytes=1 << 30)
    ledger.open_incident(
        Incident(
            id=0,
            run_id=plan.run_id,
            program="webui",
            cause="signal",
            sentence="killed by SIGKILL",
            opened_at_s=1.0,
            closed_at_s=None,
            recovery_s=None,
            pid=42,
            evidence={"peak_rss_bytes": 1024},
            actions=[],
        )
    )
    history = {"restarted_at_s": [time.monotonic()], "in_a_row": 2}
    ledger.remember(plan.run_id, "record.webui", {"history": history})
    ledger.close()
    return Operations(str(plan.path))


def test_an_order_has_to_have_a_name_that_there_is(operations: Operations) -> None:
    """A typing error is a fault for who made it, not a riddle for the keeper."""
    number = operations.drain()
    assert json.loads(operations.orders("-1"))[0]["number"] == int(number)
    with pytest.raises(RPCError):
        operations.order("explode", "")


def test_a_question_that_cannot_be_answered_is_a_fault(operations: Operations) -> None:
    """There is no snapshot yet, and that is said."""
    with pytest.raises(RPCError, match="snapshot"):
        operations.resources()


class FakeController:
    """A supervisorctl whose server is in the same process."""

    exitstatus = 0

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self.said: list[str] = []

    def upcheck(self) -> bool:
        """Return that the server answers."""
        return True

    def get_server_proxy(self, _namespace: str) -> Any:
        """Return the methods themselves."""
        return self._operations

    def output(self, text: str) -> None:
        """Keep what is said."""
        self.said.append(text)


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("incidents", 0, "killed by SIGKILL"),
        ("incidents 5", 0, "killed by SIGKILL"),
        ("incidents many", 2, "bad arguments"),
        ("explain 1", 0, "Incident 1: webui (pid 42) killed by SIGKILL"),
        ("explain 2", 1, "no incident 2"),
        ("explain", 2, "bad arguments"),
        ("explain 99999999999999", 2, "bad arguments"),
        ("budget", 0, "NEXT WAIT"),
        ("budget webui", 2, "bad arguments"),
        ("drain", 0, "draining"),
        ("resume", 0, "takes jobs again"),
        ("resume now", 2, "bad arguments"),
    ],
)
def test_each_verb_says_what_came_of_it(
    operations: Operations, line: str, code: int, said: str
) -> None:
    """The text is for people, the exit code for scripts."""
    controller = FakeController(operations)
    verb, _, argument = line.partition(" ")
    getattr(make_ctl(controller), f"do_{verb}")(argument)
    assert controller.exitstatus == code
    assert said in "\n".join(controller.said)


def test_the_budget_counts_what_the_keeper_remembers(operations: Operations) -> None:
    """One restart is spent; the third in a row would wait."""
    found = json.loads(operations.budget())
    webui = next(each for each in found["programs"] if each["program"] == "webui")
    assert webui["spent"] == 1
    assert webui["next_wait_s"] > 0


def test_every_verb_has_its_help(operations: Operations) -> None:
    """`supervisorctl help` names each."""
    controller = FakeController(operations)
    verbs = make_ctl(controller)
    names = [name.removeprefix("do_") for name in dir(verbs) if name.startswith("do_")]
    for name in sorted({*names} - {"help"}):
        getattr(verbs, f"help_{name}")()
    assert len(controller.said) == len(names) - 1 >= 6
