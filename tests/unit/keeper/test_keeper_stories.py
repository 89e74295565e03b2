"""Stories of a keeper in a world made of values."""

from __future__ import annotations

import itertools
import signal
from typing import TYPE_CHECKING

import pytest
from fake_world import Story

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Above the simulator's hard limit of 3 GiB, and below what is killed at once.
HARD_BYTES = int(3.1 * (1 << 30))


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Give a worker that has come up."""
    told = Story(tmp_path)
    told.run(2)
    yield told
    told.ledger.close()


def test_the_handler_starts_once_a_webui_is_ready(tmp_path: Path) -> None:
    """While the WebUI loads there is no handler that could take a job."""
    story = Story(tmp_path)
    story.world.programs["webui"].ready_after_s = 30
    story.run(25)
    assert story.state("handler") == "STOPPED"
    story.run(10)
    assert story.state("handler") == "RUNNING"
    assert story.ledger.incidents() == []
    story.ledger.close()


def test_the_handler_waits_for_the_local_platform(tmp_path: Path) -> None:
    """Without somebody to ask for jobs the SDK would only fill the log."""
    story = Story(tmp_path)
    story.world.programs["platform"].ready_after_s = None
    story.run(5)
    assert story.state("handler") == "STOPPED"
    story.ledger.close()


@pytest.mark.parametrize("name", ["webui", "handler", "platform"])
def test_what_is_killed_is_back_at_the_next_look(story: Story, name: str) -> None:
    """A death is answered in the look that sees it, and the incident names signal and recovery."""
    story.world.die(name, number=signal.SIGKILL)
    story.keeper.look()
    assert story.state(name) == "RUNNING"
    story.run(1)
    (incident,) = story.ledger.incidents()
    assert (incident.program, incident.cause) == (name, "signal")
    assert "SIGKILL" in incident.sentence
    assert [each.deed for each in incident.actions] == ["start"]
    assert incident.recovery_s is not None
    assert incident.evidence["peak_rss_bytes"] == 2000


@pytest.mark.parametrize("name", ["watchdog", "keeper"])
def test_the_watchers_deaths_are_written_down_too(story: Story, name: str) -> None:
    """The watchers are brought back by supervisord; the keeper says so and starts nothing."""
    before = list(story.world.deeds)
    story.world.die(name, number=signal.SIGKILL)
    story.new_keeper()
    story.run(1)
    (incident,) = story.ledger.incidents()
    assert incident.program == name
    assert incident.closed_at_s is not None
    assert story.world.deeds == before


def test_an_exit_code_is_a_cause(story: Story) -> None:
    """A program that leaves by itself is brought back, with its code on record."""
    story.world.die("webui", code=3)
    story.run(1)
    (incident,) = story.ledger.incidents()
    assert incident.cause == "exit"
    assert "3" in incident.sentence


def test_the_kernels_kill_is_told_from_any_other(story: Story) -> None:
    """The out-of-memory counter moved with the death, so the kernel did it."""
    story.world.kernel_oom_kills = 1
    story.world.die("webui", number=signal.SIGKILL)
    story.run(1)
    (incident,) = story.ledger.incidents()
    assert incident.cause == "kernel_oom"
    assert (incident.evidence["oom_kills_before"], incident.evidence["oom_kills_after"]) == (0, 1)


def test_a_kernel_kill_counted_before_its_death_is_seen_explains_it(story: Story) -> None:
    """A large process dies slowly: the counter moved some looks before the death was reported."""
    story.world.kernel_oom_kills = 1
    story.run(2)
    story.world.die("webui", number=signal.SIGKILL)
    story.run(1)
    assert [each.cause for each in story.ledger.incidents()] == ["kernel_oom"]


def test_one_kernel_kill_explains_one_death(story: Story) -> None:
    """A SIGKILL by somebody else right after the kernel's is not put down to the kernel."""
    story.world.kernel_oom_kills = 1
    story.world.die("webui", number=signal.SIGKILL)
    story.run(1)
    story.world.die("webui", number=signal.SIGKILL)
    story.run(1)
    assert [each.cause for each in story.ledger.incidents()] == ["signal", "kernel_oom"]


def test_two_kernel_kills_at_once_explain_two_deaths(story: Story) -> None:
    """The kernel may take a second program while the first is still dying."""
    story.world.kernel_oom_kills = 2
    story.world.die("webui", number=signal.SIGKILL)
    story.run(1)
    story.world.die("platform", number=signal.SIGKILL)
    story.run(1)
    assert [each.cause for each in story.ledger.incidents()] == ["kernel_oom", "kernel_oom"]


def test_a_kernel_kill_of_nobody_we_know_is_forgotten(story: Story) -> None:
    """A kill that hit another process does not explain a SIGKILL long after."""
    story.world.kernel_oom_kills = 1
    story.run(30)
    story.world.die("webui", number=signal.SIGKILL)
    story.run(1)
    assert [each.cause for each in story.ledger.incidents()] == ["signal"]


def test_a_keeper_killed_by_the_kernel_says_so_of_itself(story: Story) -> None:
    """The next keeper knows the count that the last one saw."""
    story.world.kernel_oom_kills = 3
    story.run(30)
    story.world.kernel_oom_kills = 4
    story.world.die("keeper", number=signal.SIGKILL)
    story.new_keeper()
    story.run(1)
    assert [each.cause for each in story.ledger.incidents()] == ["kernel_oom"]


def test_a_death_while_the_keeper_was_away_is_not_lost(story: Story) -> None:
    """A new keeper finds the death on record and answers it."""
    story.world.die("webui", number=signal.SIGSEGV)
    story.new_keeper()
    story.run(1)
    assert story.state("webui") == "RUNNING"
    assert [each.cause for each in story.ledger.incidents()] == ["signal"]


def test_a_death_that_no_record_tells_of_is_answered(story: Story) -> None:
    """What should run and does not is started, whoever failed to say that it died."""
    story.world.die("webui", number=signal.SIGKILL)
    story.world.seen_deaths.clear()
    story.run(1)
    assert story.state("webui") == "RUNNING"
    assert [each.cause for each in story.ledger.incidents()] == ["unknown"]


def test_a_restarted_keeper_accounts_for_no_death_twice(story: Story) -> None:
    """Deaths that the last keeper wrote down are not written down again."""
    story.world.die("webui", number=signal.SIGKILL)
    story.run(1)
    story.new_keeper()
    story.run(5)
    assert len(story.ledger.incidents()) == 1
    assert len(story.ledger.episodes()) == 1


def test_backoff_and_budget_outlive_the_keeper(tmp_path: Path) -> None:
    """A crash loop is spaced and given up even if the keeper dies between any two restarts."""
    story = Story(
        tmp_path, "restart.budget=4", "restart.backoff_first_s=1s", "restart.escalation=hold"
    )
    story.run(2)
    starts = []
    for _ in range(300):
        if story.world.programs["webui"].pid:
            starts.append(story.world.now_s)
            story.world.die("webui", code=1)
        story.new_keeper()
        story.run(0.5)
    # The first start was supervisord's; the budget's worth followed, ever further apart.
    assert len(starts) == 1 + 4
    gaps = [after - before for before, after in itertools.pairwise(starts[1:])]
    assert gaps == sorted(gaps)
    assert gaps[-1] >= 3
    assert story.state("webui") == "EXITED"
    deeds = [act.deed for each in story.ledger.incidents() for act in each.actions]
    assert deeds.count("give_up") >= 1
    story.ledger.close()


def test_what_an_operator_stops_stays_stopped_and_is_no_incident(story: Story) -> None:
    """`supervisorctl stop webui` is obeyed; what it left in the background is cleared up."""
    story.world.take_down("webui")
    story.world.die("webui", number=signal.SIGTERM)
    story.run(10)
    assert story.state("webui") == "STOPPED"
    assert story.world.deeds.count(("clear", "webui")) == 1
    assert story.ledger.incidents() == []
    assert [each.cause for each in story.ledger.episodes()] == ["stop_requested"]


def test_nothing_is_started_while_supervisord_shuts_down(story: Story) -> None:
    """A stop of the whole worker is not fought."""
    story.world.running = False
    before = list(story.world.deeds)
    story.world.die("webui", number=signal.SIGKILL)
    story.run(10)
    assert story.world.deeds == before


def test_over_the_hard_limit_a_program_is_taken_down_once(story: Story) -> None:
    """One take-down, one incident with the reading, one start, and calm afterwards."""
    del story.world.deeds[:]
    webui = story.world.programs["webui"]
    webui.memory_bytes = HARD_BYTES
    story.run(1)
    assert story.world.deeds == [("take_down", "webui")]
    webui.memory_bytes = 1000
    story.world.die("webui", number=signal.SIGTERM)
    story.run(1)
    assert story.world.deeds == [("take_down", "webui"), ("start", "webui")]
    (incident,) = story.ledger.incidents()
    assert incident.cause == "memory_hard"
    assert incident.evidence["program_memory_bytes"] == HARD_BYTES
    assert incident.closed_at_s is not None


def test_what_ignores_its_stop_is_killed_whole(story: Story) -> None:
    """Over the hard limit a program has a bounded time to end by itself."""
    del story.world.deeds[:]
    story.world.programs["webui"].memory_bytes = HARD_BYTES
    story.run(story.plan.settings.keeper.take_down_wait_s + 1)
    assert ("kill", "webui") in story.world.deeds
    assert story.state("webui") == "RUNNING"


def test_a_keeper_that_dies_between_take_down_and_start_finishes_the_job(story: Story) -> None:
    """The next keeper knows that the stop was the keeper's own and starts the program."""
    story.world.programs["webui"].memory_bytes = HARD_BYTES
    story.run(0.5)
    story.world.programs["webui"].memory_bytes = 1000
    story.new_keeper()
    story.world.die("webui", number=signal.SIGTERM)
    story.run(1)
    assert story.state("webui") == "RUNNING"
    assert [each.cause for each in story.ledger.incidents()] == ["memory_hard"]


def test_soft_memory_is_noted_and_closed_when_it_is_released(story: Story) -> None:
    """Above the soft limit for its grace there is one open incident, until memory falls."""
    webui = story.world.programs["webui"]
    webui.memory_bytes = int(2.5 * (1 << 30))
    story.run(20)
    assert [each.cause for each in story.ledger.incidents(only_open=True)] == ["memory_soft"]
    webui.memory_bytes = 1000
    story.run(1)
    assert story.ledger.incidents(only_open=True) == []


def test_a_webui_that_never_gets_ready_is_restarted_with_the_reason(story: Story) -> None:
    """The start has a deadline, and the incident says what the last probe saw."""
    story.world.programs["webui"].ready_after_s = None
    story.world.die("webui", code=1)
    story.run(story.plan.settings.webui.startup_deadline_s + 2)
    causes = [each.cause for each in story.ledger.incidents()]
    assert causes == ["startup_failed", "exit"]
    assert "connection refused" in story.ledger.incidents()[0].sentence


def test_a_silent_watchdog_is_replaced(story: Story) -> None:
    """A watchdog that runs but leaves no snapshot is killed; supervisord starts it anew."""
    story.world.watchdog_alive = False
    pid = story.world.programs["watchdog"].pid
    keeper = story.plan.settings.keeper
    story.run(keeper.watchdog_silence_s + keeper.watchdog_grace_s + 1)
    assert story.world.programs["watchdog"].pid != pid
    assert "silent" in {each.cause for each in story.ledger.incidents()}


def test_without_a_watchdog_a_crash_is_answered_all_the_same(story: Story) -> None:
    """Restarting needs supervisord's word alone; readings are None, not 0."""
    story.world.watchdog_alive = False
    story.world.last_snapshot = None
    story.world.die("webui", number=signal.SIGKILL)
    story.run(0.5)
    assert story.state("webui") == "RUNNING"
    assert story.ledger.incidents()[0].evidence["program_memory_bytes"] is None


def test_a_ledger_that_cannot_be_written_costs_records_only(story: Story) -> None:
    """With the disk full programs are still restarted."""
    story.ledger._connection.execute("PRAGMA query_only = ON")
    story.world.die("webui", number=signal.SIGKILL)
    story.run(1)
    assert story.state("webui") == "RUNNING"
    assert story.keeper._book.of("webui") == []


@pytest.mark.parametrize("program", ["webui", "handler"])
@pytest.mark.parametrize("escalation", ["exit", "refresh"])
def test_a_worker_without_hope_ends_with_its_own_exit_code(
    tmp_path: Path, program: str, escalation: str
) -> None:
    """Once the keeper has given up on what a worker cannot do without, the worker ends."""
    story = Story(tmp_path, "restart.budget=2", f"restart.escalation={escalation}")
    story.run(2)
    for _ in range(10):
        if story.world.programs[program].pid:
            story.world.die(program, code=1)
        story.run(5)
    assert story.world.deeds[-1] == (escalation, "70")
    assert "end" in [act.deed for each in story.ledger.incidents() for act in each.actions]
    story.ledger.close()


def test_one_webui_of_two_given_up_is_no_end(tmp_path: Path) -> None:
    """As long as one WebUI can work, so can the worker."""
    story = Story(tmp_path, "restart.budget=1", "webui.instances=2")
    story.run(2)
    for _ in range(4):
        if story.world.programs["webui-0"].pid:
            story.world.die("webui-0", code=1)
        story.run(5)
    assert story.state("webui-0") == "EXITED"
    assert story.world.running
    story.ledger.close()


def test_what_it_wrote_last_is_evidence_and_may_be_the_cause(story: Story) -> None:
    """The last lines stand in the incident, and name a taken port."""
    lines = ["starting", "OSError: [Errno 98] Address already in use"]
    story.world.die("webui", code=3, last_lines=lines)
    story.run(1)
    (incident,) = story.ledger.incidents()
    assert incident.cause == "port_taken"
    assert incident.evidence["last_lines"] == lines


def test_in_a_crash_loop_each_start_answers_its_own_death(story: Story) -> None:
    """The incident of the first death is not told of the starts after the second."""
    for _ in range(3):
        story.world.programs["webui"].ready_after_s = None
        story.world.die("webui", code=1)
        story.run(3)
    counts = [
        [act.deed for act in each.actions].count("start") for each in story.ledger.incidents()
    ]
    assert counts == [1, 1, 1]
