"""How do progress messages and results get to the platform?

Covers: the requests the SDK itself would send, each once, within a bounded time. Blocking.
Leaves out: when and in which order (`sender`, `courier`), address and key, which the SDK has
(`gateway`).
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import IO, TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger("handler")


@dataclass(frozen=True)
class Answer:
    """What came of a request."""

    #: None where there was no answer.
    status: int | None
    #: The status, or what went wrong, in a word.
    note: str
    #: What `Retry-After` asks for; None where it says nothing.
    retry_after_s: float | None = None


class Poster:
    """Sends to where the SDK sends results.

    `url_template` holds `$ID` in the place of a job's id, and a question mark.
    """

    def __init__(
        self, url_template: str, authorization: str, timeout_s: float, result_timeout_s: float
    ) -> None:
        self._template = url_template
        self._timeout_s = timeout_s
        self._result_timeout_s = result_timeout_s
        self._session = requests.Session()
        # Like the SDK: no proxy, and no .netrc that would replace the header.
        self._session.trust_env = False
        self._session.headers.update(
            {
                "Authorization": authorization,
                "Content-Type": "application/x-www-form-urlencoded",
                "charset": "utf-8",
            }
        )

    def _post(self, job_id: str, data: bytes | IO[bytes], timeout_s: float) -> requests.Response:
        return self._session.post(
            self._template.replace("$ID", job_id) + "&isStream=false",
            data=data,
            headers={"X-Request-ID": job_id},
            timeout=timeout_s,
            allow_redirects=False,
        )

    def post(self, job_id: str, output: dict[str, object]) -> None:
        """Send one progress message. A failure is logged: progress never fails a job."""
        if not self._template.startswith("http"):
            return  # the SDK runs without a platform
        data = json.dumps({"status": "IN_PROGRESS", "output": output}).encode()
        try:
            self._post(job_id, data, self._timeout_s).raise_for_status()
        except requests.RequestException as error:
            log.warning("job %s: progress was not delivered: %s", job_id, type(error).__name__)

    def deliver(self, job_id: str, result: Path | bytes) -> Answer:
        """Send a result once, as the JSON it is; a file is never in memory as a whole."""
        try:
            if isinstance(result, bytes):
                response = self._post(job_id, result, self._result_timeout_s)
            else:
                with result.open("rb") as file:
                    response = self._post(job_id, file, self._result_timeout_s)
        except (requests.RequestException, OSError) as error:
            return Answer(None, type(error).__name__)
        asked_s = retry_after_s(response.headers.get("Retry-After", ""), time.time())
        return Answer(response.status_code, str(response.status_code), asked_s)


def retry_after_s(header: str, now_wall_s: float) -> float | None:
    """Return what a `Retry-After` header asks for: seconds, or a date; None where it is neither."""
    if header.isascii() and header.isdigit():
        return float(header)
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, parsedate_to_datetime(header).timestamp() - now_wall_s)
    return None
