"""What is wanted of a program's place, against what the kernel says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.model.isolation import Isolation, IsolationSeen
from podkeeper.policy.isolation import differences

BASE = IsolationSeen(pid=1, uid=0, nice=2, oom_score_adj=300)


def wanted(**changed: Any) -> Isolation:
    """Return a modest wish, or another one."""
    plain = {"nice": 0, "oom_score_adj": 0, "cpus": [], "core_bytes": 0, "umask": "022"}
    return Isolation(**{**plain, **changed})


def seen(**changed: Any) -> IsolationSeen:
    """Return what the kernel says of a program that has just that, or something else."""
    plain = {
        "pid": 7,
        "uid": 0,
        "umask": "0022",
        "nice": 2,
        "oom_score_adj": 300,
        "cpus": [0, 1],
        "pgid": 7,
        "limits": {"Max core file size": 0, "Max open files": 1024, "Max address space": None},
        "io_class": "none",
        "io_level": 0,
    }
    return IsolationSeen(**{**plain, **changed})


@pytest.mark.parametrize(
    ("wish", "found", "said"),
    [
        ({}, {}, []),
        ({}, {"uid": 5}, ["user is 5, wanted 0"]),
        ({}, {"umask": "0002"}, ["umask is 002, wanted 022"]),
        ({"nice": 3}, {"nice": 5}, []),
        ({"nice": 3}, {}, ["nice is 2, wanted 5"]),
        ({"nice": 19}, {"nice": 19}, []),
        ({"oom_score_adj": 800}, {"oom_score_adj": 1000}, []),
        ({"oom_score_adj": -5}, {}, ["oom_score_adj is 300, wanted 295"]),
        ({"cpus": [0, 1, 2]}, {}, ["cpus is 0,1, wanted 0,1,2"]),
        ({}, {"pgid": 1}, ["process group is 1, wanted 7"]),
        ({"io_class": "idle"}, {}, ["io_class is none, wanted idle"]),
        ({"core_bytes": 10}, {}, ["core_bytes is 0, wanted 10"]),
        ({"open_files": 1024}, {}, []),
        ({"address_space_bytes": 5}, {}, ["address_space_bytes is unlimited, wanted 5"]),
        ({"processes": 5}, {}, []),
        ({}, {"limits": None, "cpus": None, "uid": None, "umask": None}, []),
    ],
)
def test_what_differs_is_said(wish: dict[str, Any], found: dict[str, Any], said: list[str]) -> None:
    """Sums are compared where something is added; what is unknown is no difference."""
    result = differences(wanted(**wish), seen(**found), BASE, 0)
    assert [str(each) for each in result] == said
    assert all(each.why for each in result)


@given(
    base_nice=st.integers(-20, 19),
    nice=st.integers(-20, 19),
    base_oom=st.integers(-1000, 1000),
    oom=st.integers(-1000, 1000),
)
def test_what_a_willing_kernel_gives_is_never_a_difference(
    base_nice: int, nice: int, base_oom: int, oom: int
) -> None:
    """Whatever is added to whatever, within what the kernel knows, is as wanted."""
    base = IsolationSeen(pid=1, nice=base_nice, oom_score_adj=base_oom)
    given_ = seen(
        nice=min(19, max(-20, base_nice + nice)),
        oom_score_adj=min(1000, max(-1000, base_oom + oom)),
    )
    assert differences(wanted(nice=nice, oom_score_adj=oom), given_, base, 0) == []


@given(st.none() | st.integers(0, 9))
def test_of_a_process_of_which_nothing_is_known_nothing_is_said(uid: int | None) -> None:
    """Unknown is no verdict."""
    nothing = IsolationSeen(pid=7)
    assert differences(wanted(cpus=[1], open_files=3), nothing, BASE, uid) == []
