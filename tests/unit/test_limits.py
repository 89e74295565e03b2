"""The limits that are told at a start and while it runs."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "keeper"))
from fake_world import make

from podkeeper.console import means
from podkeeper.console.limits import limits
from podkeeper.model.signal import SignalReading


def test_every_limit_is_told_in_bytes_before_anything_runs() -> None:
    """Each program with a limit has its line, and so has the container."""
    lines = list(limits(make()))
    webui = next(line for line in lines if line.startswith("webui"))
    assert "soft above 2GiB (2147483648 bytes)" in webui
    assert "restarted between jobs above 3GiB (3221225472 bytes)" in webui
    assert "killed above 3.24GiB" in webui
    assert any("killed below 163.8MiB" in line for line in lines if line.startswith("memory"))
    assert {line.partition(":")[0] for line in lines} >= {"webui", "handler", "watchdog", "disks"}


def test_what_can_run_out_is_a_table() -> None:
    """Bytes are sizes, counts are numbers, and what is unknown is a dash."""
    table = means.signals(
        [
            SignalReading(
                kind="disk", subject="/", headroom=1 << 30, capacity=1 << 31, exhausted_in_s=90.0
            ),
            SignalReading(kind="inodes", subject="/", headroom=12.0, capacity=None),
        ]
    )
    assert table[1].split() == ["disk", "of", "/", "1GiB", "2GiB", "-", "-", "calm", "1min", "30s"]
    assert table[2].split() == ["inodes", "of", "/", "12", "-", "-", "-", "calm", "-"]
