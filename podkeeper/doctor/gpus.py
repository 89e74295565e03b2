"""Can the GPUs be seen, and is one of them ill?

Covers: the driver's library, and for each GPU whether it answers, its heat, what holds its clocks
down and its memory errors, by the same policy as the keeper's.
Leaves out: what has gone wrong before (`podkeeper incidents`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from podkeeper.doctor.check import Check, bad, doubtful, good
from podkeeper.loops.gpu_rules import gpu_rules
from podkeeper.policy import gpu_states
from podkeeper.policy.gpu_finding import Answer
from podkeeper.probes import nvml
from podkeeper.probes.background import within
from podkeeper.probes.gpus import Gpus
from podkeeper.probes.nvml import Nvml
from podkeeper.units import format_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.doctor.scene import Scene
    from podkeeper.model.gpu import Gpu
    from podkeeper.policy.gpu_states import State

_WHY = "it tells memory, use and errors of the GPUs"
#: What the kernel's module makes, driver's library or not.
_DEVICE = "dev/nvidiactl"
_REPLACE = "replace the worker: a container cannot reset a GPU"
_WHYS = {
    "GPU": "without it no job can be done",
    "heat": "a GPU that slows itself down takes longer for each job",
    "clocks": "a GPU whose clocks are held down takes longer for each job",
    "memory errors": "bad memory ends programs, or spoils pictures",
}
#: Under which of these a state is told, and how it is mended.
_STATES = {
    "lost": ("GPU", _REPLACE),
    "reset": ("GPU", _REPLACE),
    "hot": ("heat", "see to the machine's cooling or lower its power limit, or replace the worker"),
    "braked": ("clocks", "see to the machine's power supply, or replace the worker if it stays so"),
    "remap_pending": ("memory errors", "replace the worker once it is idle: a reset mends it"),
    "remap_failed": ("memory errors", "replace the worker, and tell who rents the machine out"),
}


def gpus(scene: Scene) -> Iterator[Check]:
    """Yield whether the driver can be asked, and what it says of each GPU."""
    if not nvml.library_found():
        yield _absent(scene.root)
        return
    limit_s = scene.settings.watchdog.max_reading_age_s
    door = Nvml(scene.settings.watchdog.gpu_retry_s)
    found = within(Gpus(door, scene.settings.gpu.health_period_s).read, limit_s)
    mend = "run nvidia-smi; if it fails too, start the container anew or replace the worker"
    if found is None:
        seen = door.obstacle or f"the driver does not answer within {limit_s:g} s"
        yield bad("NVML", seen, _WHY, mend)
    elif not found:
        yield doubtful("NVML", "the driver lists no GPU", _WHY, mend)
    else:
        yield good("NVML", f"the driver lists {len(found)}", _WHY)
    for gpu in found or ():
        yield from _gpu(gpu, scene)


def _absent(root: Path) -> Check:
    """Return why there is no library: no GPU, or a container that was not given it."""
    if not (Path(root) / _DEVICE).exists():
        return good("NVML", nvml.ABSENT, _WHY)
    mend = "start the container with NVIDIA_DRIVER_CAPABILITIES=compute,utility"
    return doubtful("NVML", f"there is a GPU, but {nvml.ABSENT}", _WHY, mend)


def _gpu(gpu: Gpu, scene: Scene) -> Iterator[Check]:
    """Yield one line for each topic, or one for each thing that is wrong with it."""
    rules = gpu_rules(scene.settings.gpu).states
    wrong = [each for each in gpu_states.states(gpu, rules) if each.holds]
    for topic, seen in _seen(gpu).items():
        name = f"{topic} {gpu.index}" if topic == "GPU" else f"{topic} of GPU {gpu.index}"
        found = [each for each in wrong if _STATES[each.name][0] == topic]
        for state in found:
            yield _wrong(name, topic, state)
        if not found:
            yield _well(gpu, name, topic, seen, rules)


def _wrong(name: str, topic: str, state: State) -> Check:
    make = bad if state.answer == Answer.REPLACE_WORKER else doubtful
    return make(name, state.sentence, _WHYS[topic], _STATES[state.name][1])


def _well(gpu: Gpu, name: str, topic: str, seen: str, rules: gpu_states.Rules) -> Check:
    """Return what is seen of a topic with which nothing is known to be wrong."""
    if topic == "GPU" and gpu.error is not None:
        return doubtful(name, f"{seen}; it says: {gpu.error}", _WHYS[topic], "run nvidia-smi -q")
    uncorrected = gpu.health.ecc_uncorrected
    if topic == "memory errors" and uncorrected:
        return doubtful(name, seen, _WHYS[topic], "replace the worker if they go on rising")
    if topic == "heat" and gpu.slowdown_margin_celsius is None and gpu.slowdown_celsius is None:
        taken = f"; it does not tell when it slows down, {rules.slowdown_celsius:g} is taken"
        mend = "set gpu.slowdown_celsius to what the GPU's data sheet says"
        return doubtful(name, seen + taken, _WHYS[topic], mend)
    return good(name, seen, _WHYS[topic])


def _seen(gpu: Gpu) -> dict[str, str]:
    """Return what is seen of each topic, in words."""
    used, capacity = (
        "unknown" if each is None else format_size(each)
        for each in (gpu.memory_used_bytes, gpu.memory_capacity_bytes)
    )
    limits, health = gpu.clock_limits, gpu.health
    held = "what holds them down is not told" if limits is None else "nothing holds them down"
    return {
        "GPU": f"{gpu.name or 'of unknown name'}, {used} of {capacity} in use",
        "heat": _heat(gpu),
        "clocks": f"held down by {', '.join(limits)}" if limits else held,
        "memory errors": (
            "it has no ECC, or does not tell"
            if health.ecc_uncorrected is None and health.remap_failed is None
            else f"{_count(health.ecc_corrected)} put right by ECC,"
            f" {_count(health.ecc_uncorrected)} not; no row waits to be replaced"
        ),
    }


def _heat(gpu: Gpu) -> str:
    parts = ["unknown" if gpu.temperature_celsius is None else f"{gpu.temperature_celsius:g} °C"]
    if gpu.slowdown_margin_celsius is not None:
        parts.append(f"{gpu.slowdown_margin_celsius:g} below where it slows itself down")
    elif gpu.slowdown_celsius is not None:
        parts.append(f"it slows itself down at {gpu.slowdown_celsius:g} °C")
    return ", ".join(parts)


def _count(value: int | None) -> str:
    return "unknown" if value is None else str(value)
