"""How is one job made on a WebUI whose memory is not enough for whatever is asked?

Covers: planning it, its requests one after the other, what was made joined to one result, and the
ladder of steps when memory runs out. What is made outlives the WebUI: after its death or restart
the job goes on where it was.
Leaves out: choosing a WebUI and counting its deaths (`job`), the plan and the steps themselves
(`podkeeper.policy`).
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from handler import card, portions, receipt, remedies, result
from handler.answers import Answered
from handler.errors import JobError
from handler.progress import within
from handler.threads import in_thread
from podkeeper.policy import batch_plan, oom_ladder, oom_signs
from podkeeper.policy.batch_plan import Verdict
from podkeeper.policy.course import Course
from podkeeper.policy.oom_ladder import Permissions, Step
from podkeeper.policy.oom_signs import Trouble

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from handler.answers import Outcome, Refused
    from handler.planning import Planner, Scene
    from handler.progress import Reading
    from handler.remedies import Restarts
    from handler.validation.request import Request
    from handler.webui import WebUI
    from podkeeper.policy.vram_cost import Workload

    #: Sends one request and returns its answer, telling its progress meanwhile.
    Ask = Callable[[WebUI, Request, Callable[[Reading], None]], Awaitable[Outcome]]

log = logging.getLogger("handler")


class RestartedError(Exception):
    """The WebUI was restarted for the job, which goes on once it is ready."""


class Fitting:
    """What every job of this worker is fitted with."""

    def __init__(self, planner: Planner, restarts: Restarts) -> None:
        self.planner = planner
        self.restarts = restarts


class Making:
    """One generation on its way."""

    def __init__(self, fitting: Fitting, ask: Ask, tell: Callable[[Reading], None]) -> None:
        self._planner = fitting.planner
        self._restarts = fitting.restarts
        self._ask = ask
        self._tell = tell
        self._course: Course | None = None
        self._asked: Workload | None = None
        self._parts: list[dict[str, Any]] = []
        self.seen = receipt.Seen()

    @property
    def receipt(self) -> dict[str, object] | None:
        """Return what the job took of the card; None where it has not begun."""
        if self._course is None or self._asked is None:
            return None
        return receipt.receipt(self.seen, self._course, self._asked)

    @property
    def remarks(self) -> list[str]:
        """Return what the client should know of how its images were made."""
        if self._course is None or self._asked is None:
            return []
        worse = [f"degraded: {each}" for each in receipt.changes(self._course.work, self._asked)]
        warning = self.seen.ram.warning if self.seen.ram else None
        return [*worse, *([warning] if warning else [])]

    async def run(self, webui: WebUI, request: Request) -> dict[str, Any]:
        """Return images, info, parameters and seeds, as one request would have made them.

        Raises:
            JobError: It can never fit, nothing has helped, or the WebUI refused it.
            WebUILostError: The WebUI died; to be called again with another or a new one.
            RestartedError: The same, on purpose.
        """
        while self._course is None or not self._course.finished:
            scene = await in_thread(self._planner.look, webui, request)
            course = self._course or self._begin(scene, request)
            self._course = await self._portion(webui, scene, request, course)
        return portions.joined(self._parts, request.body or {})

    def _begin(self, scene: Scene, request: Request) -> Course:
        """Return the course of a job that fits or may fit.

        Raises:
            JobError: It can never fit.
        """
        ratio = self._planner.table.ladder.smaller_ratio
        plan = batch_plan.plan(scene.estimator, scene.asked, scene.room, scene.allowed, ratio)
        if plan.verdict is Verdict.REFUSE:
            raise receipt.refused(plan, scene)
        self.seen.plan, self.seen.ram, self._asked = plan, scene.ram, scene.asked
        total = scene.asked.batch * (request.body or {}).get("n_iter", 1)
        self._course = Course(total, plan.work)
        return self._course

    async def _portion(
        self, webui: WebUI, scene: Scene, request: Request, course: Course
    ) -> Course:
        portion = course.portion()
        work = course.running(portion)
        sent = portions.request_of(request, portion, work, self._asked or scene.asked)
        span = portion.first, portion.count, course.total
        self._planner.sent(webui)
        outcome = await self._ask(webui, sent, lambda new: self._tell(within(new, *span)))
        if isinstance(outcome, Answered):
            self._parts.append(await in_thread(result.generated, outcome.data, sent))
            self.seen.batches += [portion.batch] * portion.iterations
            self.seen.measured(await in_thread(self._planner.learn, webui, scene, work))
            return course.made(portion)
        return await self._answer(webui, scene, work, outcome, course)

    async def _answer(
        self, webui: WebUI, scene: Scene, work: Workload, refused: Refused, course: Course
    ) -> Course:
        """Return the course after the step that a failure of memory asks for.

        Raises:
            JobError: It was no such failure, or nothing is left to be tried.
            RestartedError: The WebUI was restarted.
        """
        trouble = await self._trouble(webui, scene, refused)
        self._planner.outdate(webui)
        if trouble is None:
            raise JobError(refused.code, refused.message, status=refused.status)
        known = scene.estimator
        if trouble is Trouble.VRAM:
            known = await in_thread(self._planner.overflowed, scene, work)
        rules = self._planner.table.ladder
        may = self._permissions(scene)
        step = oom_ladder.next_step(course.steps, trouble, work, may, rules)
        log.warning("%s: %s under a job: %s", webui.name, trouble, step)
        if step is not Step.FAIL and await self._done(webui, step):
            course = course.after(step, known, scene.limit_bytes, rules.smaller_ratio)
            self._course = course
            if step is Step.RESTART:
                raise RestartedError
            return course
        if trouble is Trouble.VRAM:
            await in_thread(self._planner.given_up, scene, work)
        raise receipt.failed(trouble, refused.message, scene, work, course.steps)

    def _permissions(self, scene: Scene) -> Permissions:
        plan = self.seen.plan
        sure = plan is None or plan.verdict is Verdict.FITS
        return Permissions(scene.allowed, restart=self._planner.chosen.restart, sure=sure)

    async def _trouble(self, webui: WebUI, scene: Scene, refused: Refused) -> Trouble | None:
        """Return which failure of memory an answer is, if any; torch's own count may tell."""
        if refused.trouble is not None or refused.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return refused.trouble
        after = await in_thread(self._planner.card, webui)
        return oom_signs.of_count(None, card.ooms_of(scene.before), card.ooms_of(after))

    async def _done(self, webui: WebUI, step: Step) -> bool:
        """Do what a step asks of the WebUI; return whether it could be done."""
        chosen = self._planner.chosen
        if step is Step.RETRY:
            await remedies.reclaim(webui, chosen.reclaim_wait_s, chosen.reload_wait_s)
        elif step is Step.RELOAD:
            await remedies.reload(webui, chosen.reload_wait_s)
        elif step is Step.RESTART:
            return await self._restarts.restart(webui)
        return True
