"""How does one job fit on the card of one WebUI, and what did it teach?

Covers: gathering what the policy needs (the model, the limit, what is known), and keeping what a
request's peak says. Blocking: called in threads.
Leaves out: the policy itself (`podkeeper.policy.batch_plan`), running the job (`making`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from handler import card, checkpoints, ram, workloads
from handler.checkpoints import Checkpoints
from handler.known import Known
from handler.ram import Ram
from podkeeper.model import snapshot
from podkeeper.policy import calibration
from podkeeper.policy.batch_plan import Allowed, Room
from podkeeper.policy.estimate import Estimator
from podkeeper.policy.vram_cost import model_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from handler.calibrations import Calibrations
    from handler.card import Reading
    from handler.checkpoints import Checkpoint
    from handler.validation.request import Request
    from handler.webui import WebUI
    from podkeeper.model.gpu import Gpu
    from podkeeper.model.vram import VramTable
    from podkeeper.policy.calibration import Calibration
    from podkeeper.policy.vram_cost import Model, Workload
    from podkeeper.settings.planning import PlanningSettings


@dataclass(frozen=True)
class Scene:
    """What a job is planned with."""

    #: The way of computing.
    name: str
    estimator: Estimator
    #: The job as it was asked.
    asked: Workload
    allowed: Allowed
    #: None where nothing is known of the card, or jobs are not to be fitted.
    room: Room | None
    before: Reading | None
    ram: Ram

    @property
    def limit_bytes(self) -> int | None:
        """Return what is planned with."""
        return None if self.room is None else int(self.room.limit_bytes)


class Watched(NamedTuple):
    """What the watchdog sees of the cards."""

    snapshot_path: Path
    #: Index of the GPU that each WebUI computes on, by its name.
    gpus: Mapping[str, int]
    #: RAM above which the keeper restarts each WebUI, by its name.
    ram_limits_bytes: Mapping[str, int | None]

    def gpu(self, webui: WebUI) -> Gpu | None:
        """Return a WebUI's GPU, or None where nothing is known of it."""
        try:
            seen = snapshot.read(self.snapshot_path)
        except OSError:
            return None
        index = self.gpus.get(webui.name)
        gpus = (seen.gpus if seen is not None else None) or []
        return next((each for each in gpus if each.index == index), None)


class Planner:
    """Fits jobs to the cards of this worker's WebUIs."""

    def __init__(
        self,
        chosen: PlanningSettings,
        table: VramTable,
        known: Calibrations,
        watched: Watched,
    ) -> None:
        self.chosen = chosen
        self.table = table
        self._calibrations = known
        self._watched = watched
        self._checkpoints = Checkpoints(chosen.family)
        self._known: dict[str, Known] = {}

    def forget(self, webui: WebUI) -> None:
        """Drop what is known of a WebUI: a restarted one may be another."""
        self._known.pop(webui.name, None)

    def _of(self, webui: WebUI) -> Known:
        return self._known.setdefault(webui.name, Known(webui))

    def look(self, webui: WebUI, request: Request) -> Scene:
        """Return what a job is planned with on a WebUI.

        Raises:
            WebUILostError: It is gone.
        """
        known = self._of(webui)
        before = known.reading(self.chosen.reading_age_s)
        room = self._room(webui, before)
        model, loads = self._model(known, request)
        asked = workloads.workload(request.body or {}, known.traits())
        ram_bytes = ram.planned_bytes(
            model, asked, loads, self.table.ram, on_card=before is not None
        )
        name = f"{model.family.name}-{model.server.flags}"
        state = self._calibrations.of(name, None if room is None else int(room.limit_bytes))
        scene = Scene(
            name=name,
            estimator=Estimator(model, state, self.table.calibration),
            asked=asked,
            allowed=self._allowed(request),
            room=room if self.chosen.enabled else None,
            before=before,
            ram=Ram(ram_bytes, self._watched.ram_limits_bytes.get(webui.name), loads is not None),
        )
        # What an earlier job has left in the counters is not to be taken for this one's.
        if known.used and self._teaches(scene, scene.asked):
            scene = replace(scene, before=known.reading())
        return scene

    def _model(self, known: Known, request: Request) -> tuple[Model, Checkpoint | None]:
        """Return the model that a job runs with, and the checkpoint it makes the WebUI load."""
        traits, overrides = known.traits(), (request.body or {}).get("override_settings", {})
        own, entries = overrides.get("sd_model_checkpoint"), known.checkpoints()
        name = own or traits.checkpoint
        entry = checkpoints.find(entries, name)
        found = self._checkpoints.of(entry, name)
        model = model_of(self.table, found.family, traits.server(found.family))
        loads = own and entry != checkpoints.find(entries, traits.checkpoint)
        sized = replace(model, family=checkpoints.sized(model.family, found))
        return sized, found if loads else None

    def _allowed(self, request: Request) -> Allowed:
        return Allowed(
            split=workloads.may_split(request.body or {}, self.chosen.splittable_scripts),
            degrade=self.chosen.degrade or request.degrade,
        )

    def _teaches(self, scene: Scene, work: Workload) -> bool:
        if scene.limit_bytes is None or scene.before is None:
            return False
        known, rules = scene.estimator, self.table.calibration
        planned = known.guard_bytes(work)
        return calibration.worth_measuring(known.state, planned, scene.limit_bytes, rules)

    def _room(self, webui: WebUI, reading: Reading | None) -> Room | None:
        """Return how much a job may take, by the WebUI's own word or by the card's size."""
        if reading is not None:
            return card.room(reading, self.table.terms.context_bytes, self.chosen.reserve)
        gpu = self._watched.gpu(webui)
        size = None if gpu is None else gpu.memory_capacity_bytes
        return None if size is None else card.room_of(size, size, self.chosen.reserve)

    def sent(self, webui: WebUI) -> None:
        """Note that a job is on its way to a WebUI."""
        self._of(webui).used = True

    def outdate(self, webui: WebUI) -> None:
        """Note that what is known of a card is no longer so."""
        self._of(webui).outdate()

    def card(self, webui: WebUI) -> Reading | None:
        """Return what the card holds now."""
        return self._of(webui).reading()

    def learn(self, webui: WebUI, scene: Scene, work: Workload) -> float | None:
        """Keep what the peak of a request says that was made; return it where it is known.

        It is asked for only where it may teach something.
        """
        if not self._teaches(scene, work):
            return None
        measured = card.measured(scene.before, self.card(webui), self.table.terms.context_bytes)
        limit = scene.limit_bytes or 0
        self._change(scene, lambda known: known.fitted(work, measured, limit))
        return measured.most_bytes if measured is not None and measured.exact else None

    def overflowed(self, scene: Scene, work: Workload) -> Estimator:
        """Keep that a request has run out of memory, and return what is known then."""
        limit = scene.limit_bytes
        if limit is None:
            return scene.estimator
        return self._change(scene, lambda known: known.overflowed(work, limit))

    def given_up(self, scene: Scene, work: Workload) -> None:
        """Keep that nothing has made room for a job."""
        if scene.limit_bytes is not None:
            self._change(scene, lambda known: known.given_up(work))

    def _change(self, scene: Scene, to: Callable[[Estimator], Estimator]) -> Estimator:
        """Change what is known of a scene's way of computing."""

        def changed(state: Calibration) -> Calibration:
            return to(replace(scene.estimator, state=state)).state

        return replace(scene.estimator, state=self._calibrations.change(scene.name, changed))
