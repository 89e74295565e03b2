"""What operators want and the next steps towards it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.policy import orders
from podkeeper.policy.orders import Kind, Name, Order, Pending, Reload, Step, Wanted

PROGRAMS = ["keeper", "watchdog", "platform", "webui", "handler"]
STATES = ["STOPPED", "STARTING", "RUNNING", "BACKOFF", "STOPPING", "EXITED", "FATAL"]
ALL_UP = dict.fromkeys(PROGRAMS, "RUNNING")
PENDING = st.builds(
    Pending,
    program=st.sampled_from(["webui", "platform", "handler", "watchdog"]),
    kind=st.sampled_from(list(Kind)),
    when_idle=st.booleans(),
    asked_at_s=st.just(0.0),
)
WANTED = st.builds(
    lambda drained, pending, reload: orders.with_pending(Wanted(drained, (), reload), pending),
    st.none() | st.just(1.0),
    st.lists(PENDING, max_size=4),
    st.none() | st.builds(Reload, st.booleans(), st.just(0.0)),
)
SEEN = st.fixed_dictionaries({name: st.sampled_from(STATES) for name in PROGRAMS})


def taken(*names: str, wanted: Wanted | None = None) -> Wanted:
    """Return what is wanted after orders, each a name or `name program`."""
    wanted = wanted or Wanted()
    for number, name in enumerate(names):
        word, _, program = name.partition(" ")
        wanted, _ = orders.take(wanted, Order(number, word, program, float(number)), PROGRAMS)
    return wanted


def steps(wanted: Wanted, **states: str) -> list[tuple[Step, str]]:
    """Return the steps in a worker whose other programs run."""
    return list(orders.steps(wanted, {**ALL_UP, **states}))


@pytest.mark.parametrize(
    ("wanted", "states", "expected"),
    [
        (taken("drain"), {}, [(Step.STOP, "handler")]),
        (taken("drain"), {"handler": "STOPPING"}, []),
        (taken("drain"), {"handler": "EXITED"}, []),
        (taken("drain", "resume"), {}, []),
        (taken("restart webui"), {}, [(Step.STOP, "webui")]),
        (taken("restart webui"), {"webui": "STOPPING"}, []),
        (taken("restart webui"), {"webui": "STOPPED"}, [(Step.START, "webui")]),
        (taken("restart_when_idle webui"), {}, [(Step.STOP, "handler")]),
        (taken("restart_when_idle webui"), {"handler": "STOPPING"}, []),
        (taken("restart_when_idle webui"), {"handler": "STOPPED"}, [(Step.STOP, "webui")]),
        (taken("restart_when_idle webui", "restart webui"), {}, [(Step.STOP, "webui")]),
        (taken("restart handler"), {}, [(Step.STOP, "handler")]),
        (taken("drain", "restart handler"), {"handler": "STOPPED"}, []),
        (taken("restart handler", "drain"), {"handler": "STOPPED"}, []),
        (taken("restart_when_idle watchdog"), {}, [(Step.STOP, "watchdog")]),
        (taken("restart nobody"), {}, []),
        (taken("nonsense"), {}, []),
    ],
)
def test_steps_follow_from_what_is_wanted_and_what_is(
    wanted: Wanted, states: dict[str, str], expected: list[tuple[Step, str]]
) -> None:
    """Each situation has its next step, whatever happened before."""
    assert steps(wanted, **states) == expected


@pytest.mark.parametrize(
    ("kind", "state", "expected"),
    [
        (Kind.REPLACE, "RUNNING", Step.STOP),
        (Kind.REPLACE, "EXITED", Step.DROP),
        (Kind.REPLACE, None, Step.ADD),
        (Kind.REMOVE, "RUNNING", Step.STOP),
        (Kind.REMOVE, "STOPPED", Step.DROP),
        (Kind.REMOVE, None, Step.DONE),
        (Kind.ADD, None, Step.ADD),
        (Kind.ADD, "RUNNING", Step.DONE),
        (Kind.RESTART, None, Step.DONE),
    ],
)
def test_a_program_goes_out_and_in_again_step_by_step(
    kind: Kind, state: str | None, expected: Step
) -> None:
    """A replaced program is stopped, dropped and added; wherever that was cut off, it goes on."""
    wanted = Wanted(pending=(Pending("webui-1", kind, when_idle=False, asked_at_s=0.0),))
    states = {**ALL_UP} if state is None else {**ALL_UP, "webui-1": state}
    assert list(orders.steps(wanted, states)) == [(expected, "webui-1")]


def test_the_stronger_and_the_more_urgent_wish_stands() -> None:
    """A restart does not weaken a replacement; a wish without patience makes it hurry."""
    replaced = Pending("webui", Kind.REPLACE, when_idle=True, asked_at_s=0.0)
    wanted = taken("restart webui", wanted=Wanted(pending=(replaced,)))
    (pending,) = wanted.pending
    assert (pending.kind, pending.when_idle) == (Kind.REPLACE, False)


def test_a_second_drain_keeps_the_time_of_the_first() -> None:
    """Since when it is drained does not move."""
    assert taken("drain", "drain").drained_since_s == 0.0


@given(WANTED, SEEN)
def test_nothing_disturbs_a_job_that_is_waited_for(wanted: Wanted, states: dict[str, str]) -> None:
    """A program that waits for idleness is left alone while the handler lives."""
    waiting = {each.program for each in wanted.pending if each.when_idle}
    if not orders.is_idle(states):
        touched = {name for step, name in orders.steps(wanted, states)}
        assert touched & waiting <= {orders.INTAKE}


@given(WANTED, SEEN)
def test_a_held_handler_is_never_started(wanted: Wanted, states: dict[str, str]) -> None:
    """While anything holds it, the usual judge does not get it into its hands."""
    if orders.holds(wanted):
        assert orders.INTAKE in orders.in_hand(wanted, states)


@given(WANTED, SEEN)
def test_every_wish_ends(wanted: Wanted, states: dict[str, str]) -> None:
    """Doing the steps, with stops that end, leaves nothing pending."""
    known: dict[str, str] = dict(states)
    for _ in range(20):
        known = {name: "STOPPED" if s == "STOPPING" else s for name, s in known.items()}
        for step, name in list(orders.steps(wanted, known)):
            if step == Step.STOP:
                known[name] = "STOPPING"
            elif step == Step.DROP:
                del known[name]
            elif step == Step.ADD:
                known[name] = "STARTING"
            if step in (Step.START, Step.ADD, Step.DONE):
                wanted = orders.without_pending(wanted, name)
    assert wanted.pending == ()


def test_every_order_has_a_name_that_the_plugin_takes() -> None:
    """The plugin, which imports nothing of the library, knows the same names."""
    plugin = pytest.importorskip("hooks.plugin_orders")
    assert frozenset(Name) == plugin.NAMES
