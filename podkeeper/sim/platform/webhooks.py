"""How does a client hear of its job's end without asking?

Covers: one POST of the job's status, tried as often as the settings say, to loopback alone: a
stand-in must not reach out of the machine because of what somebody put into a job.
Leaves out: webhooks that were still to be sent when the platform died; they are lost.
"""

from __future__ import annotations

import asyncio
import http.client
import ipaddress
import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from podkeeper.settings.platform import PlatformSettings

log = logging.getLogger("platform.webhooks")


def allowed(url: str) -> bool:
    """Return whether a URL leads to this machine by plain HTTP."""
    try:
        parts = urlsplit(url)
        loopback = parts.port is None or parts.port > 0
        if parts.hostname != "localhost":
            loopback = loopback and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
    return parts.scheme == "http" and loopback


def _post(url: str, body: bytes, timeout_s: float) -> int:
    parts = urlsplit(url)
    link = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout_s)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        link.request("POST", target, body, {"Content-Type": "application/json"})
        return link.getresponse().status
    finally:
        link.close()


async def deliver(url: str, job_id: str, body: bytes, settings: PlatformSettings) -> None:
    """Post a job's status until somebody answers 200, or the tries are used up."""
    for attempt in range(settings.webhook_tries):
        await asyncio.sleep(settings.webhook_pause_s if attempt else 0)
        try:
            status = await asyncio.to_thread(_post, url, body, settings.webhook_timeout_s)
        except (OSError, http.client.HTTPException) as error:
            log.warning("cannot call the webhook of job %s: %s", job_id, error)
        else:
            if status == http.client.OK:
                return
            log.warning("cannot call the webhook of job %s: it answered %d", job_id, status)
