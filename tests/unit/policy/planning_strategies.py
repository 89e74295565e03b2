"""Jobs, cards and what is known of them, for the tests of planning by memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from podkeeper.policy import calibration
from podkeeper.policy.calibration import Calibration, Measured
from podkeeper.policy.estimate import Estimator
from podkeeper.policy.vram_cost import Decoder, Server, Workload, model_of
from podkeeper.settings import vram

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLE = vram.read()
RULES = TABLE.calibration
MIB = float(1 << 20)
GIB = float(1 << 30)

SIDES = st.integers(8, 256).map(lambda each: each * 8)
SIZES = st.tuples(SIDES, SIDES)


@st.composite
def workloads(draw: st.DrawFn) -> Workload:
    """Draw any job."""
    width, height = draw(SIZES)
    return Workload(
        width,
        height,
        batch=draw(st.integers(1, 16)),
        hires=draw(st.none() | SIZES.map(lambda size: (size[0] + width, size[1] + height))),
        encodes=draw(st.booleans()),
        hires_encodes=draw(st.booleans()),
        controlnets=draw(st.integers(0, 3)),
        loras=draw(st.integers(0, 3)),
        together=draw(st.booleans()),
        decoder=draw(st.sampled_from(Decoder)),
    )


SERVERS = st.builds(
    Server,
    attention=st.sampled_from(["sdp", "xformers", "doggettx"]),
    half=st.booleans(),
    half_vae=st.booleans(),
    medvram=st.booleans(),
)
MODELS = st.builds(
    lambda family, server: model_of(TABLE, family, server),
    st.sampled_from(sorted(TABLE.family)),
    SERVERS,
)
LIMITS = st.floats(1, 48).map(lambda gib: gib * GIB)

#: What happens to a worker: a job, and how far its peak is from the estimate.
HAPPENINGS = st.lists(
    st.tuples(
        workloads(), st.floats(0.2, 4), st.sampled_from(["exact", "record", "overflow", "given_up"])
    ),
    max_size=6,
)


def taught(
    estimator: Estimator, happenings: Sequence[tuple[Workload, float, str]], limit_bytes: float
) -> Estimator:
    """Return an estimator after all that has happened."""
    for work, ratio, kind in happenings:
        if kind == "overflow":
            estimator = estimator.overflowed(work, limit_bytes)
        elif kind == "given_up":
            estimator = estimator.given_up(work)
        else:
            peak = min(limit_bytes, estimator.point_bytes(work) * ratio)
            measured = Measured(peak, exact=kind == "exact")
            estimator = estimator.fitted(work, measured, int(limit_bytes))
    return estimator


@st.composite
def estimators(draw: st.DrawFn) -> Estimator:
    """Draw an estimator that has lived."""
    fresh = Estimator(draw(MODELS), calibration.cold(RULES), RULES)
    return taught(fresh, draw(HAPPENINGS), draw(LIMITS))


def fresh(family: str = "sd15", server: Server | None = None) -> Estimator:
    """Return an estimator that knows the table alone."""
    return Estimator(model_of(TABLE, family, server or Server()), calibration.cold(RULES), RULES)


def exactly(family: str = "sd15", server: Server | None = None, margin: float = 1.0) -> Estimator:
    """Return an estimator that takes the table's constants for the truth."""
    certain = ((0.0,) * 4,) * 4
    state = Calibration((1.0,) * 4, certain, (margin,) * RULES.window, RULES.window)
    return replace(fresh(family, server), state=state)
