"""How often supervisord is asked."""

from __future__ import annotations

import pytest

from podkeeper.errors import SupervisordError
from podkeeper.loops.word import Word
from podkeeper.supervisord import ProgramInfo, Seen


def seen(*states: str, running: bool = True) -> Seen:
    """Return what supervisord says of programs in these states."""
    programs = [
        ProgramInfo(
            name=str(number),
            state=state,
            pid=1,
            started_at_s=1,
            stopped_at_s=0,
            exit_status=0,
            spawn_error="",
        )
        for number, state in enumerate(states)
    ]
    return Seen(running=running, programs=programs)


class Door:
    """A supervisord that counts questions, and a clock."""

    def __init__(self, answer: Seen) -> None:
        self.answer: Seen | None = answer
        self.asked: list[int] = []
        self.now_s = 100.0

    def ask(self, known_death: int) -> Seen:
        """Answer, or not."""
        self.asked.append(known_death)
        if self.answer is None:
            raise SupervisordError
        return self.answer

    def word(self) -> Word:
        """Return its word, good for two seconds."""
        return Word(self.ask, 2.0, lambda: self.now_s)


def test_while_all_run_and_nothing_happens_the_last_word_stands_for_its_time() -> None:
    """Supervisord is asked once in the period, and then again in case an event was lost."""
    door = Door(seen("RUNNING", "RUNNING"))
    word = door.word()
    for _ in range(4):
        word.look(7)
        door.now_s += 0.5
    assert door.asked == [7]
    word.look(8)
    assert door.asked == [7, 8]


def test_an_event_makes_it_ask_at_once() -> None:
    """What an event hints at is seen in the look that it causes."""
    door = Door(seen("RUNNING"))
    word = door.word()
    word.look(1)
    door.answer = seen("EXITED")
    word.hint()
    assert word.look(1).programs[0].state == "EXITED"


@pytest.mark.parametrize("state", ["STOPPED", "STARTING", "STOPPING", "BACKOFF", "EXITED", "FATAL"])
def test_while_one_does_not_run_it_is_asked_at_every_look(state: str) -> None:
    """Nothing is swept away or started on an old word."""
    door = Door(seen("RUNNING", state))
    word = door.word()
    word.look(1)
    word.look(1)
    assert len(door.asked) == 2


def test_a_question_without_an_answer_leaves_no_word_behind() -> None:
    """An old word is not taken for the answer that did not come."""
    door = Door(seen("RUNNING"))
    word = door.word()
    word.look(1)
    door.answer, door.now_s = None, door.now_s + 3
    for _ in range(2):
        with pytest.raises(SupervisordError):
            word.look(1)
    assert len(door.asked) == 3
