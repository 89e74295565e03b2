"""How well is the worker, in the words of those who ask?

Covers: starting, ready or failed for RunPod's load balancer and for Docker; one check per thing
for `/health`. Pure.
Leaves out: pages and status codes (`console.pages`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podkeeper.model.snapshot import ProgramReading, Snapshot


class Phase(StrEnum):
    """What the worker is doing as a whole."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"


def age_s(snapshot: Snapshot, now_monotonic_s: float) -> float:
    """Return how old a snapshot is."""
    return max(0.0, now_monotonic_s - snapshot.taken_monotonic_s)


def phase(snapshot: Snapshot | None, now_monotonic_s: float, max_age_s: float) -> Phase:
    """Return the worker's phase.

    Not being ready is starting as long as it has never been ready, and failed afterwards. A
    snapshot that is too old says that the sensing itself has failed.
    """
    if snapshot is None:
        return Phase.STARTING
    if age_s(snapshot, now_monotonic_s) > max_age_s:
        return Phase.FAILED
    if snapshot.ready:
        return Phase.READY
    return Phase.FAILED if snapshot.been_ready else Phase.STARTING


def _program_status(program: ProgramReading) -> str:
    if program.state in {"FATAL", "EXITED", "BACKOFF", "UNKNOWN"}:
        return "fail"
    if program.state != "RUNNING" or program.ready is False:
        return "warn"
    return "pass"


def _program_check(program: ProgramReading) -> dict[str, Any]:
    return {
        "componentType": "component",
        "observedValue": program.state or "unknown",
        "status": _program_status(program),
        "output": program.readiness_detail or "",
    }


def _memory_check(snapshot: Snapshot) -> dict[str, Any]:
    used_bytes, capacity_bytes = snapshot.memory.working_set_bytes, snapshot.memory.capacity_bytes
    ratio = used_bytes / capacity_bytes if used_bytes is not None and capacity_bytes else None
    return {
        "componentType": "system",
        "observedValue": None if ratio is None else round(ratio, 4),
        "observedUnit": "ratio",
        # What this number means is judged by the keeper; here it is only shown.
        "status": "warn" if ratio is None else "pass",
    }


def report(
    snapshot: Snapshot | None, found: Phase, version: str, now_monotonic_s: float
) -> dict[str, Any]:
    """Return the body of `/health`, in the shape of the expired draft-inadarei-api-health-check-06.

    pass is ready, warn is starting, fail is failed.
    """
    words = {Phase.READY: "pass", Phase.STARTING: "warn", Phase.FAILED: "fail"}
    body: dict[str, Any] = {"status": words[found], "version": version, "description": found.value}
    if snapshot is None:
        return body
    checks: dict[str, Any] = {
        f"{each.name}:state": [_program_check(each)] for each in snapshot.programs
    }
    checks["memory:utilization"] = [_memory_check(snapshot)]
    age = round(age_s(snapshot, now_monotonic_s), 3)
    checks["snapshot:age"] = [
        {"observedValue": age, "observedUnit": "s", "componentType": "system"}
    ]
    return {**body, "checks": checks}
