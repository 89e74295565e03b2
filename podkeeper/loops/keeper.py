"""What does the keeper do at each look?

Covers: the order of a look. See, account for every death, judge each program, do what is due,
close what is over. All that must outlive the keeper is in the ledger, so that it can be killed at
any instant and carry on.
Leaves out: what is due (`policy.duty`), how it is done (`actuators.programs`), the wording and
filing of deaths (`loops.deaths`), when to look (`hooks.keeper`).
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from podkeeper.loops import deaths
from podkeeper.loops.cards import STATES, Cards
from podkeeper.loops.desk import Desk, Now
from podkeeper.loops.hanging import Due, Hangs, Undone
from podkeeper.loops.leaks import Leaks
from podkeeper.loops.relief import WORKER, Relief
from podkeeper.loops.rules import rules_of
from podkeeper.loops.sight import Births, Sight, facts_of, is_ready, is_silent
from podkeeper.policy import duty, escalation, oom
from podkeeper.policy.cause import Cause, Explanation
from podkeeper.policy.duty import Deed, Facts, Record, Verdict

if TYPE_CHECKING:
    from podkeeper.loops.incidents import IncidentBook
    from podkeeper.loops.world import Means, World
    from podkeeper.model.incident import Incident
    from podkeeper.settings.plan import Plan, Program
    from podkeeper.supervisord import Death

_log = logging.getLogger("keeper")
#: Looks between two checks of the ledger's size.
_LOOKS_PER_TIDY = 1000


class Keeper:
    """Compares what should run with what runs; the difference is its work."""

    def __init__(self, plan: Plan, world: World, means: Means, book: IncidentBook) -> None:
        self._plan = plan
        self._world = world
        self._hands = means.hands
        self._book = book
        self._hangs = Hangs(plan)
        self._undone = Undone(means.dumps)
        self._births = Births()
        self._rules = {each.name: rules_of(plan, each) for each in plan.programs}
        self._records = {
            each.name: book.recall(f"record.{each.name}", Record) or Record()
            for each in plan.programs
        }
        last = book.recall("last_death", int)
        self._last_death: int = -1 if last is None else last
        self._died_at_s = -math.inf
        known = book.recall("oom_kills", int)
        self._kills = oom.Kills(world.oom_kills() if known is None else known)
        self._desk = Desk(plan, world, means.hands, book)
        self._cards = Cards(plan, means, book, self._births)
        self._relief = Relief(plan, world, means, book, self._desk)
        self._leaks = Leaks(plan, book, self._desk)
        self._looks = 0

    def look(self) -> None:
        """Look once and do what is due.

        Raises:
            SupervisordError: supervisord did not answer; nothing was done.
        """
        sight = self._world.look()
        self._births.look(sight)
        self._account_for_deaths(sight)
        if self._world.is_running():
            now = Now(sight, self._records, self._keep, self._died_at_s)
            # First what cannot wait; the desk carries out in the same look what it comes to.
            self._leaks.look(now)
            self._relief.look(now, self._kills.count)
            wanted_otherwise = self._desk.look(now)
            self._cards.look(now, self._kills.count)
            for program in self._plan.programs:
                facts = facts_of(sight, self._plan, program, self._births)
                # What somebody wants to end is still watched for hanging on its way.
                ours = program.name not in wanted_otherwise
                if facts is not None and not self._cards.may_start(program.name):
                    facts = replace(facts, gate_open=False)
                if facts is not None and (ours or facts.state == "STOPPING"):
                    self._judge(program, facts, sight)
            self._end_what_hung(sight)
            self._escalate()
        self._close_what_is_over(sight)
        self._tidy()

    @property
    def leaving(self) -> bool:
        """Whether it is to end, so that supervisord starts it anew, with the plan as it now is."""
        return self._desk.leaving

    def next_due_s(self) -> float | None:
        """Return the monotonic instant of the next restart that waits, or None."""
        waiting = [each.restart_at_s for each in self._records.values() if not each.gave_up]
        return min((at_s for at_s in waiting if at_s is not None), default=None)

    def _keep(self, program: str, record: Record) -> None:
        """Remember a record, in memory and for the keeper's next life."""
        before = self._records[program]
        self._records[program] = record
        if before != record:
            self._book.remember(f"record.{program}", record)

    def _account_for_deaths(self, sight: Sight) -> None:
        found = self._world.deaths(self._last_death)
        # After the deaths: a kill is counted before its process can be seen dead.
        self._count_kills(sight.now_s)
        for death in found:
            if death.program in self._records:
                self._account_for(death, sight)
            self._last_death = death.sequence
            self._died_at_s = death.at_monotonic_s
            self._book.remember("last_death", death.sequence)

    def _count_kills(self, now_s: float) -> None:
        before, wait_s = self._kills, self._plan.settings.keeper.oom_wait_s
        self._kills = oom.look(before, self._world.oom_kills(), now_s, wait_s)
        if self._kills.count != before.count:
            self._book.remember("oom_kills", self._kills.count)

    def _account_for(self, death: Death, sight: Sight) -> None:
        record, rules = self._records[death.program], self._rules[death.program]
        born_s = self._births.of(death.program, death.pid)
        kills = self._kills
        why = deaths.explain(death, record, kills.explained, kills.count)
        if why.cause == Cause.KERNEL_OOM:
            self._kills = oom.explain_one(kills)
        self._book.end_episode(deaths.episode(death, why, self._plan.run_id, born_s))
        if death.stop_requested and record.taking_down in (None, Cause.REQUESTED):
            left = self._hands.clear(death.program, death.pid, death.at_monotonic_s)
            _log.info("%s (pid %d) was stopped on request; %s", death.program, death.pid, left)
            return
        if record.taking_down is None:
            evidence = deaths.evidence(sight, death.program, kills.explained, kills.count)
            evidence["peak_rss_bytes"] = death.peak_rss_bytes
            evidence["last_lines"] = death.last_lines
            self._book.open(death.program, why, pid=death.pid, evidence=evidence, at_s=death.at_s)
        if not rules.supervisord_restarts:
            lived_s = None if born_s is None else death.at_monotonic_s - born_s
            luck = self._world.luck()
            after, verdict = duty.after_death(record, rules, lived_s, sight.now_s, luck)
            self._keep(death.program, after)
            if verdict is not None:
                self._give_up(death.program, verdict)

    def _judge(self, program: Program, facts: Facts, sight: Sight) -> None:
        if program.role == "watchdog" and is_silent(sight, self._plan, facts):
            self._replace_silent(program.name, facts, sight)
            return
        rules, before = self._rules[program.name], self._records[program.name]
        facts = self._hangs.look(program, facts, before, sight)
        record, verdict = duty.judge(facts, before, rules, sight.now_s, self._world.luck())
        self._keep(program.name, record)
        if facts.state in duty.DOWN and before.restart_at_s is None and not before.gave_up:
            self._open_missed(program.name, facts, sight)
        if verdict is not None:
            self._do(program.name, facts, verdict, sight)

    def _open_missed(self, program: str, facts: Facts, sight: Sight) -> None:
        """Open an incident for a program that is down and whose death nobody reported."""
        if self._rules[program].supervisord_restarts or self._book.of(program):
            return
        failed = facts.state == "FATAL"
        why = Cause.SPAWN_FAILED if failed else Cause.UNKNOWN
        error = sight.infos[program].spawn_error
        sentence = f"could not be started: {error}" if failed else "ended, and how was not seen"
        evidence = deaths.evidence(sight, program, None, self._kills.count)
        self._book.open(program, Explanation(why, sentence), pid=0, evidence=evidence)

    def _do(self, program: str, facts: Facts, verdict: Verdict, sight: Sight) -> None:
        if verdict.deed == Deed.START:
            self._start(program, sight)
        elif verdict.deed == Deed.GIVE_UP:
            self._give_up(program, verdict)
        elif verdict.deed == Deed.KILL:
            outcome = self._hands.kill(program, facts.pid)
            _log.warning("%s (pid %d) %s: %s", program, facts.pid, verdict.reason, outcome)
            self._book.act_on_newest(program, verdict.deed, outcome)
        else:
            self._open_and_do(program, facts, verdict, sight)

    def _open_and_do(self, program: str, facts: Facts, verdict: Verdict, sight: Sight) -> None:
        evidence = deaths.evidence(sight, program, None, self._kills.count)
        why = Explanation(verdict.cause or Cause.UNKNOWN, verdict.reason)
        if facts.hung is not None and verdict.cause == Cause.HANG:
            evidence |= facts.hung.evidence
        incident = self._book.open(program, why, pid=facts.pid, evidence=evidence)
        if self._undone.begin(Due(program, facts, verdict, incident)):
            return
        if verdict.deed == Deed.TAKE_DOWN:
            self._take_down(program, facts, verdict, incident)

    def _take_down(self, program: str, facts: Facts, verdict: Verdict, incident: Incident) -> None:
        # What supervisord brings back by itself it brings back only if it was not asked to stop it.
        if verdict.at_once or self._rules[program].supervisord_restarts:
            self._book.act(incident, Deed.KILL, self._hands.kill(program, facts.pid))
        else:
            self._book.act(incident, verdict.deed, self._hands.take_down(program))

    def _end_what_hung(self, sight: Sight) -> None:
        """Take down each hung program whose stack is written down by now, if it still runs."""
        for due, outcome in self._undone.finished():
            self._book.act(due.incident, "dump", outcome)
            info = sight.infos.get(due.program)
            if info is not None and info.pid == due.facts.pid and info.state in duty.UP:
                self._take_down(due.program, due.facts, due.verdict, due.incident)

    def _start(self, program: str, sight: Sight) -> None:
        # What an operator asked for is not taken off the budget.
        asked = self._records[program].taking_down == Cause.REQUESTED
        is_restart = sight.infos[program].started_at_s > 0 and not asked
        outcome = self._hands.start(program)
        record = duty.after_start(
            self._records[program], self._rules[program], sight.now_s, is_restart=is_restart
        )
        self._keep(program, record)
        if not is_restart:
            _log.info("%s of %s: %s", "Restart" if asked else "First start", program, outcome)
        self._book.act_on_newest(program, Deed.START, outcome)

    def _give_up(self, program: str, verdict: Verdict) -> None:
        _log.critical("Gave up on %s: %s", program, verdict.reason)
        self._book.act_on_newest(program, Deed.GIVE_UP, verdict.reason)

    def _escalate(self) -> None:
        """End a worker that is of no use any more, where the settings say so."""
        chosen = self._plan.settings.restart
        roles = {each.name: each.role for each in self._plan.programs}
        given_up = {name: record.gave_up for name, record in self._records.items()}
        role = escalation.judge(chosen.escalation, roles, given_up)
        if role is None:
            return
        _log.critical(
            "No %s is left to try: ending the worker (%s), exit code %d",
            role,
            chosen.escalation,
            chosen.exit_code,
        )
        outcome = self._hands.end(chosen.exit_code, at_once=chosen.escalation == "exit")
        for name in roles:
            self._book.act_on_newest(name, Deed.END, outcome)

    def _replace_silent(self, program: str, facts: Facts, sight: Sight) -> None:
        record = self._records[program]
        self._keep(
            program,
            replace(record, taking_down=Cause.SILENT, taking_down_since_s=sight.now_s),
        )
        limit_s = self._plan.settings.keeper.watchdog_silence_s
        evidence = deaths.evidence(sight, program, None, self._kills.count)
        sentence = f"runs but has left no snapshot for more than {limit_s:g} s"
        why = Explanation(Cause.SILENT, sentence)
        incident = self._book.open(program, why, pid=facts.pid, evidence=evidence)
        self._book.act(incident, Deed.KILL, self._hands.kill(program, facts.pid))

    def _close_what_is_over(self, sight: Sight) -> None:
        for program in self._plan.programs:
            for incident in self._book.of(program.name):
                if self._is_over(program, incident, sight):
                    self._book.close(incident)
        for incident in self._book.of(WORKER):
            if self._relief.is_over(incident, sight) or self._cards.is_over(incident):
                self._book.close(incident)

    def _is_over(self, program: Program, incident: Incident, sight: Sight) -> bool:
        if incident.cause in STATES:
            return self._cards.is_over(incident)
        info = sight.infos.get(program.name)
        if info is None or info.state != "RUNNING":
            return False
        if info.pid == incident.pid:
            return self._relief.is_over(incident, sight)
        return program.readiness_url is None or is_ready(sight, program)

    def _tidy(self) -> None:
        self._looks += 1
        if self._looks % _LOOKS_PER_TIDY == 0:
            self._book.keep_within_bound()
