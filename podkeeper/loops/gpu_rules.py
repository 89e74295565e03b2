"""Which rules of the policy hold for the GPUs?

Pure: from settings to rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.policy import fragmentation, gpu, gpu_states, vram, xid
from podkeeper.policy.gpu_finding import Answer

if TYPE_CHECKING:
    from podkeeper.settings.gpu import GpuSettings


def answer(word: str) -> Answer:
    """Return what a setting's word calls for."""
    return Answer[word.upper()]


def _xids(chosen: GpuSettings) -> xid.Rules:
    answers: dict[int, Answer | None] = {
        **dict.fromkeys(chosen.xid_ignore),
        **dict.fromkeys(chosen.xid_note, Answer.NOTE),
        **dict.fromkeys(chosen.xid_restart, Answer.RESTART_PROGRAM),
        **dict.fromkeys(chosen.xid_replace, Answer.REPLACE_WORKER),
    }
    return xid.Rules(
        answers=answers,
        settle_s=chosen.xid_settle_s,
        repeats=chosen.xid_repeats,
        repeat_window_s=chosen.xid_repeat_window_s,
    )


def gpu_rules(chosen: GpuSettings) -> gpu.Rules:
    """Return when something is wrong with a GPU."""
    states = gpu_states.Rules(
        lost_grace_s=chosen.lost_grace_s,
        slowdown_celsius=chosen.slowdown_celsius,
        hot_margin_celsius=chosen.hot_margin_celsius,
        hot_release_celsius=chosen.hot_release_celsius,
        hot_grace_s=chosen.hot_grace_s,
        power_brake_grace_s=chosen.power_brake_grace_s,
        remap_failure=answer(chosen.remap_failure_answer),
    )
    return gpu.Rules(states=states, xids=_xids(chosen), ecc=answer(chosen.ecc_answer))


def vram_rules(chosen: GpuSettings) -> vram.Rules:
    """Return how much of a dead WebUI's GPU memory must come back, and by when."""
    return vram.Rules(
        baseline_bytes=chosen.vram_baseline_bytes or None,
        idle_bytes=chosen.vram_idle_bytes,
        slack_bytes=chosen.vram_slack_bytes,
        wait_s=chosen.vram_wait_s,
        answer=answer(chosen.vram_orphan_answer),
    )


def fragmentation_rules(chosen: GpuSettings) -> fragmentation.Rules:
    """Return how many retries to allocate GPU memory are too many."""
    return fragmentation.Rules(
        jobs=chosen.vram_retry_jobs, retries_per_job=chosen.vram_retries_per_job
    )
