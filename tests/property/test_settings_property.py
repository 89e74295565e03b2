"""Whatever the environment holds, settings load or are refused; quantities survive their texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from podkeeper import units
from podkeeper.errors import SettingsError
from podkeeper.settings import plan as plans
from podkeeper.settings.load import Source, load
from podkeeper.settings.programs import Surroundings, make_plan
from podkeeper.settings.schema import leaf_types, sections

AROUND = Surroundings(
    python="/usr/bin/python3",
    directory="/srv/worker",
    runtime_dir=Path("/run/podkeeper"),
    state_dir=Path("/var/lib/podkeeper"),
    memory_capacity_bytes=16 << 30,
    platform_named=False,
    version="1.2.3",
    run_id="run-1",
    made_at_s=1_700_000_000.0,
)
VARIABLES = st.sampled_from(
    [f"PODKEEPER_{path.upper().replace('.', '__')}" for path in leaf_types()]
)
# Any characters a variable can hold, bytes that are no UTF-8 among them.
CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=()).filter(
    lambda c: not "\ud800" <= c <= "\udbff"
)
VALUES = (
    st.text(CHARACTERS, max_size=20)
    | st.sampled_from(["", "0", "-1", "1e400", "9" * 400, "NaN", "[", "{}", "[1]", "0%", "100%"])
    | st.integers().map(str)
    | st.floats().map(str)
)
NAMES = (
    VARIABLES
    | st.builds(str.__add__, VARIABLES, st.sampled_from(["__X", "__", "_FILE", "__X__FILE"]))
    | st.text(CHARACTERS, min_size=1, max_size=12).map(lambda text: f"PODKEEPER_{text}")
)


@given(environ=st.dictionaries(NAMES, VALUES, max_size=5))
@hypothesis_settings(deadline=None, max_examples=300)
def test_any_environment_loads_or_is_refused(environ: dict[str, str]) -> None:
    """Nothing but a SettingsError comes out, and a plan of what loads survives its file."""
    try:
        loaded = load(Source(environ=environ))
        plan = make_plan(loaded.settings, AROUND)
    except SettingsError:
        return
    assert set(leaf_types()) <= set(loaded.origins)
    assert plans.parse(plans.dump(plan)) == plan


@given(size_bytes=st.integers(0, 2**50))
def test_a_size_survives_its_text_within_rounding(size_bytes: int) -> None:
    """What is shown of a size can be set again and means the same to four figures."""
    again = units.parse_size(units.format_size(size_bytes))
    assert again == pytest.approx(size_bytes, rel=1e-3, abs=0.5)


@given(size_bytes=st.integers(0, 2**62))
def test_a_number_of_bytes_is_itself(size_bytes: int) -> None:
    """A plain number loses nothing."""
    assert units.parse_size(str(size_bytes)) == size_bytes


@given(span_s=st.floats(0, 59))
def test_a_span_below_a_minute_survives_its_text_within_rounding(span_s: float) -> None:
    """What is shown of a short span can be set again and means the same to three figures."""
    again = units.parse_span(units.format_span(span_s))
    assert again == pytest.approx(span_s, rel=1e-2, abs=1e-3)


@given(span_s=st.floats(60, 1e7))
def test_a_long_span_is_shown_in_two_units(span_s: float) -> None:
    """The sum of the parts is the span, to the smaller unit."""
    parts = [units.parse_span(part) for part in units.format_span(span_s).split()]
    assert len(parts) <= 2
    assert sum(parts) == pytest.approx(span_s, rel=0.06)


@given(ratio=st.floats(0, 1))
def test_a_share_survives_its_text(ratio: float) -> None:
    """A ratio written as a number comes back."""
    assert units.parse_ratio(str(ratio)) == ratio


def test_the_sections_are_those_of_the_paths() -> None:
    """Every path begins with a section."""
    assert {path.partition(".")[0] for path in leaf_types()} == set(sections())
