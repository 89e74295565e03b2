"""Which rules hold for the GPUs, from settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from podkeeper.errors import SettingsError
from podkeeper.loops import gpu_rules
from podkeeper.policy.gpu_finding import Answer
from podkeeper.settings.load import Source, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.settings.plan import Plan


def test_lists_of_codes_become_answers(plan_of: Callable[..., Plan]) -> None:
    """Each list is one answer; a code in none of them keeps the catalogue's."""
    chosen = plan_of(
        "gpu.xid_ignore=[79]", "gpu.xid_restart=[63, 92]", "gpu.xid_replace=[31]"
    ).settings
    assert gpu_rules.gpu_rules(chosen.gpu).xids.answers == {
        79: None,
        63: Answer.RESTART_PROGRAM,
        92: Answer.RESTART_PROGRAM,
        31: Answer.REPLACE_WORKER,
    }


def test_codes_may_stand_in_a_variable() -> None:
    """There they are numbers all the same, with commas between them."""
    source = Source(environ={"PODKEEPER_GPU__XID_NOTE": "31, 43"})
    assert load(source).settings.gpu.xid_note == [31, 43]


def test_a_baseline_of_zero_is_learnt(plan_of: Callable[..., Plan]) -> None:
    """Any other is taken as it is."""
    assert gpu_rules.vram_rules(plan_of().settings.gpu).baseline_bytes is None
    chosen = plan_of("gpu.vram_baseline_bytes=2GiB", "gpu.vram_orphan_answer=note").settings.gpu
    rules = gpu_rules.vram_rules(chosen)
    assert (rules.baseline_bytes, rules.answer) == (2 << 30, Answer.NOTE)


def test_defaults_are_rules(plan_of: Callable[..., Plan]) -> None:
    """Heat is over further away than it begins; retries are compared in halves of some length."""
    chosen = plan_of().settings.gpu
    states = gpu_rules.gpu_rules(chosen).states
    assert states.hot_margin_celsius < states.hot_release_celsius
    assert gpu_rules.fragmentation_rules(chosen).jobs >= 2


@pytest.mark.parametrize(
    ("assignments", "path"),
    [
        (("gpu.hot_release_celsius=1",), "gpu.hot_release_celsius"),
        (("gpu.xid_note=[31]", "gpu.xid_replace=[7, 31]"), "gpu.xid_replace"),
        (("gpu.xid_note=many",), "gpu.xid_note"),
        (("gpu.ecc_answer=panic",), "gpu.ecc_answer"),
        (("gpu.vram_orphan_answer=restart_program",), "gpu.vram_orphan_answer"),
    ],
)
def test_what_contradicts_itself_is_refused(
    plan_of: Callable[..., Plan], assignments: tuple[str, ...], path: str
) -> None:
    """The complaint names the setting."""
    with pytest.raises(SettingsError, match=path):
        plan_of(*assignments)
