"""What do the supervisors of a bench run? A small program in C, compiled for the run."""

from __future__ import annotations

import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("program.c")


def compiled(folder: Path, source: Path = SOURCE) -> Path:
    """Return a program, by default that of program.c, compiled into a folder."""
    target = folder / source.stem
    command = ["cc", "-O2", "-Wall", "-pthread", "-I", str(SOURCE.parent), "-o", str(target)]
    subprocess.run([*command, str(source)], check=True)
    return target
