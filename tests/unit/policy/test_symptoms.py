"""What last lines say about an exit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.policy import symptoms
from podkeeper.policy.cause import Cause, Explanation

EXIT = Explanation(Cause.EXIT, "exited with code 1")
LINES = {
    "[Errno 98] error while attempting to bind on ('127.0.0.1', 3000): address already in use": (
        Cause.PORT_TAKEN
    ),
    "OSError: Cannot find empty port in range: 7860-7860": Cause.PORT_TAKEN,
    "OSError: [Errno 28] No space left on device": Cause.DISK_FULL,
    "RuntimeError: CUDA error: an illegal memory access was encountered": Cause.GPU_ERROR,
    "RuntimeError: Found no NVIDIA driver on your system.": Cause.GPU_ERROR,
    "MemoryError": Cause.RAM_OOM,
    "RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory": Cause.RAM_OOM,
    "ModuleNotFoundError: No module named 'torch'": Cause.BROKEN_INSTALL,
    "ERROR hooks.launch: cannot start /no/such: [Errno 2] No such file": Cause.BROKEN_INSTALL,
}


@pytest.mark.parametrize(("line", "cause"), LINES.items())
def test_a_common_fault_is_known_by_its_words(line: str, cause: Cause) -> None:
    """The exit keeps its code and gains its cause."""
    found = symptoms.refine(EXIT, ["before", line, "after"])
    assert found.cause == cause
    assert found.sentence.startswith("exited with code 1: ")


def test_the_newest_telling_line_wins() -> None:
    """An old warning does not hide what ended the program."""
    lines = ["No space left on device", "address already in use"]
    assert symptoms.refine(EXIT, lines).cause == Cause.PORT_TAKEN


@given(st.lists(st.text(max_size=60), max_size=5))
def test_lines_never_change_a_cause_the_kernel_gave(lines: list[str]) -> None:
    """A signal stays a signal whatever was written before it."""
    killed = Explanation(Cause.SIGNAL, "killed by SIGKILL")
    assert symptoms.refine(killed, [*lines, "No space left on device"]) == killed


def test_lines_that_say_nothing_leave_the_exit_as_it_is() -> None:
    """No guess is made."""
    assert symptoms.refine(EXIT, ["Loading weights", "done"]) == EXIT
