"""What is done for a job that ran out of memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning_strategies import LIMITS, TABLE, estimators, exactly, workloads

from podkeeper.policy import oom_signs
from podkeeper.policy.batch_plan import Allowed
from podkeeper.policy.course import Course
from podkeeper.policy.oom_ladder import DEGRADING, Permissions, Step, next_step
from podkeeper.policy.oom_signs import Trouble
from podkeeper.policy.vram_cost import Decoder, Workload

if TYPE_CHECKING:
    from podkeeper.policy.estimate import Estimator

RULES = TABLE.ladder
PERMISSIONS = st.builds(
    Permissions,
    job=st.builds(Allowed, split=st.booleans(), degrade=st.booleans()),
    restart=st.booleans(),
    sure=st.booleans(),
)
ALL = Permissions(Allowed(split=True, degrade=True), restart=True)
NONE = Permissions(Allowed(split=False, degrade=False), restart=False)
WORK = Workload(512, 512, batch=4, hires=(1024, 1024))


def climbed(
    work: Workload, may: Permissions, *, trouble: Trouble = Trouble.VRAM
) -> tuple[list[Step], Course]:
    """Return the steps of a job that fails every time, and its course then."""
    course, steps = Course(work.batch, work), []
    while (step := next_step(course.steps, trouble, course.work, may, RULES)) is not Step.FAIL:
        steps.append(step)
        course = course.after(step, None, None, RULES.smaller_ratio)
    return steps, course


def test_the_rungs_come_in_the_order_of_their_cost() -> None:
    """With everything allowed, a job that never fits climbs all of them."""
    steps, course = climbed(WORK, ALL)
    assert steps == [
        Step.RETRY,
        Step.HALVE,
        Step.HALVE,
        Step.APART,
        Step.APPROXIMATE,
        Step.SHRINK,
        Step.RELOAD,
        Step.RESTART,
    ]
    assert course.work == replace(
        WORK, batch=1, together=False, decoder=Decoder.TINY, hires=(768, 768)
    )


def test_what_is_not_allowed_is_not_done() -> None:
    """A job that may neither be cut nor degraded, on a WebUI nobody restarts, has three rungs."""
    steps, course = climbed(WORK, NONE)
    assert steps == [Step.RETRY, Step.APART, Step.RELOAD]
    assert course.work.batch == WORK.batch


def test_a_job_tried_in_doubt_costs_no_restart() -> None:
    """That it ran out is no sign of something wrong; only a broken context still is."""
    may = replace(ALL, sure=False)
    steps, _ = climbed(WORK, may)
    assert steps[-1] is Step.RELOAD
    assert climbed(WORK, may, trouble=Trouble.STICKY)[0] == [Step.RESTART]


@pytest.mark.parametrize(
    ("trouble", "wanted"),
    [
        (Trouble.STICKY, [Step.RESTART]),
        (Trouble.UNLOADED, [Step.RELOAD]),
        (Trouble.RAM, [Step.RETRY]),
    ],
)
def test_other_troubles_are_answered_by_what_helps_them(
    trouble: Trouble, wanted: list[Step]
) -> None:
    """Only a broken CUDA context is restarted, at once; a smaller batch helps none of these."""
    assert climbed(WORK, ALL, trouble=trouble)[0] == wanted
    assert next_step((Step.RESTART,), trouble, WORK, NONE, RULES) in (Step.FAIL, *wanted)


@given(workloads(), PERMISSIONS, st.lists(st.sampled_from(Trouble), max_size=30))
def test_every_ladder_ends(work: Workload, may: Permissions, troubles: list[Trouble]) -> None:
    """Whatever a job fails with, it is given up after the declared number of steps."""
    course, step = Course(work.batch, work), Step.RETRY
    for trouble in [*troubles, *[Trouble.VRAM] * RULES.most_steps, Trouble.VRAM]:
        step = next_step(course.steps, trouble, course.work, may, RULES)
        if step is Step.FAIL:
            break
        course = course.after(step, None, None, RULES.smaller_ratio)
    assert step is Step.FAIL
    assert len(course.steps) <= RULES.most_steps
    once = [each for each in course.steps if each is not Step.HALVE]
    assert len(once) == len(set(once))


@given(workloads(), PERMISSIONS)
def test_a_ladder_keeps_to_its_permissions(work: Workload, may: Permissions) -> None:
    """No degrading, cutting or restarting step is taken where it is not allowed."""
    steps, _ = climbed(work, may)
    assert may.job.degrade or not set(DEGRADING) & set(steps)
    assert may.job.split or Step.HALVE not in steps
    assert may.restart or Step.RESTART not in steps


@given(estimators(), workloads(), LIMITS)
def test_halving_goes_at_least_to_the_half(
    estimator: Estimator, work: Workload, limit_bytes: float
) -> None:
    """And further where by what is known now the half would hardly fit."""
    course = Course(work.batch, work)
    after = course.after(Step.HALVE, estimator, limit_bytes, RULES.smaller_ratio)
    assert 1 <= after.work.batch <= max(1, work.batch // 2)
    half = replace(work, batch=max(1, work.batch // 2))
    assert (after.work.batch == half.batch) == (
        half.batch == 1 or estimator.fits(half, limit_bytes)
    )


def test_a_course_goes_on_where_it_was() -> None:
    """What is made is not made again, in whatever form the rest is made."""
    course = Course(7, Workload(512, 512, batch=3))
    first = course.portion()
    assert (first.batch, first.iterations) == (3, 2)
    course = course.made(first).after(Step.HALVE, exactly(), 0.0, RULES.smaller_ratio)
    rest = course.portion()
    assert (rest.first, rest.count) == (6, 1)
    assert course.made(rest).finished
    assert course.made(rest).requests == 2


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("OutOfMemoryError: CUDA out of memory. Tried to allocate 2.25 GiB", Trouble.VRAM),
        ("RuntimeError: CUDA error: out of memory", Trouble.VRAM),
        ("Not enough memory, use lower resolution (max approx. 512x512)", Trouble.VRAM),
        ("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate", Trouble.VRAM),
        ("cuDNN error: CUDNN_STATUS_ALLOC_FAILED", Trouble.VRAM),
        ("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR", Trouble.VRAM),
        ("cuDNN error: CUDNN_STATUS_NOT_INITIALIZED", Trouble.VRAM),
        ("torch.AcceleratorError: CUDA error: out of memory", Trouble.VRAM),
        ("MemoryError: ", Trouble.RAM),
        ("DefaultCPUAllocator: can't allocate memory", Trouble.RAM),
        ("DefaultCPUAllocator: not enough memory: you tried to allocate 3 bytes", Trouble.RAM),
        ("OSError: [Errno 12] Cannot allocate memory", Trouble.RAM),
        ("CUDA error: an illegal memory access was encountered", Trouble.STICKY),
        ("CUDA error: device-side assert triggered", Trouble.STICKY),
        ("CUDA error: unspecified launch failure", Trouble.STICKY),
        ("CUDA driver error: unknown error", Trouble.STICKY),
        ("uncorrectable ECC error encountered", Trouble.STICKY),
        ("AttributeError: 'NoneType' object has no attribute 'set_sigma'", Trouble.UNLOADED),
        ("Expected all tensors to be on the same device, but found two", Trouble.UNLOADED),
        ("NansException: A tensor with NaNs was produced in Unet.", None),
        ("ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)", None),
        ("Internal Server Error", None),
    ],
)
def test_each_failure_of_memory_is_known_by_its_words(text: str, wanted: Trouble | None) -> None:
    """The words of torch, its libraries, the attention code and the host are told apart."""
    assert oom_signs.of_words(text) == wanted


@pytest.mark.parametrize(
    ("said", "before", "after", "wanted"),
    [
        (None, 3, 4, Trouble.VRAM),
        (None, 3, 3, None),
        (None, 3, 0, None),
        (None, None, 4, None),
        (None, 3, None, None),
        (Trouble.STICKY, 3, 4, Trouble.STICKY),
    ],
)
def test_torchs_own_count_tells_what_the_words_hide(
    said: Trouble | None, before: int | None, after: int | None, wanted: Trouble | None
) -> None:
    """A count that rose is an out-of-memory; a fallen or unknown one proves nothing."""
    assert oom_signs.of_count(said, before, after) == wanted
