"""The listener's half of supervisord's event protocol."""

from __future__ import annotations

import os
import select
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks import protocol
from hooks.protocol import Event, Listener, ProtocolError
from podkeeper import hint
from podkeeper.hint import Ear

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

payloads = st.text(max_size=200)
names = st.sampled_from(["TICK_5", "PROCESS_STATE_EXITED", "SUPERVISOR_STATE_CHANGE_STOPPING"])


def wire(event: Event) -> bytes:
    """Return an event as supervisord sends it."""
    payload = event.payload.encode()
    header = (
        f"ver:3.0 server:podkeeper serial:{event.serial} pool:keeper poolserial:0"
        f" eventname:{event.name} len:{len(payload)}\n"
    )
    return header.encode() + payload


@given(st.lists(st.builds(Event, names, st.integers(0, 10**9), payloads), max_size=5), st.data())
def test_events_survive_any_cutting_of_the_stream(events: list[Event], data: st.DataObject) -> None:
    """However the bytes arrive, the same events come out in the same order."""
    stream = b"".join(map(wire, events))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    buffer, found = b"", []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        buffer += stream[begin:end]
        while True:
            event, buffer = protocol.take(buffer)
            if event is None:
                break
            found.append(event)
    assert found == events
    assert buffer == b""


@given(st.binary(max_size=300))
def test_anything_else_is_refused_and_never_hangs(noise: bytes) -> None:
    """Bytes that are no event are an error of the protocol or wait for more, nothing else."""
    try:
        event, rest = protocol.take(noise)
    except ProtocolError:
        return
    assert event is not None or rest == noise


def test_a_header_without_an_end_is_refused() -> None:
    """Memory does not grow without bound on a stream that never ends its line."""
    with pytest.raises(ProtocolError, match="no line end"):
        protocol.take(b"x" * 5000)


@pytest.fixture
def ends() -> Iterator[tuple[int, int, int, int]]:
    """Give the listener's two descriptors, then supervisord's two."""
    from_us, to_supervisord = os.pipe()
    from_supervisord, to_us = os.pipe()
    yield from_supervisord, to_supervisord, from_us, to_us
    for descriptor in (from_us, to_supervisord, from_supervisord, to_us):
        with suppress(OSError):
            os.close(descriptor)


def test_a_hint_ends_a_wait_and_is_no_event(
    ends: tuple[int, int, int, int], tmp_path: Path
) -> None:
    """Many hints end one wait; supervisord is answered nothing for them."""
    reader, writer, answers, _ = ends
    with closing(Ear(tmp_path / "ear")) as ear:
        listener = Listener(reader, writer, ear)
        os.read(answers, 100)
        assert hint.give(tmp_path / "ear")
        assert hint.give(tmp_path / "ear")
        assert listener.wait(600) == []
        assert select.select([answers, ear], [], [], 0)[0] == []


def test_hints_and_events_do_not_hide_each_other(
    ends: tuple[int, int, int, int], tmp_path: Path
) -> None:
    """What came together is taken together, and the end of supervisord is seen beside a hint."""
    reader, writer, answers, to_us = ends
    event = Event("TICK_5", 3, "when:1")
    with closing(Ear(tmp_path / "ear")) as ear:
        listener = Listener(reader, writer, ear)
        os.write(to_us, wire(event))
        hint.give(tmp_path / "ear")
        assert listener.wait(600) == [event]
        assert os.read(answers, 100) == b"READY\nRESULT 2\nOKREADY\n"
        assert select.select([ear], [], [], 0)[0] == []
        hint.give(tmp_path / "ear")
        os.close(to_us)
        assert listener.wait(600) is None


def test_an_event_is_acknowledged_the_moment_it_is_read() -> None:
    """The listener is ready for the next event before anybody acts on this one."""
    from_us, to_supervisord = os.pipe()
    from_supervisord, to_us = os.pipe()
    listener = Listener(from_supervisord, to_supervisord)
    assert os.read(from_us, 100) == b"READY\n"
    assert listener.wait(0) == []
    event = Event("TICK_5", 3, "when:1")
    os.write(to_us, wire(event))
    assert listener.wait(5) == [event]
    assert os.read(from_us, 100) == b"RESULT 2\nOKREADY\n"
    os.close(to_us)
    assert listener.wait(5) is None
    for descriptor in (from_us, to_supervisord, from_supervisord):
        os.close(descriptor)
