"""What happened in an incident, in an operator's words?

What was seen, by which rule it was decided, what was done, how long it took.

Pure: from the incident's fields to text. Leaves out: the table of incidents (`console.text`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.console.text import evidence_value, instant
from podkeeper.policy.cause import Cause
from podkeeper.units import format_size, format_span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.model.incident import Incident

_ENDED = (
    "A program that ends without having been asked to is started again: at once the first time,"
    " then after growing waits, until its budget is spent (restart.*)."
)
_CALM = " No further deed is done to it for memory.cooldown_s."
_RULES = {
    Cause.KERNEL_OOM: (
        "The kernel's count of out-of-memory kills rose with this death, so the kernel did it. "
        + _ENDED
    ),
    Cause.MEMORY_SOFT: (
        "Above its soft limit for longer than memory.soft_grace_s, a program is noted and asked to"
        " give back what it does not need, a few times (memory.reclaims); it is restarted between"
        " two jobs only if nothing would be left within memory.foresight_s. It is over once it"
        " falls below memory.release_ratio of the limit."
    ),
    Cause.MEMORY_HARD: (
        "Above its hard limit no further job is taken and a program is asked to give back what it"
        " does not need; where that does not help it is restarted as soon as it has no job in hand,"
        " or after memory.drain_wait_s. Above memory.critical_factor of the limit it is killed at"
        " once; where its limit is lower only because memory is kept free for others, once it takes"
        " what they really hold." + _CALM
    ),
    Cause.CONTAINER_MEMORY: (
        "Where less of the container's memory is left than thresholds.memory_hard, the largest"
        " program whose end would help is restarted between jobs; below thresholds.memory_critical"
        " it is killed at once. Where no program's end would help, jobs are held back." + _CALM
    ),
    Cause.LEAK: (
        "What it keeps after its jobs has surely grown by more than leak.growth_bytes, and still"
        " grows. It is restarted between two jobs once the soft limit will be passed within"
        " leak.recycle_jobs jobs; a restart is all that helps."
    ),
    Cause.VRAM: (
        "Between two jobs, a GPU with less memory left than thresholds.vram_soft is relieved by"
        " reclaiming; below thresholds.vram_hard its WebUI is restarted when that did not help."
        + _CALM
    ),
    Cause.DISK_LOW: (
        "Below thresholds.disk_soft what is declared as cleanable goes; below thresholds.disk_hard"
        " no further job is taken until there is room again."
    ),
    Cause.INODES_LOW: (
        "Below thresholds.inodes_soft what is declared as cleanable goes; below"
        " thresholds.inodes_hard no further job is taken until there is room again."
    ),
    Cause.OPEN_FILES: (
        "A program that can open fewer further files than thresholds.open_files_hard of its limit"
        " is restarted as soon as it has no job in hand." + _CALM
    ),
    Cause.STARTUP_FAILED: (
        "A program that is not ready when webui.startup_deadline_s has passed since its start is"
        " taken down and started again."
    ),
    Cause.SILENT: (
        "A watcher that runs but shows no sign of life for its silence setting is killed and"
        " started again (keeper.watchdog_silence_s, keeper.silence_s)."
    ),
    Cause.HANG: (
        "What is known of it stood still for webui.stall_s with a job in hand, or it answered no"
        " probe while idle, or its process was stopped: then it is taken down, killed if need be,"
        " and started again; the job runs once more."
    ),
    Cause.PORT_TAKEN: (
        "Its last lines name a port that somebody else has. " + _ENDED + " Change the port, or end"
        " what listens there (podkeeper doctor lists the ports)."
    ),
    Cause.DISK_FULL: (
        "Its last lines name a full disk. " + _ENDED + " Free some room, or give it a larger disk."
    ),
    Cause.GPU_ERROR: (
        "Its last lines name a fault of the GPU or its driver. " + _ENDED + " If it comes back,"
        " look at nvidia-smi and replace the worker."
    ),
    Cause.GPU_LOST: (
        "A GPU that its driver has lost for gpu.lost_grace_s, or does not list any more, comes back"
        " only with another machine: the worker is to be replaced."
    ),
    Cause.GPU_RESET: (
        "Its driver says that only a reset helps, which a container cannot do: the worker is to be"
        " replaced."
    ),
    Cause.GPU_XID: (
        "NVIDIA's catalogue says what an error (XID) calls for: nothing, a restart of the programs"
        " on the GPU, or another worker. gpu.xid_* change that; restarts that come back"
        " (gpu.xid_repeats) call for another worker."
    ),
    Cause.GPU_ECC: (
        "Memory errors that ECC could not put right are answered by gpu.ecc_answer, a row that"
        " could not be replaced by gpu.remap_failure_answer; a row that waits for a reset is noted."
    ),
    Cause.GPU_HOT: (
        "A GPU that has been within gpu.hot_margin_celsius of slowing itself down for"
        " gpu.hot_grace_s, or slowed down by heat, is noted: jobs take longer. It is over once it"
        " is gpu.hot_release_celsius away."
    ),
    Cause.GPU_POWER: (
        "A GPU that its power supply has slowed down for gpu.power_brake_grace_s is noted: jobs"
        " take much longer. If it stays so, replace the worker."
    ),
    Cause.VRAM_ORPHAN: (
        "After a WebUI's end its GPU memory must come back within gpu.vram_wait_s, to"
        " gpu.vram_slack_bytes above what was in use without it; what does not is held by a process"
        " that nobody sees, or by the driver. gpu.vram_orphan_answer says what is done."
    ),
    Cause.VRAM_FRAGMENTED: (
        "The WebUI has to try again and again to allocate GPU memory, more often from job to job"
        " (gpu.vram_retries_per_job): what is free lies in pieces. It is noted; a restart of the"
        " WebUI joins them."
    ),
    Cause.RAM_OOM: (
        "It could not allocate memory and left by itself. " + _ENDED + " Lower what a job may ask"
        " for, or give the container more."
    ),
    Cause.BROKEN_INSTALL: (
        "Its last lines name something that is not installed. " + _ENDED + " Restarting will not"
        " mend it: mend the image, or the command (webui.command, handler.command)."
    ),
    Cause.SPAWN_FAILED: "supervisord could not start it. " + _ENDED,
    Cause.UNKNOWN: "It should run and did not, and nobody reported its death. " + _ENDED,
}
_DEEDS = {
    "start": "started it",
    "take_down": "asked it to stop",
    "kill": "killed it",
    "give_up": "gave up on it",
    "reclaim": "asked for what nobody needs",
    "pause": "held jobs back",
    "restart": "asked for its restart between jobs",
    "end": "ended the worker",
}
_LINES_SHOWN = 5


def rule(cause: str) -> str:
    """Return the rule by which an incident of a cause is answered."""
    return next((text for each, text in _RULES.items() if each == cause), _ENDED)


def explain(incident: Incident) -> str:
    """Return the story of an incident, a few short paragraphs."""
    return "\n".join(_lines(incident))


def _lines(incident: Incident) -> Iterator[str]:
    who = incident.program + (f" (pid {incident.pid})" if incident.pid else "")
    yield f"Incident {incident.id}: {who} {incident.sentence}."
    yield f"Seen      {instant(incident.opened_at_s)}, cause {incident.cause}."
    for fact in _facts(incident):
        yield f"          {fact}"
    yield f"Rule      {rule(incident.cause)}"
    yield from _done(incident)
    yield _end(incident)


def _facts(incident: Incident) -> Iterator[str]:
    evidence = dict(incident.evidence)
    before, after = evidence.pop("oom_kills_before", None), evidence.pop("oom_kills_after", None)
    last_lines = evidence.pop("last_lines", None)
    used = evidence.pop("container_working_set_bytes", None)
    capacity = evidence.pop("container_capacity_bytes", None)
    jobs = evidence.pop("jobs_in_hand", None)
    for name, value in evidence.items():
        if value is not None:
            label = name.removesuffix("_bytes").removesuffix("_s").replace("_", " ")
            yield f"{label}: {evidence_value(name, value)}"
    if isinstance(used, int) and isinstance(capacity, int):
        yield f"container memory: {format_size(used)} of {format_size(capacity)}"
    if isinstance(jobs, list):
        yield f"jobs in hand: {'; '.join(map(str, jobs)) or 'none'}"
    if isinstance(before, int) and isinstance(after, int) and after > before:
        yield f"out-of-memory kills by the kernel: {after - before}"
    if isinstance(last_lines, list) and last_lines:
        yield "it wrote last:"
        yield from (f"  {line}" for line in last_lines[-_LINES_SHOWN:])


def _done(incident: Incident) -> Iterator[str]:
    if not incident.actions:
        yield "Done      nothing"
    for number, action in enumerate(incident.actions):
        after = format_span(max(0.0, action.at_s - incident.opened_at_s))
        did = _DEEDS.get(action.deed, action.deed)
        yield f"{'' if number else 'Done':10}after {after}: {did} ({action.outcome})"


def _end(incident: Incident) -> str:
    if incident.recovery_s is None:
        return "Took      still open: it is not back"
    return f"Took      {format_span(incident.recovery_s)} until it was back"
