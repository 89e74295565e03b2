"""Where does the SDK knock, in place of the platform?

Covers: a free port of the loopback interface, and the addresses that the SDK is told instead of the
platform's. It has to be there before the SDK is imported, which reads them once.
Leaves out: who answers (`relay`).
"""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

#: Path of what the SDK posts as results.
DONE = "/done/"
_SECRET_BYTES = 16


@dataclass(frozen=True)
class Door:
    """A port that waits for the SDK."""

    listener: socket.socket
    #: First part of every path: other programs of the machine get nothing.
    secret: str
    #: The platform's own address: scheme, host and port.
    base: str
    #: Variables that send the SDK here.
    environment: dict[str, str]


def opened(get_job: str) -> Door:
    """Return a door on a free port.

    Args:
        get_job: Where the platform hands out jobs, as it told the worker.

    Raises:
        OSError: There is no such port.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    own = f"http://127.0.0.1:{listener.getsockname()[1]}/{secret}"
    parts = urlsplit(get_job)
    base = f"{parts.scheme}://{parts.netloc}"
    told = {
        "RUNPOD_WEBHOOK_GET_JOB": own + get_job.removeprefix(base),
        "RUNPOD_WEBHOOK_POST_OUTPUT": f"{own}{DONE}$ID?relayed=1",
    }
    return Door(listener, secret, base, told)
