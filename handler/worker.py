"""How does a job that the SDK hands over always end as something that can be posted?

Covers: the handler function, one log line at a job's start and end, errors as results.
Leaves out: the job itself (`job`), the SDK (`gateway`).
"""

from __future__ import annotations

import logging
import time
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

from handler import seeds
from handler.codes import Code
from handler.errors import JobError
from handler.job import Job, Terms
from handler.result import Result
from handler.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from handler.job import Spent
    from handler.pool import Pool
    from handler.progress import Reading
    from handler.workfile import WorkFile

log = logging.getLogger("handler")


def _place(error: BaseException) -> str:
    """Return where an error was raised, without its message, which may hold a prompt."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join(f"{each.name} ({each.filename}:{each.lineno})" for each in reversed(frames))


def _internal(error: Exception) -> JobError:
    return JobError(Code.INTERNAL, f"the handler failed with {type(error).__name__}; see its log")


class Life:
    """One attempt at a job, for whoever keeps it; this one is kept by nobody."""

    #: WebUIs that have died under the job in former attempts.
    deaths = 0
    #: Gives the seeds that the job leaves open.
    draw: Callable[[], int] = staticmethod(seeds.draw)

    def at(self, webui: str | None, deaths: int) -> None:
        """Note which WebUI works on it, and how many have died under it by now."""

    def tell(self, reading: Reading) -> None:
        """Note how far it is."""


class Book(NamedTuple):
    """Where jobs in hand are kept, and who knows which are not delivered."""

    file: WorkFile
    in_progress: Callable[[], Collection[str]]


class Worker:
    """Runs the jobs that the SDK hands over."""

    def __init__(
        self,
        terms: Terms,
        pool: Pool,
        post: Callable[[str, dict[str, object]], None],
        step_ratio: float,
        book: Book,
    ) -> None:
        self.terms = terms
        self.pool = pool
        self._post = post
        self._step_ratio = step_ratio
        self._book = book

    async def handle(self, job: dict[str, Any], life: Life | None = None) -> dict[str, Any]:
        """Return a job's result; one with `error` ends as FAILED.

        Args:
            job: As the platform has granted it.
            life: Is told what the attempt comes to.

        Raises:
            asyncio.CancelledError: The platform stopped the job and wants no result.
        """
        name = str(job["id"])
        log.info("job %s started", name)
        started_s = time.monotonic()
        in_hand, life = self._book.file.grant(name), life or Life()

        def tell(reading: Reading) -> None:
            in_hand.tell(reading)
            life.tell(reading)

        def at(webui: str | None) -> None:
            in_hand.at(webui)
            life.at(webui, run.spent.deaths)

        sender = Sender(lambda message: self._post(name, message), self._step_ratio, note=tell)
        run = Job(self.terms, self.pool, sender, at, life.draw)
        run.spent.deaths = life.deaths
        end = "CANCELLED"
        try:
            made = await run.run(job.get("input"))
            end = "COMPLETED"
        except JobError as error:
            made, end = Result(error.as_result()), f"FAILED {error.code}"
        # Keeps the worker alive, and the SDK from posting a traceback with the input in it.
        except Exception as error:  # noqa: BLE001 - see above
            log.error("job %s: %s at %s", name, type(error).__name__, _place(error))  # noqa: TRY400
            made, end = Result(_internal(error).as_result()), f"FAILED {Code.INTERNAL}"
        finally:
            await sender.close()
            in_hand.deliver(self._book.in_progress)
            _log_end(name, end, run.spent, time.monotonic() - started_s)
        return made


def _log_end(name: str, end: str, spent: Spent, total_s: float) -> None:
    log.info(
        "job %s ended: %s, waited %.3fs, webui %.3fs, total %.3fs, deaths %d, result %d bytes",
        name,
        end,
        spent.waited_s,
        spent.webui_s,
        total_s,
        spent.deaths,
        spent.result_bytes,
    )
