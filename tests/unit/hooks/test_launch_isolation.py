"""The place among others that the launcher gives a program, as that program itself sees it."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hooks import launch

SHOW = """
import json, os, resource
def limit(name): return resource.getrlimit(getattr(resource, name))
print(json.dumps({
    "nice": os.getpriority(os.PRIO_PROCESS, 0),
    "oom": int(open("/proc/self/oom_score_adj").read()),
    "cpus": sorted(os.sched_getaffinity(0)),
    "core": limit("RLIMIT_CORE"), "nofile": limit("RLIMIT_NOFILE"),
    "nproc": limit("RLIMIT_NPROC"), "as": limit("RLIMIT_AS"),
}))
"""
OWN_OOM = int(Path("/proc/self/oom_score_adj").read_text())
_CAPABILITIES = int(
    next(
        line.split()[1]
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("CapEff:")
    ),
    16,
)
#: CAP_SYS_RESOURCE.
MAY_RAISE_LIMITS = bool(_CAPABILITIES >> 24 & 1)


def launched(word: str | None, **preexec: Any) -> tuple[dict[str, Any], str]:
    """Return what a launched program sees of itself, and what the launcher said."""
    options = [] if word is None else ["--isolate", word]
    command = [sys.executable, "-m", "hooks.launch", *options, "--", sys.executable, "-c", SHOW]
    environment = {"PATH": os.environ["PATH"], "PODKEEPER_PROGRAM": "webui"}
    result = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment, timeout=60, **preexec
    )
    return json.loads(result.stdout), result.stderr


@pytest.fixture(scope="module")
def plain() -> dict[str, Any]:
    """What a program sees that is given no place."""
    return launched(None)[0]


def test_without_a_word_everything_stays(plain: dict[str, Any]) -> None:
    """The launcher changes nothing that it is not told to."""
    assert plain["nice"] == os.getpriority(os.PRIO_PROCESS, 0)
    assert plain["oom"] == OWN_OOM
    assert tuple(plain["nofile"]) == resource.getrlimit(resource.RLIMIT_NOFILE)


def test_the_program_has_all_that_the_word_says(plain: dict[str, Any]) -> None:
    """Nice and oom are added to what was there; limits are what they say."""
    cpu = plain["cpus"][0]
    word = f"nice=1:oom=7:cpus={cpu}:core=0:nofile=300:nproc=5000:as={1 << 40}"
    seen, said = launched(word)
    assert said == ""
    assert (seen["nice"], seen["oom"]) == (min(19, plain["nice"] + 1), min(1000, OWN_OOM + 7))
    assert seen["cpus"] == [cpu]
    assert seen["core"] == [0, 0]
    assert seen["nofile"] == [300, plain["nofile"][1]]
    assert seen["nproc"] == [5000, 5000]
    assert seen["as"] == [1 << 40, 1 << 40]


def test_an_oom_score_stays_within_what_the_kernel_knows() -> None:
    """What is added never goes past the most that there is."""
    seen, said = launched("oom=1000")
    assert (seen["oom"], said) == (1000, "")


@pytest.mark.skipif(shutil.which("ionice") is None, reason="ionice is not installed")
def test_disk_io_goes_to_the_class_that_is_named() -> None:
    """The kernel's own tool reads the class back."""
    seen = subprocess.run(
        [sys.executable, "-m", "hooks.launch", "--isolate", "io=idle,0", "--", "ionice"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert (seen.stdout.strip(), seen.stderr) == ("idle", "")


@pytest.mark.skipif(MAY_RAISE_LIMITS, reason="this user may do what is to be refused")
def test_what_the_kernel_refuses_is_told_and_the_program_starts() -> None:
    """The line names program, what, wanted, got and why."""
    seen, said = launched(
        "core=4096:oom=-1", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    )
    assert (seen["core"], seen["oom"]) == ([0, 0], OWN_OOM)
    lines = said.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("WARNING hooks.launch: cannot isolate webui") for line in lines)
    assert "oom: wanted -1, left as it is: Permission denied" in said
    assert "core: wanted 4096, got 0" in said


def test_processors_that_are_not_there_are_told() -> None:
    """Of a list that the machine has only in part the rest is named; of none, all stays."""
    here = sorted(os.sched_getaffinity(0))
    seen, said = launched(f"cpus={here[0]},1023")
    assert seen["cpus"] == here[:1]
    assert f"cpus: wanted {here[0]},1023, got {here[0]}" in said
    seen, said = launched("cpus=1023")
    assert seen["cpus"] == here
    assert "cpus: wanted 1023, left as it is: Invalid argument" in said


def test_a_word_that_is_not_known_stops_the_start() -> None:
    """A launcher and a configuration that do not belong together are no quiet guess."""
    result = subprocess.run(
        [sys.executable, "-m", "hooks.launch", "--isolate", "colour=red", "--", "true"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == launch.CANNOT_RUN
    assert "colour=red" in result.stderr
