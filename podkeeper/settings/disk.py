"""What may be removed when a disk is short of room?

Covers: the settings and their rules. Pure.
Leaves out: what they come to for one worker (`podkeeper.loops.cleaning`), where room is watched
(`watchdog.disks`) and when it is short (`thresholds`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from podkeeper.settings.kinds import Count, Names, Section, Span, SpanAboveZero

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.settings.schema import Settings

Kind = Literal["temporary", "packages", "outputs", "models"]
KINDS: tuple[Kind, ...] = ("temporary", "packages", "outputs", "models")
#: Folders of the system as a whole, "/" among them, and the WebUI's own, which is the empty one.
_TOO_WIDE = frozenset(
    [
        *("", "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/media", "/mnt"),
        *("/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/usr", "/usr/bin"),
        *("/usr/lib", "/usr/local", "/var", "/var/lib", "/var/run"),
    ]
)


class DiskSettings(Section, frozen=True):
    """What may be removed when a disk is short of room."""

    order: list[Kind]
    temporary: Names
    temporary_min_age_s: Span
    packages: Names
    packages_min_age_s: Span
    outputs: Names
    outputs_min_age_s: Span
    models: Names
    models_min_age_s: Span
    max_candidates: Count
    step_s: SpanAboveZero


def normal(path: str) -> str:
    """Return a path without empty parts and dots."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return ("/" if path.startswith("/") else "") + "/".join(parts)


def _wrong(folder: str) -> str | None:
    if ".." in folder.split("/") or folder.startswith("~") or "\0" in folder:
        return "must be a path without .., ~ and NUL"
    if normal(folder) in _TOO_WIDE:
        return "must be a folder of its own: everything below it may be removed"
    return None


def cleanable(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """Yield what is wrong with the folders that may be cleaned, as `settings.rules` does."""
    disk = settings.disk
    for kind in KINDS:
        for folder in getattr(disk, kind):
            allowed = _wrong(folder)
            if allowed is not None:
                yield f"disk.{kind}", folder, allowed
    if len(set(disk.order)) < len(disk.order):
        yield "disk.order", disk.order, "must name each kind once"
