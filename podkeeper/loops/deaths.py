"""What is written down of a death?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from podkeeper.model.incident import Episode
from podkeeper.policy import cause, symptoms
from podkeeper.policy.cause import Cause, End, Explanation

if TYPE_CHECKING:
    from podkeeper.loops.sight import Sight
    from podkeeper.model.work import JobInHand
    from podkeeper.policy.duty import Record
    from podkeeper.supervisord import Death


def explain(
    death: Death, record: Record, oom_kills_before: int | None, oom_kills_after: int | None
) -> Explanation:
    """Return why a program's process ended, given what the keeper was doing to it."""
    own_cause = Cause(death.own_cause) if death.own_cause else record.taking_down
    why = cause.explain(
        End(
            exit_code=death.exit_code,
            signal=death.signal,
            dumped_core=death.dumped_core,
            oom_kills_before=oom_kills_before,
            oom_kills_after=oom_kills_after,
            own_cause=own_cause,
        )
    )
    return symptoms.refine(why, death.last_lines)


def episode(death: Death, why: Explanation, run_id: str, born_s: float | None) -> Episode:
    """Return the life that ended, for the ledger."""
    lived_s = None if born_s is None else max(0.0, death.at_monotonic_s - born_s)
    asked = death.stop_requested and why.cause in (Cause.SIGNAL, Cause.EXIT)
    return Episode(
        run_id=run_id,
        program=death.program,
        pid=death.pid,
        started_at_s=None if lived_s is None else death.at_s - lived_s,
        ended_at_s=death.at_s,
        exit_code=death.exit_code,
        signal=death.signal,
        peak_rss_bytes=death.peak_rss_bytes,
        cause="stop_requested" if asked else why.cause,
    )


def evidence(
    sight: Sight, program: str, oom_kills_before: int | None, oom_kills_after: int | None
) -> dict[str, Any]:
    """Return the readings around an incident; None where there was no reading."""
    snapshot = sight.snapshot
    reading = snapshot.program(program) if snapshot is not None else None
    memory = snapshot.memory if snapshot is not None else None
    return {
        "program_memory_bytes": reading.memory_bytes if reading else None,
        "program_rss_bytes": reading.rss_bytes if reading else None,
        "program_processes": reading.processes if reading else None,
        "container_working_set_bytes": memory.working_set_bytes if memory else None,
        "container_capacity_bytes": memory.capacity_bytes if memory else None,
        "oom_kills_before": oom_kills_before,
        "oom_kills_after": oom_kills_after,
        "snapshot_age_s": round(sight.now_s - snapshot.taken_monotonic_s, 3) if snapshot else None,
        "jobs_in_hand": _jobs(sight),
    }


def _jobs(sight: Sight) -> list[str] | None:
    """Return what ran in the worker, as the handler told last; None where it told nothing."""
    return None if sight.work is None else [_job_in_words(each) for each in sight.work.jobs]


def _job_in_words(job: JobInHand) -> str:
    far = "" if job.progress_ratio is None else f" {job.progress_ratio:.0%}"
    return f"{job.id} {job.phase}{far}{f' at {job.webui}' if job.webui else ''}"
