"""Whatever befalls the worker, in any order: no life is doubled, and all comes right again."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "keeper"))
from fake_world import Story

from podkeeper.policy.cause import Cause

MANAGED = st.sampled_from(["webui-0", "webui-1", "handler", "platform"])

_FOR_WANT = (Cause.MEMORY_HARD, Cause.CONTAINER_MEMORY)


class KeeperMachine(RuleBasedStateMachine):
    """Drives the real keeper in the fake world, whose hands refuse a second life of a program."""

    @initialize()
    def begin(self) -> None:
        """Bring a worker of two WebUIs up."""
        self.folder = tempfile.TemporaryDirectory()
        options = ("webui.instances=2", "restart.budget=100000", "restart.backoff_max_s=5s")
        self.story = Story(Path(self.folder.name), *options)
        self.story.run(3)

    def teardown(self) -> None:
        """Put the ledger away."""
        if hasattr(self, "story"):
            self.story.ledger.close()
            self.folder.cleanup()

    @rule(name=MANAGED, number=st.sampled_from([signal.SIGKILL, signal.SIGSEGV]))
    def die(self, name: str, number: int) -> None:
        """Kill a program that runs."""
        if self.story.world.programs[name].pid:
            self.story.world.die(name, number=number)

    @rule(name=MANAGED, code=st.integers(0, 3))
    def leave(self, name: str, code: int) -> None:
        """Let a program exit."""
        if self.story.world.programs[name].pid:
            self.story.world.die(name, code=code)

    @rule()
    def forget_deaths(self) -> None:
        """Lose every record of deaths that was not yet read."""
        self.story.world.seen_deaths.clear()

    @rule(name=MANAGED, share=st.floats(0, 2))
    def grow(self, name: str, share: float) -> None:
        """Let a program use some share of its hard limit."""
        limit = self.story.plan.program(name).memory_hard_bytes or 1
        self.story.world.programs[name].memory_bytes = int(limit * share)

    @rule(name=MANAGED)
    def go_blind(self, name: str) -> None:
        """Lose a program's memory reading."""
        self.story.world.programs[name].memory_bytes = None

    @rule()
    def replace_keeper(self) -> None:
        """Kill the keeper; the next one has the ledger alone."""
        self.story.new_keeper()

    @rule(alive=st.booleans())
    def watch(self, alive: bool) -> None:  # noqa: FBT001 - hypothesis gives it
        """Freeze or thaw the watchdog."""
        self.story.world.watchdog_alive = alive

    @rule(word=st.sampled_from(["drain", "resume"]))
    def order_intake(self, word: str) -> None:
        """Let an operator drain the worker or take it back."""
        self.story.world.order(word)

    @rule(name=MANAGED, word=st.sampled_from(["restart", "restart_when_idle"]))
    def order_restart(self, name: str, word: str) -> None:
        """Let an operator restart a program."""
        self.story.world.order(word, name)

    @rule()
    def end_stops(self) -> None:
        """Let every program end that was asked to."""
        world = self.story.world
        for name, program in list(world.programs.items()):
            if program.state == "STOPPING":
                world.die(name, code=0)

    @rule(span_s=st.floats(0.5, 8))
    def pass_time(self, span_s: float) -> None:
        """Let time pass, with looks."""
        self.story.run(span_s)

    @invariant()
    def open_incidents_are_bounded(self) -> None:
        """No look opens a second incident for what is already known."""
        if hasattr(self, "story"):
            for name in self.story.world.programs:
                known = self.story.keeper._book.of(name)
                assert len({(each.pid, each.cause) for each in known}) == len(known)

    @invariant()
    def one_victim_at_a_time(self) -> None:
        """Nobody is sent down for want of memory while another one is on its way."""
        if hasattr(self, "story"):
            records = self.story.keeper._records.values()
            victims = [each for each in records if each.taking_down in _FOR_WANT]
            assert len(victims) <= 1

    @rule()
    def calm_down(self) -> None:
        """Once nothing more befalls it, everything runs, and no incident stays open."""
        world = self.story.world
        world.watchdog_alive = True
        for program in world.programs.values():
            program.memory_bytes = 1000
        keeper = self.story.plan.settings.keeper
        world.order("resume")
        for _ in range(4):  # the handler drains, two WebUIs are restarted, the handler comes back
            self.story.run(1)
            self.end_stops()
        self.story.run(keeper.take_down_wait_s + keeper.watchdog_grace_s + 15)
        states = {name: each.state for name, each in world.programs.items()}
        assert set(states.values()) == {"RUNNING"}, states
        assert self.story.ledger.incidents(only_open=True) == []


KeeperMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestKeeperMachine = KeeperMachine.TestCase
