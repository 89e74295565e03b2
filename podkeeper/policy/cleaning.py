"""What goes first when a disk is short of room?

Covers: from what was found below the declared folders to what is removed, in which order. Nothing
goes that is of no declared kind, lies outside its folders, is younger than its kind's age, or is
protected because somebody uses it; and no more goes than is needed.
Leaves out: finding and removing it (`podkeeper.actuators.disk`), when a disk is short of room
(`policy.pressure`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file, or a folder that goes whole or not at all."""

    path: str
    kind: str
    #: What its removal gives back: 0 where the same file has another name that stays.
    size_bytes: int
    inodes: int
    #: When it was read or written last, on the wall clock.
    used_at_s: float
    #: By what the finder knows it again; nothing here looks at it.
    mark: tuple[int, ...] = ()


@dataclass(frozen=True)
class Rule:
    """What may go of one kind."""

    kind: str
    #: Absolute paths; only what lies below one of them may go.
    folders: tuple[str, ...]
    #: How long it must have been neither read nor written.
    min_age_s: float


@dataclass(frozen=True)
class Need:
    """What a file system lacks."""

    size_bytes: int = 0
    inodes: int = 0

    @property
    def met(self) -> bool:
        """Whether nothing is lacking."""
        return self.size_bytes <= 0 and self.inodes <= 0

    def less(self, size_bytes: int, inodes: int) -> Need:
        """Return what is still lacking after so much was given back."""
        return Need(self.size_bytes - size_bytes, self.inodes - inodes)

    def is_helped_by(self, each: Candidate) -> bool:
        """Whether a removal would give back any of what is lacking."""
        return (self.size_bytes > 0 and each.size_bytes > 0) or (
            self.inodes > 0 and each.inodes > 0
        )


def _lies_below(path: str, folder: str) -> bool:
    base = folder.rstrip("/") + "/"
    rest = path.removeprefix(base)
    return path.startswith(base) and not {"", ".", ".."} & set(rest.split("/"))


def _upwards(path: str) -> Iterator[str]:
    """Yield a path and every folder above it but the root."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _is_old_enough(rule: Rule, each: Candidate, now_s: float) -> bool:
    # What is dated in the future is young: a clock was set.
    return now_s - each.used_at_s >= rule.min_age_s


def _in_order(
    candidates: Iterable[Candidate], rules: Sequence[Rule], now_s: float
) -> list[Candidate]:
    """Return what its rule lets go: by the rules' order, then by least recent use."""
    places = {rule.kind: place for place, rule in enumerate(rules)}
    allowed = [
        each
        for each in candidates
        if each.kind in places
        and any(_lies_below(each.path, folder) for folder in rules[places[each.kind]].folders)
        and _is_old_enough(rules[places[each.kind]], each, now_s)
    ]
    return sorted(
        allowed,
        key=lambda each: (places[each.kind], each.used_at_s, -each.size_bytes, each.path),
    )


def choose(
    candidates: Iterable[Candidate],
    rules: Sequence[Rule],
    need: Need,
    protected: Collection[str],
    now_s: float,
) -> list[Candidate]:
    """Return what is to be removed, in its order: enough to meet the need, or all that may go.

    A protected path keeps itself, all above it and all below it.
    """
    kept = set(protected)
    kept_above = {folder for path in kept for folder in _upwards(path)}
    chosen = []
    for each in _in_order(candidates, rules, now_s):
        if need.met:
            break
        if each.path in kept_above or not kept.isdisjoint(_upwards(each.path)):
            continue
        if need.is_helped_by(each):
            chosen.append(each)
            need = need.less(each.size_bytes, each.inodes)
    return chosen
