"""What do the supervisors of a bench run? A small program in C, compiled for the run."""

from __future__ import annotations

import subprocess
from pathlib import Path


def compiled(folder: Path) -> Path:
    """Return the program of program.c, compiled into a folder."""
    target = folder / "program"
    source = Path(__file__).with_name("program.c")
    subprocess.run(["cc", "-O2", "-Wall", "-o", str(target), str(source)], check=True)
    return target
