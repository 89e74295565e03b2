"""How is a program kept apart from the others: what can be set, and what does it come to?

Covers: the settings that several sections share, their rules, and the value for the plan. Pure.
Leaves out: which programs have them (`settings.schema`), applying them (`hooks.isolate`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from podkeeper.model.isolation import Isolation
from podkeeper.settings.kinds import WORDS, Section, Size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.settings.schema import Settings

_RANGE = "[0-9]{1,4}(-[0-9]{1,4})?"
Processors = Annotated[
    str,
    Meta(
        pattern=rf"^({_RANGE}(,{_RANGE})*)?\Z",
        extra={WORDS: 'numbers and ranges of processors such as "0-3,6", or empty'},
    ),
]
#: Sections whose programs have a place: all that podkeeper runs.
PLACED = ("webui", "handler", "watchdog", "keeper", "platform")


class PlacedSection(Section, frozen=True):
    """A section of a program, with what places it among the others."""

    nice: Annotated[int, Meta(ge=-20, le=19)]
    oom_score_adj: Annotated[int, Meta(ge=-1000, le=1000)]
    cpus: Processors
    core_bytes: Size


class IsolatedSection(PlacedSection, frozen=True):
    """A section of a program that runs what others wrote, with bounds of its own."""

    io_class: Literal["none", "best-effort", "idle", "realtime"]
    io_level: Annotated[int, Meta(ge=0, le=7)]
    open_files: Annotated[int, Meta(ge=0, le=1 << 30)]
    processes: Annotated[int, Meta(ge=0, le=1 << 22)]
    address_space_bytes: Size
    umask: Annotated[
        str, Meta(pattern=r"^(0?[0-7]{3})?\Z", extra={WORDS: "three octal digits, or empty"})
    ]


def processors(text: str) -> list[int]:
    """Return the processors that a list names, ascending; a range that runs backwards is empty."""
    numbers: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return sorted(numbers)


def backward_ranges(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """Yield what is wrong with lists of processors, as `settings.rules` does."""
    for name in PLACED:
        text: str = getattr(settings, name).cpus
        for part in filter(None, text.split(",")):
            if not processors(part):
                yield f"{name}.cpus", text, f"must not run backwards, as {part} does"


def isolation_of(section: PlacedSection, umask: str) -> Isolation:
    """Return what a program of this section is started with; `umask` is the worker's."""
    placed = Isolation(
        nice=section.nice,
        oom_score_adj=section.oom_score_adj,
        cpus=processors(section.cpus),
        core_bytes=section.core_bytes,
        umask=umask,
    )
    if not isinstance(section, IsolatedSection):
        return placed
    return Isolation(
        nice=placed.nice,
        oom_score_adj=placed.oom_score_adj,
        cpus=placed.cpus,
        core_bytes=placed.core_bytes,
        umask=section.umask or umask,
        io_class=None if section.io_class == "none" else section.io_class,
        io_level=section.io_level,
        open_files=section.open_files or None,
        processes=section.processes or None,
        address_space_bytes=section.address_space_bytes or None,
    )
