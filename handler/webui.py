"""How is one WebUI asked?

Covers: pooled connections, timeouts, the size of an answer, and telling a WebUI that died before
it got the request from one that died with it. Blocking: called in threads. A POST is never tried
again here; whether it may be is the job's to know.
Leaves out: what an answer means (`answers`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import NewConnectionError, ReadTimeoutError

from handler import progress
from handler.answers import Answered, Outcome, Refused, classify
from handler.codes import Code
from handler.validation.request import API

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handler.progress import Reading
    from handler.validation.catalog import Lists

_CHUNK_BYTES = 1 << 20
_PROGRESS = API + "progress?skip_current_image=true"


class WebUILostError(Exception):
    """The connection to the WebUI could not be made, or broke."""

    def __init__(self, *, sent: bool, overdue: bool, cause: str) -> None:
        #: Whether the request may have reached it.
        self.sent = sent
        #: Whether only our patience ended: it may still be at work.
        self.overdue = overdue
        super().__init__(cause)


class AnswerTooLargeError(Exception):
    """The answer is larger than what the platform would take."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        super().__init__(f"{size_bytes} bytes")


class WebUI:
    """One WebUI by its address."""

    def __init__(
        self, name: str, readiness_url: str, *, probe_timeout_s: float, max_answer_bytes: int
    ) -> None:
        self.name = name
        #: Jobs of ours that it is working on.
        self.load = 0
        #: Whether a job of ours may still run there that nobody waits for.
        self.suspect = False
        self._readiness_url = readiness_url
        parts = urlsplit(readiness_url)
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._probe_timeout_s = probe_timeout_s
        self._max_answer_bytes = max_answer_bytes
        self._lists: Lists = {}
        self._session = requests.Session()
        # No proxy and no .netrc of the environment: this is the loopback interface.
        self._session.trust_env = False
        # Compressing base64 of images costs the WebUI time and saves nothing here.
        self._session.headers.update({"Accept-Encoding": "identity"})

    def ask(self, method: str, path: str, body: Any, timeout_s: float) -> Outcome:
        """Return what the WebUI answers.

        Raises:
            WebUILostError: It is gone.
            AnswerTooLargeError: The answer is larger than allowed.
        """
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        try:
            with self._session.request(
                method,
                self._base + path,
                data=data,
                headers={"Content-Type": "application/json"} if data is not None else None,
                timeout=(self._probe_timeout_s, timeout_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                received = self._received(response)
        except (requests.RequestException, OSError) as error:
            raise WebUILostError(
                sent=_sent(error), overdue=_overdue(error), cause=type(error).__name__
            ) from error
        return classify(response.status_code, response.headers.get("Content-Type", ""), received)

    def _received(self, response: requests.Response) -> bytes:
        chunks, size_bytes = [], 0
        for chunk in response.iter_content(_CHUNK_BYTES):
            chunks.append(chunk)
            size_bytes += len(chunk)
            if size_bytes > self._max_answer_bytes:
                declared = response.headers.get("Content-Length", "")
                raise AnswerTooLargeError(int(declared) if declared.isdigit() else size_bytes)
        return b"".join(chunks)

    def ready(self) -> bool:
        """Return whether it can take a job.

        One that was left with a job nobody waits for is ready once it has stopped working.
        """
        try:
            response = self._session.get(
                self._readiness_url, timeout=self._probe_timeout_s, allow_redirects=False
            )
        except requests.RequestException:
            return False
        if response.status_code != requests.codes.ok:
            return False
        if self.suspect:
            self.interrupt()
            self.suspect = not self._idle()
        return not self.suspect

    def small(self, method: str, path: str, body: Any = None) -> Any:
        """Return the data of a short answer, or None where there is none."""
        try:
            outcome = self.ask(method, path, body, self._probe_timeout_s)
        except (WebUILostError, AnswerTooLargeError):
            return None
        return outcome.data if isinstance(outcome, Answered) else None

    def _idle(self) -> bool:
        answer = self.small("GET", _PROGRESS)
        state = answer.get("state") if isinstance(answer, dict) else None
        return isinstance(state, dict) and not state.get("job")

    def progress(self) -> Reading | None:
        """Return how far the running job is, or None where it does not say."""
        return progress.read(self.small("GET", _PROGRESS))

    def interrupt(self) -> None:
        """Ask it to end the running job; whether it does is seen by the job's own answer."""
        self.small("POST", API + "interrupt", {})

    def lists(self, names: Iterable[str], *, fresh: bool) -> Lists:
        """Return the named lists of what it has; one it does not know is left out.

        Raises:
            WebUILostError: It is gone.
        """
        for name in names:
            if fresh or name not in self._lists:
                self._load(name)
        return self._lists

    def _load(self, name: str) -> None:
        outcome = self.ask("GET", API + name, None, self._probe_timeout_s)
        if isinstance(outcome, Answered) and isinstance(outcome.data, list):
            self._lists[name] = [each for each in outcome.data if isinstance(each, dict)]
        elif isinstance(outcome, Refused) and outcome.code is not Code.WEBUI_FAILED:
            self._lists.pop(name, None)

    def forget(self) -> None:
        """Drop what is known of it: a restarted one may have other things."""
        self._lists = {}


def _sent(error: Exception) -> bool:
    """Return whether the request may have reached the WebUI before it was lost."""
    if isinstance(error, requests.ConnectTimeout):
        return False
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return not isinstance(reason, NewConnectionError)


def _overdue(error: Exception) -> bool:
    """Return whether the WebUI was only too slow; within a body requests says so in the cause."""
    cause = error.args[0] if error.args else None
    return isinstance(error, requests.ReadTimeout) or isinstance(cause, ReadTimeoutError)
