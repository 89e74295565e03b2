"""A whole worker in front of a stand-in of a WebUI, with what its jobs are fitted with."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitting_standin import MIB, TABLE, FakeKeeper, fitting
from handler_standins import PATIENCE_S, StandInWebUI

from handler.attempt import Times
from handler.job import Terms
from handler.pool import Pool
from handler.validation.limits import Limits
from handler.webui import WebUI
from handler.worker import Book, Worker
from handler.workfile import WorkFile
from podkeeper.policy.calibration import cold
from podkeeper.policy.estimate import Estimator
from podkeeper.policy.vram_cost import Server, Workload, model_of

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITS = Limits(
    max_pixels=1 << 22,
    max_images=16,
    max_steps=150,
    max_prompt_bytes=1000,
    max_init_image_bytes=10_000,
    allowed_scripts=frozenset({"controlnet", "dice"}),
)
TIMES = Times(
    job_timeout_s=PATIENCE_S, interrupt_wait_s=20.0, interrupt_period_s=0.02, progress_period_s=0.01
)
COLD = Estimator(model_of(TABLE, "sd15", Server()), cold(TABLE.calibration), TABLE.calibration)
RESERVE = 256 * MIB
MOST_BYTES = 64 * MIB


class Unwritten(WorkFile):
    """A work file that stays in memory."""

    def write(self) -> None:
        """Write nothing."""


def card_for(work: Workload) -> int:
    """Return the size of a card on which just this fits."""
    return int(COLD.guard_bytes(work)) + RESERVE + 1


def worker(
    server: StandInWebUI,
    folder: Path,
    keeper: FakeKeeper | None = None,
    post: Callable[[str, dict[str, object]], None] = lambda _id, _message: None,
    **changes: Any,
) -> Worker:
    """Return a worker in front of a server, with these settings of [planning]."""
    webui = WebUI(
        "webui-0", server.readiness_url, probe_timeout_s=30.0, max_answer_bytes=MOST_BYTES
    )
    pool = Pool([webui], wait_s=PATIENCE_S, period_s=0.01)
    book = Book(Unwritten(Path("work.json"), "run", 60.0), set)
    terms = Terms(LIMITS, TIMES, 2, MOST_BYTES, fitting(folder, keeper, **changes))
    return Worker(terms, pool, post, 0.05, book)


def run(made: Worker, **fields: Any) -> dict[str, Any]:
    """Return what a job with these fields ends with."""
    asked = {"prompt": "x", "seed": 100, "subseed": 7, "width": 512, "height": 512, **fields}
    return asyncio.run(made.handle({"id": "job-1", "input": asked}))


def shapes(server: StandInWebUI) -> list[tuple[int, int, int]]:
    """Return batch, iterations and seed of each request the server got."""
    return [
        (each.get("batch_size", 1), each.get("n_iter", 1), each["seed"]) for each in server.bodies
    ]
