"""When a worker is of no use any more."""

from __future__ import annotations

import pytest

from podkeeper.policy.escalation import judge, useless

ROLES = {
    "keeper": "keeper",
    "platform": "platform",
    "webui-0": "webui",
    "webui-1": "webui",
    "handler": "handler",
}


@pytest.mark.parametrize(
    ("given_up", "role"),
    [
        ([], None),
        (["webui-0"], None),
        (["platform"], None),
        (["webui-0", "webui-1"], "webui"),
        (["handler"], "handler"),
    ],
)
def test_a_worker_needs_one_webui_and_the_handler(given_up: list[str], role: str | None) -> None:
    """Only when all of a needed role are given up is the worker useless."""
    assert useless(ROLES, dict.fromkeys(given_up, True)) == role


def test_a_role_that_is_not_there_cannot_be_missing() -> None:
    """A plan without a handler is not useless for want of one."""
    assert useless({"webui": "webui"}, {}) is None


def test_a_worker_that_is_to_be_held_is_never_ended() -> None:
    """Whoever set it wants to look at what is left."""
    given_up = {"handler": True}
    assert judge("hold", ROLES, given_up) is None
    assert judge("refresh", ROLES, given_up) == judge("exit", ROLES, given_up) == "handler"
