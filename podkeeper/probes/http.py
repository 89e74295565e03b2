"""What does a program of ours answer to one HTTP question?

Covers: one GET, of whose answer only the head matters.
Leaves out: how it is asked (`podkeeper.loopback`).
"""

from __future__ import annotations

from typing import NamedTuple

from podkeeper.loopback import ask


class Answer(NamedTuple):
    """The head of an answer."""

    #: None where there was no HTTP answer.
    status: int | None
    #: What was seen, in words.
    detail: str


def get(url: str, timeout_s: float) -> Answer:
    """Return the answer to one question, whole within `timeout_s`.

    Same as `curl -sS -m TIMEOUT -o /dev/null -w '%{http_code}' URL`.
    """
    reply = ask(url, timeout_s)
    return Answer(reply.status, reply.detail)
