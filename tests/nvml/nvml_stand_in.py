"""A stand-in for NVIDIA's management library: built here, loaded by the real binding.

    stand_in = StandIn(folder, built(folder_to_build_in))
    stand_in.says("count=1 total=1000 used=360")
    subprocess.run(..., env={**os.environ, **stand_in.environ})

What it can say stands at the top of `stand_in.c`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from podkeeper.probes.nvml import LIBRARY

SOURCE = Path(__file__).with_name("stand_in.c")
#: One healthy GPU of whose readings everything is known.
HEALTHY = (
    "count=1 total=1000 reserved=40 used=360 util=75 memory_util=20 temp=61 margin=26 slowdown=87"
    " shutdown=92 clocks=4 power=123456 power_limit=350000 action=0 ecc_corrected=2"
    " rows_corrected=1 pcie_generation=4 pcie_width=16 pcie_replays=3 processes=2"
)


def built(folder: Path, *defines: str) -> Path | None:
    """Return the library, built in a folder, or None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    target = folder / LIBRARY
    # The name inside matters too: the binding finds what is loaded already by that.
    flags = ["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", f"-Wl,-soname,{LIBRARY}"]
    subprocess.run(
        [compiler, *flags, *(f"-D{each}" for each in defines), "-o", target, SOURCE], check=True
    )
    return target


class StandIn:
    """One driver's library, and what it says."""

    def __init__(self, folder: Path, library: Path) -> None:
        self.folder = folder
        # A link: the library looks for its files beside the name it was loaded by.
        folder.joinpath(LIBRARY).symlink_to(library)
        self.says("count=0")

    @property
    def environ(self) -> dict[str, str]:
        """The variables of a process that is to load it; a worker hands them on."""
        return {"LD_LIBRARY_PATH": str(self.folder)}

    def says(self, words: str) -> None:
        """Change what it says, at once and whole."""
        new = self.folder / "says.new"
        new.write_text(words)
        new.rename(self.folder / "says")

    def report(self, code: int, gpu: int = 0) -> None:
        """Report an error of a GPU to all who listen."""
        with (self.folder / "xids").open("a") as file:
            file.write(f"{gpu} {code}\n")


def environ_of(stand_in: StandIn) -> dict[str, str]:
    """Return this process's own variables with those of the stand-in."""
    return {**os.environ, **stand_in.environ}
