"""How much memory each program may use, given what the others use."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from podkeeper.policy import shares
from podkeeper.policy.shares import Limits, Share

WEBUI = Share("webui", 100, 800, 900, 500)
HANDLER = Share("handler", 50, 200, 300, 20)
FACTOR = 1.1


def limits(budget: int, given_shares: list[Share]) -> dict[str, Limits]:
    """Return the limits, with a tenth above the hard one to the critical."""
    return shares.limits(budget, given_shares, FACTOR)


def test_what_the_others_do_not_need_may_be_used() -> None:
    """A ceiling holds as long as the others keep within their floors."""
    found = limits(1000, [WEBUI, HANDLER])
    assert (found["webui"].soft_bytes, found["webui"].hard_bytes) == (800, 900)


def test_what_another_program_holds_comes_off_the_limit() -> None:
    """Together they are never promised more than there is."""
    found = limits(1000, [WEBUI, replace(HANDLER, used_bytes=250)])
    assert found["webui"].hard_bytes == 750
    assert found["webui"].soft_bytes == 800 * 750 // 900


def test_a_program_that_cannot_be_read_counts_as_its_floor() -> None:
    """An unknown reading takes nothing from the others."""
    found = limits(1000, [WEBUI, replace(HANDLER, used_bytes=None)])
    assert found["webui"].hard_bytes == 900


def test_who_has_no_limit_gets_none() -> None:
    """It counts for the others all the same."""
    found = limits(1000, [WEBUI, Share("platform", 300, None, None, None)])
    assert set(found) == {"webui"}
    assert found["webui"].hard_bytes == 700


def test_above_its_own_limit_a_program_is_killed_by_the_factor() -> None:
    """Room in the container does not make a limit that was asked for a softer one."""
    assert limits(10_000, [WEBUI, HANDLER])["webui"].critical_bytes == 990


def test_what_is_only_kept_for_others_is_no_reason_to_kill() -> None:
    """It is restarted between jobs for their sake, and killed for what they really hold."""
    idle = limits(900, [WEBUI, replace(HANDLER, floor_bytes=200)])["webui"]
    assert (idle.hard_bytes, idle.critical_bytes) == (700, 880)
    full = limits(900, [WEBUI, replace(HANDLER, floor_bytes=200, used_bytes=200)])["webui"]
    assert (full.hard_bytes, full.critical_bytes) == (700, 770)
    unknown = limits(900, [WEBUI, replace(HANDLER, floor_bytes=200, used_bytes=None)])["webui"]
    assert unknown == full


sizes = st.integers(0, 10_000)


@st.composite
def programs(draw: st.DrawFn) -> list[Share]:
    """Return some programs with limits in order."""
    found = []
    for number in range(draw(st.integers(1, 5))):
        hard = draw(st.integers(2, 10_000))
        soft = draw(st.integers(1, hard - 1))
        floor = draw(sizes)
        found.append(Share(str(number), floor, soft, hard, draw(st.none() | sizes)))
    return found


@given(st.integers(1, 20_000), programs())
def test_limits_keep_their_order_their_ceiling_and_the_floor(
    budget: int, given_shares: list[Share]
) -> None:
    """Soft is below hard, hard is within ceiling and what is left, and a floor stays free."""
    given_limits = limits(budget, given_shares)
    for each in given_shares:
        found = given_limits[each.program]
        others = sum(other.needed_bytes for other in given_shares if other is not each)
        assert found.soft_bytes < found.hard_bytes
        assert found.hard_bytes >= min(each.floor_bytes, each.hard_bytes or 0)
        assert found.hard_bytes <= max(each.hard_bytes or 0, 1)
        assert found.hard_bytes <= max(budget - others, each.kept_bytes, 1)
        assert found.hard_bytes <= found.critical_bytes
        assert found.critical_bytes <= FACTOR * max(each.hard_bytes or 0, 1)
