"""What must hold after a campaign, and what does not?

Covers: jobs as the platform tells them and incidents as the ledger does, each as complaints in
words. Pure.
Leaves out: gathering them (`campaign`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from podkeeper.model.incident import Incident

#: Events of the platform's history that end a job.
_ENDS = ("done", "cancelled", "timed_out", "gave_up", "expired")
_GOOD_ENDS = ("COMPLETED", "FAILED")


@dataclass(frozen=True)
class Blow:
    """One signal that reached one process."""

    program: str
    pid: int
    signal: str
    #: Whether an incident must tell of it: not where an operator was stopping the program.
    tells: bool


def judge_jobs(jobs: Sequence[dict[str, Any]], acknowledged: Iterable[str]) -> list[str]:
    """Return what is wrong with the jobs: each must have ended once, and well or with an error."""
    known = {str(job["id"]) for job in jobs}
    lost = [f"job {each} was accepted and is not known" for each in set(acknowledged) - known]
    return lost + [said for job in jobs for said in _judge_job(job)]


def _judge_job(job: dict[str, Any]) -> list[str]:
    kinds = [str(each["kind"]) for each in job["events"]]
    ends = [kind for kind in kinds if kind in _ENDS]
    story = " ".join(kind for kind in kinds if kind != "progress")
    if job["status"] not in _GOOD_ENDS:
        return [f"job {job['id']} is {job['status']}: {story}"]
    if len(ends) != 1:
        return [f"job {job['id']} has ended {len(ends)} times: {story}"]
    return []


def count_jobs(jobs: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Return the jobs by how they ended, and how often anything unusual happened to them."""
    counts = Counter(str(job["status"]) for job in jobs)
    unusual = ("requeued", "granted_again", "duplicate", "gave_up", "late_progress")
    counts.update(
        str(each["kind"]) for job in jobs for each in job["events"] if each["kind"] in unusual
    )
    return dict(sorted(counts.items()))


def _explains(incident: Incident, blow: Blow) -> bool:
    """Return whether an incident names the blow's process and what the blow does to it."""
    if (incident.program, incident.pid) != (blow.program, blow.pid):
        return False
    if blow.signal == "SIGSTOP":
        return incident.cause in ("silent", "hang")
    told = incident.cause == "signal" and blow.signal in incident.sentence
    # A program may end by itself, with a code of its own, when it is asked to.
    return told or (blow.signal == "SIGTERM" and incident.cause == "exit")


def judge_blow(blow: Blow, incidents: Sequence[Incident]) -> str | None:
    """Return what is wrong with how a blow was written down, or None."""
    own = [each for each in incidents if (each.program, each.pid) == (blow.program, blow.pid)]
    if any(_explains(each, blow) for each in own) or (not blow.tells and not own):
        return None
    found = ", ".join(f"{each.cause}: {each.sentence}" for each in own) or "none"
    return f"{blow.signal} to {blow.program} (pid {blow.pid}) has no incident of its own: {found}"


def judge_incidents(blows: Sequence[Blow], incidents: Sequence[Incident]) -> list[str]:
    """Return what is wrong with the incidents: one for each blow that killed, closed, no other."""
    missing = [said for said in (judge_blow(each, incidents) for each in blows) if said]
    struck = Counter((each.program, each.pid) for each in incidents)
    dealt = {(each.program, each.pid) for each in blows}
    strange = [
        f"incident {each.id} is of no fault: {each.program} (pid {each.pid}) {each.sentence}"
        for each in incidents
        if (each.program, each.pid) not in dealt
    ]
    open_ones = [f"incident {each.id} is open" for each in incidents if each.closed_at_s is None]
    twice = [f"{count} incidents of {each}" for each, count in struck.items() if count > 1]
    return missing + strange + open_ones + twice
