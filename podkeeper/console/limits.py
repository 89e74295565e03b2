"""Which limits will be enforced?

Covers: every limit of a plan in words, in bytes where these are known before anything runs. Pure.
Leaves out: what the limits are at an instant, which moves with what the programs use
(`console.means`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.units import format_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.settings.plan import Plan, Program


def limits(plan: Plan) -> Iterator[str]:
    """Give every limit, one line each."""
    yield from _memory(plan)
    for program in plan.programs:
        yield from _program(plan, program)
    yield from _others(plan)


def _bytes(size_bytes: float) -> str:
    return f"{format_size(size_bytes)} ({size_bytes:.0f} bytes)"


def _memory(plan: Plan) -> Iterator[str]:
    capacity, chosen = plan.memory_capacity_bytes, plan.settings.thresholds
    yield f"memory: {_bytes(plan.memory_budget_bytes)} to plan with, of {_bytes(capacity)}"
    yield (
        f"memory: reclaimed below {_bytes(chosen.memory_soft * capacity)} left, no jobs and a"
        f" restart between jobs below {_bytes(chosen.memory_hard * capacity)}, the largest program"
        f" killed below {_bytes(chosen.memory_critical * capacity)}"
    )


def _program(plan: Plan, program: Program) -> Iterator[str]:
    soft, hard = program.memory_soft_bytes, program.memory_hard_bytes
    if soft is None or hard is None:
        return
    memory = plan.settings.memory
    floor = getattr(memory, f"{program.role}_floor", None)
    floor_bytes = 0 if floor is None else min(floor.of(plan.memory_budget_bytes), hard)
    kept = f"; {_bytes(floor_bytes)} kept for it" if floor_bytes else ""
    yield (
        f"{program.name}: memory soft above {_bytes(soft)}, restarted between jobs above"
        f" {_bytes(hard)}, killed above {_bytes(hard * memory.critical_factor)}{kept}"
    )


def _others(plan: Plan) -> Iterator[str]:
    chosen = plan.settings.thresholds
    yield (
        f"disks: cleaned below {chosen.disk_soft:.0%} left (at most {chosen.disk_most}), no jobs"
        f" below {chosen.disk_hard:.0%}; inodes {chosen.inodes_soft:.0%} and"
        f" {chosen.inodes_hard:.0%}"
    )
    yield (
        f"GPUs: memory reclaimed between jobs below {chosen.vram_soft:.0%} of the card left,"
        f" restarted below {chosen.vram_hard:.0%}"
    )
    yield (
        f"open files: noted below {chosen.open_files_soft:.0%} left, restarted between jobs below"
        f" {chosen.open_files_hard:.0%}"
    )
