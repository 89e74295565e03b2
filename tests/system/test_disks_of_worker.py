"""A whole worker on a disk that runs short of room."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from worker import Worker, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.model.incident import Incident

MIB = 1 << 20
#: A file system of its own in memory, where files of tests disturb nobody.
SHM = Path("/dev/shm")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder on a disk in memory, whose room is known to the byte."""
    if not os.access(SHM, os.W_OK) or shutil.disk_usage(SHM).free < 512 * MIB:
        pytest.skip("no room in /dev/shm")
    with tempfile.TemporaryDirectory(prefix="pk-", dir=SHM) as name:
        yield Path(name)


def fill(path: Path, size_bytes: int, *, age_s: float = 0.0) -> None:
    """Write a file that was used last so long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size_bytes)
    then_s = time.time() - age_s
    os.utime(path, (then_s, then_s))


def incident_of_disk(worker: Worker) -> Incident | None:
    """Return the incident about the disk, or None where there is none yet."""
    return next((each for each in worker.incidents() if each.cause == "disk_low"), None)


def test_what_may_go_goes_and_jobs_wait_where_that_is_not_enough(folder: Path) -> None:
    """Old files are removed and named; below the hard line no job is taken until there is room."""
    usage = shutil.disk_usage(SHM)
    soft, hard = (usage.free - 100 * MIB) / usage.total, (usage.free - 200 * MIB) / usage.total
    old, young = folder / "temporary" / "old.png", folder / "temporary" / "young.png"
    fill(young, MIB)
    worker = Worker(
        folder,
        PODKEEPER_WATCHDOG__DISKS=str(folder),
        PODKEEPER_WATCHDOG__DISK_PERIOD_S="200ms",
        PODKEEPER_DISK__TEMPORARY=str(folder / "temporary"),
        PODKEEPER_DISK__ORDER="temporary",
        PODKEEPER_THRESHOLDS__DISK_SOFT=f"{soft:.9f}",
        PODKEEPER_THRESHOLDS__DISK_HARD=f"{hard:.9f}",
        PODKEEPER_THRESHOLDS__DISK_MOST="1TiB",
        PODKEEPER_THRESHOLDS__RELEASE_FACTOR="1",
        PODKEEPER_THRESHOLDS__GRACE_S="1s",
    )
    try:
        worker.wait_until_ready()
        fill(old, 120 * MIB, age_s=7200)
        wait_for(lambda: not old.exists(), "the old file to go")
        assert young.exists()
        incident = wait_for(lambda: incident_of_disk(worker), "an incident")
        wait_for(
            lambda: (found := incident_of_disk(worker)) and found.closed_at_s, "the incident's end"
        )
        incident = incident_of_disk(worker)
        assert incident is not None
        assert any(f"{old} (120MiB)" in each.outcome for each in incident.actions)

        fill(folder / "kept", 250 * MIB)
        wait_for(lambda: worker.line("handler").state == "STOPPED", "jobs to be held back")
        report = worker.report()
        assert report is not None
        assert any("takes no jobs: disk" in each for each in report.findings)
        (folder / "kept").unlink()
        wait_for(lambda: worker.line("handler").state == "RUNNING", "jobs to be taken again")
        assert young.exists()
    finally:
        worker.stop()
