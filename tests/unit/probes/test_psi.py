"""Pressure stall information."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.probes import psi

if TYPE_CHECKING:
    from pathlib import Path


def test_the_larger_of_the_two_short_averages_counts(tmp_path: Path) -> None:
    """A burst shows in ten seconds, a lasting shortage in sixty."""
    file = tmp_path / "proc" / "pressure" / "cpu"
    file.parent.mkdir(parents=True)
    file.write_text(
        "some avg10=12.50 avg60=75.00 avg300=1.00 total=1\n"
        "full avg10=99.00 avg60=99.00 avg300=99.00 total=1\n"
    )
    assert psi.cpu_wait_ratio(tmp_path) == 0.75


def test_a_kernel_without_it_is_unknown(tmp_path: Path) -> None:
    """No file, no number."""
    assert psi.cpu_wait_ratio(tmp_path) is None
