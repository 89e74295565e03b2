"""Is there room on the disks and for open files, and what could make more?"""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from podkeeper.actuators import cleanable, inuse
from podkeeper.actuators.budget import Budget
from podkeeper.actuators.diskstep import identities
from podkeeper.console.report import Level
from podkeeper.doctor.check import Check, bad, doubtful, good
from podkeeper.doctor.memory import SHARED
from podkeeper.loops.cleaning import kept_by, rules_of
from podkeeper.policy import cleaning, signals
from podkeeper.policy.signals import Shares
from podkeeper.probes import disk as disks
from podkeeper.probes import process
from podkeeper.units import format_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.doctor.scene import Scene
    from podkeeper.model.snapshot import Disk
    from podkeeper.policy.cleaning import Rule
    from podkeeper.policy.pressure import Threshold
    from podkeeper.settings.memory import ThresholdSettings

_ALL = cleaning.Need(1 << 62, 1 << 62)


def _left(free: int, words: str, lines: Threshold) -> Check:
    """Return the check of what is free, by the lines that the worker is judged by."""
    why = "jobs, downloads and records fail where there is none"
    mend = "remove what nobody needs, name it in [disk], or take a larger disk"
    if free < lines.hard or not free:
        return bad("", words, f"{why}; no job is taken", mend)
    return doubtful("", words, why, mend) if free < lines.soft else good("", words, why)


def _judged(found: Disk, chosen: ThresholdSettings) -> Iterator[Check]:
    """Yield a nameless check for bytes and one for inodes, as far as they are known."""
    free, whole = found.available_bytes, found.capacity_bytes
    if free is not None and whole:
        shares = Shares(chosen.disk_soft, chosen.disk_hard, most=chosen.disk_most.of(whole))
        lines = signals.lines(shares, whole, chosen.release_factor, chosen.grace_s)
        yield _left(free, f"{format_size(free)} of {format_size(whole)} free", lines)
    free, whole = found.available_inodes, found.capacity_inodes
    if free is not None and whole:
        shares = Shares(chosen.inodes_soft, chosen.inodes_hard)
        lines = signals.lines(shares, whole, chosen.release_factor, chosen.grace_s)
        yield _left(free, f"{free} of {whole} inodes free", lines)


def _room(found: Disk, chosen: ThresholdSettings) -> Check:
    """Return the worse of both, with what is free of both."""
    name = f"room on {found.path}"
    checks = list(_judged(found, chosen))
    if not checks:
        why = "nobody will know when it is full"
        return doubtful(name, "it does not tell", why, "see whether its mount still answers")
    worst = max(checks, key=lambda each: Level[each.level.upper()])
    return msgspec.structs.replace(worst, name=name, seen=", ".join(each.seen for each in checks))


def mounts(scene: Scene) -> Iterator[Check]:
    """Yield the room of each file system that matters but shared memory, which is no disk."""
    paths = [path for path in scene.settings.watchdog.disks if path != SHARED]
    for found in disks.disks(paths, scene.root):
        yield _room(found, scene.settings.thresholds)


def _directory(scene: Scene) -> str:
    """Return the folder the WebUI is started in."""
    if scene.plan is not None:
        return scene.plan.of_role("webui")[0].directory
    return str(Path.cwd() / scene.settings.webui.directory)


def _cleaning(scene: Scene, rule: Rule, in_use: inuse.InUse) -> Check:
    name, why = f"cleaning of {rule.kind}", "it is what makes room before jobs fail for want of it"
    chosen = scene.settings.disk
    kept = identities(kept_by(scene.plan) if scene.plan is not None else [])
    budget = Budget(chosen.max_candidates, time.monotonic() + chosen.step_s)
    found = cleanable.find(rule, in_use, budget, kept=kept)
    going = cleaning.choose(found.candidates, [rule], _ALL, found.protected, time.time())
    size = format_size(sum(each.size_bytes for each in going))
    there = [folder for folder in rule.folders if Path(folder).is_dir()]
    seen = f"{len(going)} entries of {size} may go now, {len(found.protected)} are in use"
    seen = f"{'at least ' if budget.spent else ''}{seen}; below {', '.join(there)}"
    if found.faults:
        first = found.faults[0]
        mend = "make it the worker's own, or take it out of [disk]"
        return doubtful(name, f"{seen}; {first.path}: {first.why}", why, mend)
    missing = f"none of {', '.join(rule.folders)} is there"
    return good(name, seen if there else missing, why)


def cleanings(scene: Scene) -> Iterator[Check]:
    """Yield what could be removed of each kind, removing nothing."""
    rules = rules_of(scene.settings.disk, _directory(scene))
    if not rules:
        yield good(
            "cleaning", "nothing may be removed", "[disk] says what may be, when room is short"
        )
        return
    in_use = inuse.look()
    for rule in rules:
        yield _cleaning(scene, rule, in_use)


def open_files(scene: Scene) -> Iterator[Check]:
    """Yield how many files may be open, before a start and of each program that runs."""
    why = "a program that can open no more files answers nobody and fails its jobs"
    wanted, hard = scene.settings.worker.open_files, resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    name, seen = "open files", f"up to {hard} here, {wanted} wanted"
    mend = "raise the limit (docker run --ulimit nofile=65536), or lower worker.open_files"
    enough = hard >= wanted or hard == resource.RLIM_INFINITY
    yield good(name, seen, why) if enough else bad(name, seen, why, mend)
    for program, pid in scene.running:
        limit = process.open_files_limit_of(pid, scene.root)
        opened = [process.open_files_of(each, scene.root) for each in scene.families[program.name]]
        most = max((count for count in opened if count is not None), default=None)
        name = f"open files of {program.name}"
        if limit is None or most is None:
            mend = "run podkeeper doctor as the worker's own user, or as root"
            yield doubtful(name, "may not be seen by this user", why, mend)
        elif limit - most < scene.settings.thresholds.open_files_soft * limit:
            mend = f"raise {program.role}.open_files or worker.open_files, and see what it opens"
            yield doubtful(name, f"{most} of {limit}", why, mend)
        else:
            yield good(name, f"{most} of {limit}", why)
