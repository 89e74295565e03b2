"""How does one progress message get to the platform?

Covers: the request the SDK itself would send, in a thread, once, within a bounded time.
Leaves out: when and in which order (`sender`), address and key, which the SDK has (`gateway`).
"""

from __future__ import annotations

import json
import logging

import requests

log = logging.getLogger("handler")


class ProgressPoster:
    """Sends progress messages to where the SDK sends results.

    `url_template` holds `$ID` in the place of a job's id, and a question mark.
    """

    def __init__(self, url_template: str, authorization: str, timeout_s: float) -> None:
        self._template = url_template
        self._timeout_s = timeout_s
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

    def post(self, job_id: str, output: dict[str, object]) -> None:
        """Send one message. A failure is logged: progress never fails a job."""
        if not self._template.startswith("http"):
            return  # the SDK runs without a platform
        url = self._template.replace("$ID", job_id) + "&isStream=false"
        data = json.dumps({"status": "IN_PROGRESS", "output": output}).encode()
        try:
            self._session.post(
                url, data=data, headers={"X-Request-ID": job_id}, timeout=self._timeout_s
            ).raise_for_status()
        except requests.RequestException as error:
            log.warning("job %s: progress was not delivered: %s", job_id, type(error).__name__)
