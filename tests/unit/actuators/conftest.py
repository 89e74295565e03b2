"""Folders that may be cleaned, and WebUIs that last as long as a test."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from reclaim_standins import Other, Sim

from podkeeper.actuators.disk import Cleaner, Task
from podkeeper.policy.cleaning import Need, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from podkeeper.actuators.cleaned import Cleaned

HOUR_S = 3600.0
NOBODY = 65534
#: More than any test's files come to.
ALL = Need(1 << 40, 1 << 30)


def age(path: Path, age_s: float) -> None:
    """Let a file, or a folder with all in it, have been used last so long ago."""
    then_s = time.time() - age_s
    below = path.rglob("*") if path.is_dir() else []
    for each in [*below, path]:
        os.utime(each, (then_s, then_s), follow_symlinks=False)


class Disk:
    """A world of files: `place` may be cleaned, `victim` lies beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.place = root / "place"
        self.victim = root / "victim"
        self.place.mkdir()
        self.file("precious", at=self.victim)

    def file(
        self, name: str, *, at: Path | None = None, age_s: float = HOUR_S, size_bytes: int = 4096
    ) -> Path:
        """Make a file in the place, or elsewhere, that was used last so long ago."""
        path = (at or self.place) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size_bytes)
        age(path, age_s)
        return path

    def cleaner(
        self,
        kind: str = "outputs",
        *,
        min_age_s: float = 60.0,
        kept: tuple[str, ...] = (),
        max_candidates: int = 1000,
        step_s: float = 60.0,
    ) -> Cleaner:
        """Return what cleans the place."""
        rule = Rule(kind, (str(self.place),), min_age_s)
        return Cleaner([rule], kept=kept, max_candidates=max_candidates, step_s=step_s)

    def task(self, need: Need = ALL, **rest: object) -> Task:
        """Return a step on the place's file system."""
        return Task(str(self.place), need, **rest)  # type: ignore[arg-type]

    def clean(self, need: Need = ALL, kind: str = "outputs", **rest: object) -> Cleaned:
        """Clean the place now."""
        return self.cleaner(kind).clean(self.task(need, **rest))

    def left(self) -> set[str]:
        """Return what is in the place, by names below it."""
        return {str(path.relative_to(self.place)) for path in self.place.rglob("*")}

    @property
    def unharmed(self) -> bool:
        """Whether the victim is as it was."""
        return (self.victim / "precious").read_bytes() == b"x" * 4096


@pytest.fixture
def disk() -> Iterator[Disk]:
    """Give a disk below a folder that every user may pass."""
    root = Path(tempfile.mkdtemp(prefix="podkeeper-test-"))
    root.chmod(0o755)
    yield Disk(root)
    shutil.rmtree(root)


@pytest.fixture
def as_nobody() -> Callable[[], object]:
    """Return what makes this process one without rights for a while, if it is root's."""

    @contextmanager
    def change() -> Iterator[None]:
        before = os.geteuid()
        if before == 0:
            os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(before)

    return change


@pytest.fixture
def simulate() -> Iterator[Callable[..., Sim]]:
    """Return what starts a simulated WebUI."""
    made: list[Sim] = []

    def start(**changes: Any) -> Sim:
        made.append(Sim(**changes))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture
def pretend() -> Iterator[Callable[..., Other]]:
    """Return what starts a WebUI with these answers."""
    made: list[Other] = []

    def start(**answers: tuple[int, Any]) -> Other:
        named = {name.replace("_", "-"): answer for name, answer in answers.items()}
        made.append(Other(named))
        return made[-1]

    yield start
    for each in made:
        each.close()
