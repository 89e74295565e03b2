"""Incidents in an operator's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.console.explain import explain, rule
from podkeeper.model.incident import Action, Incident
from podkeeper.policy.cause import Cause


def incident(**changes: object) -> Incident:
    """Return a WebUI that the kernel killed and that came back."""
    fields: dict[str, object] = {
        "id": 7,
        "run_id": "run",
        "program": "webui",
        "cause": "kernel_oom",
        "sentence": "killed by the kernel: out of memory (SIGKILL)",
        "opened_at_s": 1000.0,
        "closed_at_s": 1004.5,
        "recovery_s": 4.5,
        "pid": 42,
        "evidence": {
            "peak_rss_bytes": 2 << 30,
            "program_memory_bytes": None,
            "oom_kills_before": 1,
            "oom_kills_after": 2,
            "last_lines": ["loading", "decoding"],
            "jobs_in_hand": ["a1 sampling 50% at webui"],
        },
        "actions": [Action(at_s=1000.25, deed="start", outcome="started")],
        **changes,
    }
    return Incident(**fields)  # type: ignore[arg-type]


def test_the_story_tells_what_was_seen_the_rule_what_was_done_and_how_long() -> None:
    """Each part has its line; what was not read is left out."""
    story = explain(incident())
    assert story.startswith("Incident 7: webui (pid 42) killed by the kernel: out of memory")
    assert "peak rss: 2GiB" in story
    assert "program memory" not in story
    assert "out-of-memory kills by the kernel: 1" in story
    assert "  decoding" in story
    assert "jobs in hand: a1 sampling 50% at webui" in story
    assert "count of out-of-memory kills rose" in story
    assert "after 250ms: started it (started)" in story
    assert story.endswith("4.5s until it was back")


def test_what_is_still_open_says_so() -> None:
    """An incident without an end and without deeds is told all the same."""
    story = explain(incident(closed_at_s=None, recovery_s=None, actions=[], pid=0))
    assert "Incident 7: webui killed" in story
    assert "Done      nothing" in story
    assert "still open" in story


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_a_rule(cause: Cause) -> None:
    """No incident is left without the reason for what was done."""
    assert rule(cause).endswith((".", ")."))


@pytest.mark.parametrize(
    "cause",
    [Cause.MEMORY_SOFT, Cause.CONTAINER_MEMORY, Cause.VRAM, Cause.DISK_LOW],
)
def test_what_runs_out_has_a_rule_of_its_own(cause: Cause) -> None:
    """It names the settings that decide."""
    assert "thresholds." in rule(cause) or "memory." in rule(cause)


@given(
    st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text()),
    st.text(),
    st.text(),
)
def test_any_incident_has_a_story(evidence: dict[str, object], cause: str, deed: str) -> None:
    """Words of later versions in the ledger break nothing."""
    actions = [Action(at_s=0.0, deed=deed, outcome="")]
    assert explain(incident(evidence=evidence, cause=cause, actions=actions))
