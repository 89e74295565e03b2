"""On what, and of what, was it measured?"""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def machine() -> str:
    """Return the machine in one line, without its name."""
    kib = int(Path("/proc/meminfo").read_text().split()[1])
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores}-core machine, {kib / 1024**2:.0f} GiB RAM, Linux {platform.release()},"
        f" Python {platform.python_version()}"
    )


def commit() -> str:
    """Return the commit that is checked out, and whether there are changes to it."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    number = git("rev-parse", "--short=12", "HEAD")
    if not number:
        return "unknown"
    return f"{number} with changes" if git("status", "--porcelain", "-uno") else number


def load() -> float:
    """Return the mean number of processes that wanted a core in the last minute."""
    return os.getloadavg()[0]
