"""What is to be drawn, once a request is understood?

Covers: a job as a value, and refusing what the real server falls over before it starts.
Leaves out: running it (`engine`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from podkeeper.sim.webui.catalogue import (
    ALWAYS_ON_SCRIPTS,
    SAMPLERS,
    SCHEDULERS,
    SELECTABLE_IMG2IMG,
    SELECTABLE_SCRIPTS,
)
from podkeeper.sim.webui.errors import HTTPError

if TYPE_CHECKING:
    from PIL.Image import Image

#: Largest seed that is drawn where none is asked for.
_LAST_SEED = 2**32 - 2
_LATENT_PIXELS = 8


@dataclass(frozen=True)
class Hires:
    """The second pass of a job at a larger size."""

    width: int
    height: int
    steps: int
    upscaler: str
    scale: float


@dataclass(frozen=True)
class Job:
    """Everything a picture depends on. `asked` is the request with all its fields."""

    kind: str
    asked: dict[str, Any]
    seed: int
    subseed: int
    sampler: str
    scheduler: str
    batch_size: int
    init: list[Image] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Return how many pictures the job has."""
        n_iter: int = self.asked["n_iter"]
        return self.batch_size * n_iter

    @property
    def all_seeds(self) -> list[int]:
        """Return each picture's seed: consecutive, unless variation seeds vary instead."""
        varied = bool(self.asked["subseed_strength"])
        return [self.seed + (0 if varied else index) for index in range(self.count)]

    @property
    def all_subseeds(self) -> list[int]:
        """Return each picture's variation seed."""
        return [self.subseed + index for index in range(self.count)]

    @property
    def size(self) -> tuple[int, int]:
        """Return the size of the first pass: what was asked, cut to whole latent pixels."""
        return _whole(self.asked["width"]), _whole(self.asked["height"])

    @property
    def hires(self) -> Hires | None:
        """Return the second pass, if there is one."""
        if not self.asked.get("enable_hr"):
            return None
        asked, (width, height) = self.asked, self.size
        scale = asked["hr_scale"]
        return Hires(
            _whole(asked["hr_resize_x"] or int(width * scale)),
            _whole(asked["hr_resize_y"] or int(height * scale)),
            asked["hr_second_pass_steps"] or asked["steps"],
            asked["hr_upscaler"] or "Latent",
            scale,
        )


def _whole(pixels: int) -> int:
    return pixels // _LATENT_PIXELS * _LATENT_PIXELS


def _seed(asked: object) -> int:
    """Return the seed asked for, or one drawn at random for -1 and nothing."""
    return secrets.randbelow(_LAST_SEED + 1) if asked in (None, -1) else int(str(asked))


def _sampler(name: str | None, scheduler: str | None) -> tuple[str, str]:
    """Return sampler and schedule as the real server finds them: unknown names are no error."""
    lowered = (name or "").lower()
    found: dict[str, Any] = next(
        (
            each
            for each in SAMPLERS
            if lowered in {str(each["name"]).lower(), *(str(a).lower() for a in each["aliases"])}
        ),
        SAMPLERS[0],
    )
    schedule = next(
        (each for each in SCHEDULERS if scheduler in (each["name"], each["label"])), SCHEDULERS[0]
    )
    if found["options"].get("scheduler") == schedule["name"]:
        schedule = SCHEDULERS[0]
    return str(found["name"]), str(schedule["label"])


def check_scripts(asked: dict[str, Any], kind: str) -> None:
    """Say no to scripts that do not exist, before the job waits for its turn.

    Raises:
        HTTPError: 422, with the real server's words.
    """
    known = (*SELECTABLE_SCRIPTS, *(SELECTABLE_IMG2IMG if kind == "img2img" else ()))
    if asked["script_name"] and asked["script_name"].lower() not in known:
        raise HTTPError(422, f"Script '{asked['script_name']}' not found")
    for name in asked["alwayson_scripts"] or {}:
        if name.lower() in known:
            raise HTTPError(422, "Cannot have a selectable script in the always on scripts params")
        if name.lower() not in ALWAYS_ON_SCRIPTS:
            raise HTTPError(422, f"Script '{name}' not found")


def make(kind: str, asked: dict[str, Any], init: list[Image]) -> Job:
    """Return the job of a request.

    Raises:
        RuntimeError: There are more init images than fit the batch.
    """
    batch_size = asked["batch_size"]
    if len(init) > 1:
        if 1 < batch_size < len(init):
            raise RuntimeError(f"bad number of images passed; expecting {batch_size} or less")
        batch_size = len(init)
    sampler, scheduler = _sampler(
        asked["sampler_name"] or asked["sampler_index"], asked["scheduler"]
    )
    return Job(
        *(kind, asked, _seed(asked["seed"]), _seed(asked["subseed"]), sampler, scheduler),
        batch_size,
        init,
    )


def check(job: Job) -> None:
    """Fall over as the real server does, at the start of a job, with its errors and words."""
    asked = job.asked
    assert asked["prompt"] is not None  # noqa: S101 - the real server's own check, seen by clients
    if job.batch_size * asked["n_iter"] <= 0:
        raise IndexError("list index out of range")
    if asked["steps"] == 0:
        raise ZeroDivisionError("integer division or modulo by zero")
    if asked["steps"] < 0:
        raise RuntimeError("number of steps must be non-negative")
    _check_size(asked["width"] // _LATENT_PIXELS, asked["height"] // _LATENT_PIXELS)


def _check_size(width: int, height: int) -> None:
    if min(width, height) < 0:
        shape = f"[1, 4, {height}, {width}]"
        raise RuntimeError(
            f"Trying to create tensor with negative dimension {min(width, height)}: {shape}"
        )
    if min(width, height) == 0:
        raise RuntimeError(
            f"Calculated padded input size per channel: ({height + 2} x {width + 2}). Kernel size: "
            "(3 x 3). Kernel size can't be greater than actual input size"
        )
