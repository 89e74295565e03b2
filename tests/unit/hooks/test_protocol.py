"""The listener's half of supervisord's event protocol."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks import protocol
from hooks.protocol import Event, Listener, ProtocolError

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
