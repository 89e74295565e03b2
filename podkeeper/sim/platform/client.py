"""How does a program send a job to the platform and learn what became of it?

Covers: the client side as typed calls, on the standard library alone; it speaks to RunPod's own
queue endpoints as well.
Leaves out: what a person sees of it (`show`, `pictures`).
"""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from podkeeper.errors import PodkeeperError
from podkeeper.sim.platform.job import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class PlatformError(PodkeeperError):
    """The platform cannot be reached, or refused the request."""

    def __init__(self, message: str, status: int | None = None) -> None:
        #: The HTTP status of a refusal; None where there was no answer.
        self.status = status
        super().__init__(message)


@dataclass(frozen=True)
class JobState:
    """What the platform says of one job."""

    id: str
    status: str
    #: Its progress while it runs, then its result.
    output: Any = None
    error: Any = None
    #: From submission to the worker that took it, in milliseconds.
    delay_ms: int | None = None
    #: From then to its end, in milliseconds.
    execution_ms: int | None = None
    worker: str | None = None

    @property
    def ended(self) -> bool:
        """Return whether nothing more will come of it."""
        return self.status in TERMINAL


def _state(answer: Any) -> JobState:
    return JobState(
        id=answer["id"],
        status=answer["status"],
        output=answer.get("output"),
        error=answer.get("error"),
        delay_ms=answer.get("delayTime"),
        execution_ms=answer.get("executionTime"),
        worker=answer.get("workerId"),
    )


@dataclass(frozen=True)
class Client:
    """One endpoint, by its URL such as `http://127.0.0.1:3090/v2/local`.

    Every call raises `PlatformError` when the platform cannot be reached or refuses.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    #: How long an answer may take; held requests have their hold on top.
    timeout_s: float = 30.0
    #: Pause between two looks at a job that is waited for.
    period_s: float = 0.1

    def submit(self, job_input: Any, **options: Any) -> JobState:
        """Queue a job; `options` are further keys of the body, such as `policy` or `webhook`."""
        return _state(self._call("POST", "/run", {"input": job_input, **options}))

    def submit_sync(self, job_input: Any, wait_s: float, **options: Any) -> JobState:
        """Queue a job and wait for it for `wait_s`; it may not have ended when this returns."""
        path = f"/runsync?wait={round(wait_s * 1000)}"
        return _state(self._call("POST", path, {"input": job_input, **options}, wait_s))

    def status(self, job_id: str) -> JobState:
        """Return what is known of a job."""
        return _state(self._call("GET", f"/status/{quote(job_id, safe='')}"))

    def cancel(self, job_id: str) -> JobState:
        """End a job."""
        return _state(self._call("POST", f"/cancel/{quote(job_id, safe='')}"))

    def retry(self, job_id: str) -> JobState:
        """Queue a job again that failed or timed out."""
        return _state(self._call("POST", f"/retry/{quote(job_id, safe='')}"))

    def stream(self, job_id: str, hold_s: float = 90.0) -> tuple[str, list[Any]]:
        """Return a job's status and the chunks of its output that nobody has fetched yet."""
        answer = self._call("GET", f"/stream/{quote(job_id, safe='')}", hold_s=hold_s)
        return answer["status"], answer["stream"]

    def purge(self) -> int:
        """Remove all jobs that wait; return how many that were."""
        return int(self._call("POST", "/purge-queue")["removed"])

    def health(self) -> dict[str, dict[str, int]]:
        """Return the numbers of jobs and workers by state."""
        answer: dict[str, dict[str, int]] = self._call("GET", "/health")
        return answer

    def wait(
        self,
        job_id: str,
        on_update: Callable[[JobState], None] = lambda _: None,
        deadline_s: float = float("inf"),
    ) -> JobState:
        """Return a job once it has ended; `on_update` hears of every state that is news.

        A platform that is away for a moment is waited for.

        Raises:
            PlatformError: It has not ended after `deadline_s`, or the platform refuses to say.
        """
        end_s = time.monotonic() + deadline_s
        known: JobState | None = None
        while True:
            state = self._look(job_id, end_s)
            if state is not None and state != known:
                on_update(state)
                known = state
            if state is not None and state.ended:
                return state
            if time.monotonic() >= end_s:
                seen = known.status if known else "unknown"
                raise PlatformError(f"cannot wait longer for job {job_id}: it is {seen}")
            time.sleep(self.period_s)

    def _look(self, job_id: str, end_s: float) -> JobState | None:
        try:
            return self.status(job_id)
        except PlatformError as error:
            if error.status is not None or time.monotonic() >= end_s:
                raise
            return None

    def _call(self, method: str, path: str, body: Any = None, hold_s: float = 0.0) -> Any:
        parts = urlsplit(self.url)
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        try:
            link = kind(parts.hostname or "", parts.port, timeout=self.timeout_s + hold_s)
        except (ValueError, http.client.InvalidURL) as error:
            raise PlatformError(f"cannot reach {self.url}: {error}") from error
        try:
            data = None if body is None else json.dumps(body, allow_nan=False)
            link.request(method, parts.path.rstrip("/") + path, data, self._headers())
            response = link.getresponse()
            return _value(response.status, response.read(), f"{method} {path}")
        except (OSError, http.client.HTTPException) as error:
            raise PlatformError(f"cannot reach {self.url}: {error}") from error
        finally:
            link.close()

    def _headers(self) -> Mapping[str, str]:
        auth = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return {"Content-Type": "application/json", **auth}


def _value(status: int, data: bytes, what: str) -> Any:
    """Return the JSON of an answer that is well.

    Raises:
        PlatformError: It is a refusal, or no JSON.
    """
    try:
        value = json.loads(data)
    except ValueError:
        value = data[:200].decode(errors="replace")
    if status != http.client.OK:
        reason = value.get("error", value) if isinstance(value, dict) else value
        raise PlatformError(f"cannot {what}: {status} {reason}", status)
    if not isinstance(value, dict):
        raise PlatformError(f"cannot {what}: the answer is no JSON object", status)
    return value
