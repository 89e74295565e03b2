"""What is made of the errors that a driver reports."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.model.gpu import Xid
from podkeeper.policy import xid
from podkeeper.policy.gpu_finding import Answer, Finding
from podkeeper.policy.xid import CATALOGUE, Rules, Told

RULES = Rules(settle_s=10.0, repeats=3, repeat_window_s=1000.0)


def judged(
    *codes_at: tuple[float, int], gpu: int | None = 0, rules: Rules = RULES
) -> list[Finding]:
    """Return what is found of errors, each at an instant of its own."""
    told: dict[str, Told] = {}
    findings = []
    for at_s, code in codes_at:
        error = Xid(sequence=1, gpu=gpu, code=code, at_monotonic_s=at_s)
        told, found = xid.judge(told, [error], rules)
        findings += found
    return findings


def together(*codes: int, rules: Rules = RULES) -> list[Finding]:
    """Return what is found of errors that are heard of at once."""
    errors = [
        Xid(sequence=at, gpu=0, code=code, at_monotonic_s=1.0) for at, code in enumerate(codes, 1)
    ]
    return xid.judge({}, errors, rules)[1]


@pytest.mark.parametrize(
    ("codes", "answer"),
    [
        ((14, 45, 106, 107, 108), None),
        ((63, 92, 154, 4711), Answer.NOTE),
        ((8, 13, 31, 43, 94, 109), Answer.RESTART_PROGRAM),
        ((48, 64, 74, 79, 95, 119, 120, 140), Answer.REPLACE_WORKER),
    ],
)
def test_each_error_has_its_answer(codes: tuple[int, ...], answer: Answer | None) -> None:
    """Nothing for what follows a kill; a restart for the program's faults; else another worker."""
    for code in codes:
        found = together(code)
        assert [each.answer for each in found] == ([] if answer is None else [answer]), code
        assert all(f"XID {code}: " in each.sentence for each in found)


def test_settings_come_before_the_catalogue() -> None:
    """Any code can be given any answer, or none."""
    answers = {79: Answer.NOTE, 31: None, 4711: Answer.REPLACE_WORKER}
    rules = replace(RULES, answers=answers)
    assert [each.answer for each in together(79, rules=rules)] == [Answer.NOTE]
    assert together(31, rules=rules) == []
    assert [each.answer for each in together(4711, rules=rules)] == [Answer.REPLACE_WORKER]


def test_a_burst_is_one_fault() -> None:
    """The worst of what is heard of at once is told, with all codes beside it."""
    (found,) = together(63, 31, 48, 45)
    assert found.answer == Answer.REPLACE_WORKER
    assert found.sentence.startswith("reported XID 48")
    assert found.evidence["xids"] == "63, 31, 48, 45"


def test_what_follows_belongs_to_the_fault_before() -> None:
    """Within the time to settle nothing milder is told; something worse is."""
    assert len(judged((1.0, 31), (2.0, 43), (9.0, 13))) == 1
    assert len(judged((1.0, 31), (12.0, 43))) == 2
    worse = judged((1.0, 31), (2.0, 79))
    assert [each.answer for each in worse] == [Answer.RESTART_PROGRAM, Answer.REPLACE_WORKER]


def test_faults_that_come_back_call_for_another_worker() -> None:
    """The third restart within the window is none; older ones do not count."""
    answers = [each.answer for each in judged((0.0, 31), (100.0, 13), (200.0, 31))]
    assert answers == [Answer.RESTART_PROGRAM] * 2 + [Answer.REPLACE_WORKER]
    spread = judged((0.0, 31), (900.0, 13), (1800.0, 31), (2700.0, 31))
    assert {each.answer for each in spread} == {Answer.RESTART_PROGRAM}


def test_gpus_are_judged_apart() -> None:
    """A fault of one is no repetition on another, and one whose GPU is unknown is told too."""
    errors = [
        Xid(sequence=at, gpu=gpu, code=31, at_monotonic_s=1.0)
        for at, gpu in enumerate((0, 1, None), 1)
    ]
    told, found = xid.judge({}, errors, RULES)
    assert [each.gpu for each in found] == [0, 1, None]
    assert set(told) == {"0", "1", "None"}


def test_the_catalogue_is_in_words() -> None:
    """Each code has a meaning that can follow its number in a sentence."""
    for code, meaning in CATALOGUE.items():
        assert code > 0
        assert meaning.words
        assert not meaning.words.endswith(".")


@given(
    st.lists(
        st.tuples(st.floats(0.0, 5000.0), st.sampled_from(sorted(CATALOGUE))), max_size=40
    ).map(sorted)
)
def test_a_worse_error_is_never_swallowed(codes_at: list[tuple[float, int]]) -> None:
    """Whatever came before, an error that calls for another worker is told or has just been."""
    findings = judged(*codes_at)
    replaced = [each.at_s for each in findings if each.answer == Answer.REPLACE_WORKER]
    for at_s, code in codes_at:
        if CATALOGUE[code].answer == Answer.REPLACE_WORKER:
            assert any(0.0 <= at_s - each <= RULES.settle_s for each in replaced)
