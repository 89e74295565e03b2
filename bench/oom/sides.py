"""Who runs the jobs, and what comes of each?

podkeeper runs its own policy: the plan, the calibration and the ladder are the very functions that
the handler calls. Beside it: no planning, a fixed small batch, and an oracle that knows the true
constants and the luck of each job.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.oom.truth import request_s
from podkeeper.policy import batch_plan, calibration, oom_ladder, split
from podkeeper.policy.batch_plan import Allowed, Room, Verdict
from podkeeper.policy.calibration import Measured
from podkeeper.policy.course import Course
from podkeeper.policy.estimate import Estimator
from podkeeper.policy.oom_ladder import Permissions, Step
from podkeeper.policy.oom_signs import Trouble
from podkeeper.policy.vram_cost import Workload, model_of

if TYPE_CHECKING:
    from bench.oom.stream import Job
    from bench.oom.truth import Card, Luck
    from podkeeper.model.vram import VramTable

#: Seconds that a step of the ladder takes before the next attempt; others take none.
_STEP_S = {Step.RETRY: 0.5, Step.RELOAD: 3.0, Step.RESTART: 40.0}
#: What is left free, as `planning.reserve` says.
RESERVE_BYTES = 256 << 20


@dataclass(frozen=True)
class End:
    """What came of one job."""

    images: int
    took_s: float
    ooms: int = 0
    #: Whether it was refused before it touched the card.
    refused: bool = False
    #: Whether it was planned to fit, rather than tried in doubt.
    sure: bool = True
    degraded: bool = False


def _whole_s(card: Card, job: Job, batch: int, work: Workload) -> float:
    medvram = card.server(job.family).medvram
    return sum(
        request_s(job.family, replace(work, batch=each.batch), each.iterations, medvram=medvram)
        for each in split.portions(job.images, batch)
    )


class Side:
    """One way to run jobs."""

    name = ""

    def __init__(self, table: VramTable, card: Card) -> None:
        self.table = table
        self.card = card

    def run(self, job: Job, luck: Luck) -> End:
        """Return what comes of a job."""
        raise NotImplementedError


class Unplanned(Side):
    """Sends every job as it was asked, and fails it when it runs out of memory."""

    name = "no planning"

    def batch(self, job: Job) -> int:
        """Return how many images it makes at once."""
        return job.work.batch

    def run(self, job: Job, luck: Luck) -> End:
        """Return what comes of a job."""
        work = replace(job.work, batch=self.batch(job))
        if not self.card.fits(job.family, work, luck, 0):
            return End(0, self.card.failed_s(job.family, work), ooms=1)
        return End(job.images, _whole_s(self.card, job, work.batch, work))


class SmallBatch(Unplanned):
    """Makes one image at a time, whatever was asked."""

    name = "fixed batch of 1"

    def batch(self, job: Job) -> int:
        """Return one."""
        del job
        return 1


class Oracle(Side):
    """Knows what each job will take, and never runs out."""

    name = "oracle"

    def run(self, job: Job, luck: Luck) -> End:
        """Return what comes of a job."""
        forms = [replace(job.work, batch=batch) for batch in range(job.work.batch, 0, -1)]
        for form in [*forms, replace(forms[-1], together=False)]:
            if self.card.fits(job.family, form, luck, 0):
                return End(job.images, _whole_s(self.card, job, form.batch, form))
        return End(0, 0.0, refused=True)


class Podkeeper(Side):
    """podkeeper's policy, which learns from the exact peak of each job."""

    name = "podkeeper"
    degrade = False

    def __init__(self, table: VramTable, card: Card) -> None:
        super().__init__(table, card)
        cold = calibration.cold(table.calibration)
        self.limit_bytes = int(card.limit_bytes) - RESERVE_BYTES
        self.known = {
            name: Estimator(model_of(table, name, card.server(name)), cold, table.calibration)
            for name in table.family
        }

    def run(self, job: Job, luck: Luck) -> End:
        """Return what comes of a job."""
        allowed = Allowed(split=True, degrade=self.degrade)
        ratio = self.table.ladder.smaller_ratio
        known = self.known[job.family]
        room = Room(self.limit_bytes, self.card.limit_bytes)
        plan = batch_plan.plan(known, job.work, room, allowed, ratio)
        if plan.verdict is Verdict.REFUSE:
            return End(0, 0.0, refused=True)
        sure = plan.verdict is Verdict.FITS
        may = Permissions(allowed, restart=True, sure=sure)
        return replace(self._course(job, luck, Course(job.images, plan.work), may), sure=sure)

    def _course(self, job: Job, luck: Luck, course: Course, may: Permissions) -> End:
        took_s, attempt, rules = 0.0, 0, self.table.ladder
        while not course.finished:
            portion = course.portion()
            work = course.running(portion)
            if self.card.fits(job.family, work, luck, attempt):
                took_s += self._made_s(job, work, portion.iterations)
                self._learn(job, work, luck, attempt)
                course = course.made(portion)
                continue
            took_s += self.card.failed_s(job.family, work)
            known = self.known[job.family].overflowed(work, self.limit_bytes)
            self.known[job.family] = known
            step = oom_ladder.next_step(course.steps, Trouble.VRAM, work, may, rules)
            attempt += 1
            if step is Step.FAIL:
                self.known[job.family] = known.given_up(work)
                return End(0, took_s, ooms=attempt)
            took_s += _STEP_S.get(step, 0.0)
            course = course.after(step, known, self.limit_bytes, rules.smaller_ratio)
        return End(job.images, took_s, ooms=attempt, degraded=course.work.decoder != "full")

    def _made_s(self, job: Job, work: Workload, iterations: int) -> float:
        medvram = self.card.server(job.family).medvram
        return request_s(job.family, work, iterations, medvram=medvram)

    def _learn(self, job: Job, work: Workload, luck: Luck, attempt: int) -> None:
        known = self.known[job.family]
        planned = known.guard_bytes(work)
        if not calibration.worth_measuring(
            known.state, planned, self.limit_bytes, self.table.calibration
        ):
            return
        need = self.card.need_bytes(job.family, work, luck, attempt)
        self.known[job.family] = self._taught(known, work, need)

    def _taught(self, known: Estimator, work: Workload, need_bytes: float) -> Estimator:
        return known.fitted(work, Measured(need_bytes, exact=True), self.limit_bytes)


class PodkeeperBare(Podkeeper):
    """The same without podkeeper's extension in the WebUI: only a record of the process is seen."""

    name = "podkeeper, bare A1111"

    def __init__(self, table: VramTable, card: Card) -> None:
        super().__init__(table, card)
        self._record = 0.0

    def _taught(self, known: Estimator, work: Workload, need_bytes: float) -> Estimator:
        record, self._record = self._record, max(self._record, need_bytes)
        measured = Measured(self._record, exact=self._record > record)
        return known.fitted(work, measured, self.limit_bytes)


class PodkeeperDegrading(Podkeeper):
    """The same where every job may be degraded."""

    name = "podkeeper, may degrade"
    degrade = True


SIDES: tuple[type[Side], ...] = (
    Podkeeper,
    PodkeeperBare,
    PodkeeperDegrading,
    Unplanned,
    SmallBatch,
    Oracle,
)
