"""What a WebUI tells of its memory, and when it is asked."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.model.webui_answers import of_extension, of_own
from podkeeper.model.webui_memory import WebUIMemory
from podkeeper.probes.webui_memory import WebUIMemoryProbe, webui_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: As A1111 1.10.1 answers with a card, and without one.
OWN = {
    "ram": {"free": 24455393280.0, "used": 821116928, "total": 25276510208.0},
    "cuda": {
        "system": {"free": 9, "used": 3, "total": 12},
        "active": {"current": 5, "peak": 7},
        "allocated": {"current": 4, "peak": 7},
        "reserved": {"current": 8, "peak": 8},
        "inactive": {"current": 2, "peak": 4},
        "events": {"retries": 3, "oom": 1},
    },
}
CPU = {"ram": OWN["ram"], "cuda": {"error": "unavailable"}}
EXTENDED = {
    "ram": {"anon_bytes": 100, "rss_bytes": 150},
    "allocator": {"name": "tcmalloc", "path": "/lib/libtcmalloc.so.4"},
    "device": {"free_bytes": 9, "total_bytes": 12},
    "torch": {"allocated_bytes": 4, "reserved_bytes": 8, "inactive_split_bytes": 2, "retries": 3},
    "checkpoints": {"current": "one", "names": ["one"]},
    "jobs": {
        "begun": 2,
        "ended": 1,
        "running": "scripts_txt2img",
        "last": {"number": 1, "name": "x", "took_s": 2.5, "allocated_peak_bytes": 7, "new": 1},
        "baseline": {"number": 1, "after_s": 3.0, "tidied": True, "ram_anon_bytes": 90},
    },
    "missing": {},
}


class Webui:
    """A server that answers each path with a table, and notes who asks for what and when."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/ready?x=1"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                handle, _ = self._listener.accept()
            except OSError:
                return
            with handle, suppress(OSError):
                path = handle.recv(4096).split()[1].decode()
                self.asked.append(path)
                answer = self.answers.get(path)
                body = json.dumps(answer if answer is not None else {"detail": "Not Found"})
                status = "404 Not Found" if answer is None else "200 OK"
                head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
                handle.sendall((head + body).encode())

    def close(self) -> None:
        """Serve no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(20)


@pytest.fixture
def serve() -> Iterator[Callable[..., Webui]]:
    """Return what starts a WebUI with these answers."""
    made: list[Webui] = []

    def start(**answers: Any) -> Webui:
        paths = {"own": "/sdapi/v1/memory", "extended": "/podkeeper/memory"}
        made.append(Webui({paths[name]: answer for name, answer in answers.items()}))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture
def probe() -> Iterator[Callable[..., WebUIMemoryProbe]]:
    """Return what starts a probe of a WebUI."""
    made: list[WebUIMemoryProbe] = []

    def start(webui: Webui, **rest: float) -> WebUIMemoryProbe:
        chosen = {"period_s": 3600.0, "timeout_s": 20.0, "after_job_s": 3600.0, **rest}
        made.append(WebUIMemoryProbe(webui.url, **chosen))
        made[-1].start()
        return made[-1]

    yield start
    for each in made:
        each.stop()
        each._thread.join(20)
        assert not each._thread.is_alive()


def until(condition: Callable[[], Any]) -> Any:
    """Wait for a condition and return its first true value."""
    end_s = time.monotonic() + 20
    while not (value := condition()):
        assert time.monotonic() < end_s, "it never became true"
        time.sleep(0.005)
    return value


def told_by(webui: Webui) -> WebUIMemory:
    """Return what one question brings."""
    return webui_memory(webui.url.rpartition("/")[0], 20)


def test_the_webuis_own_route_is_read(serve: Callable[..., Webui]) -> None:
    """Without the extension A1111's figures are taken; what only the extension tells is unknown."""
    webui = serve(own=OWN)
    told = told_by(webui)
    assert webui.asked == ["/podkeeper/memory", "/sdapi/v1/memory"]
    assert (told.extension, told.error) == (False, None)
    assert (told.ram_rss_bytes, told.ram_anon_bytes) == (821116928, None)
    assert (told.device_free_bytes, told.device_total_bytes) == (9, 12)
    assert (told.allocated_bytes, told.reserved_bytes, told.inactive_bytes) == (4, 8, 2)
    assert (told.retries, told.ooms, told.fragmentation_ratio) == (3, 1, 0.25)
    assert (told.jobs, told.last_job, told.baseline) == (None, None, None)


def test_without_a_card_its_figures_are_unknown(serve: Callable[..., Webui]) -> None:
    """They are None, never 0."""
    told = told_by(serve(own=CPU))
    assert told.ram_rss_bytes == 821116928
    assert (told.allocated_bytes, told.ooms, told.fragmentation_ratio) == (None, None, None)


def test_the_extension_is_asked_first_and_alone(serve: Callable[..., Webui]) -> None:
    """It tells all that the other route does, and jobs with their peaks and baseline."""
    webui = serve(own=OWN, extended=EXTENDED)
    told = told_by(webui)
    assert webui.asked == ["/podkeeper/memory"]
    assert (told.extension, told.allocator, told.checkpoints) == (True, "tcmalloc", ["one"])
    assert (told.ram_anon_bytes, told.retries, told.ooms) == (100, 3, None)
    assert told.jobs == 1
    assert told.last_job is not None
    assert (told.last_job.number, told.last_job.allocated_peak_bytes) == (1, 7)
    assert told.baseline is not None
    assert (told.baseline.after_s, told.baseline.ram_anon_bytes) == (3.0, 90)


def test_a_reading_keeps_its_way_through_the_snapshot(serve: Callable[..., Webui]) -> None:
    """What is written as JSON is what is read."""
    told = told_by(serve(extended=EXTENDED))
    assert msgspec.json.decode(msgspec.json.encode(told), type=WebUIMemory) == told


def test_no_answer_is_a_reading_that_says_why(serve: Callable[..., Webui]) -> None:
    """Another kind of WebUI, one that is gone and one that talks nonsense are told apart."""
    assert told_by(serve()).error == "404 Not Found"
    nonsense = told_by(serve(extended=[1, 2])).error
    assert nonsense is not None
    assert nonsense.startswith("no reading in the answer: ")
    gone = serve()
    gone.close()
    assert told_by(gone).error == "connection refused"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["ram", "cuda", "jobs", "used", "ended", "x"]), inner)
    ),
    max_leaves=8,
)


@given(told=JSON)
def test_whatever_a_webui_answers_is_read_or_refused(told: Any) -> None:
    """No answer, infinities included, brings anything but a reading or the one error."""
    body = json.dumps(told).encode()
    for read in (of_own, of_extension):
        with suppress(msgspec.MsgspecError):
            assert read(body, 1.0).taken_monotonic_s == 1.0


def test_figures_beyond_all_bounds_are_unknown() -> None:
    """A number that is none cannot stop the watchdog."""
    body = b'{"ram":{"used":1e999},"cuda":{"reserved":{"current":1e999}}}'
    with suppress(msgspec.MsgspecError):
        assert of_own(body, 1.0).ram_rss_bytes is None


def test_nobody_is_asked_before_being_ready(
    serve: Callable[..., Webui], probe: Callable[..., WebUIMemoryProbe]
) -> None:
    """A WebUI that starts is left alone however often it is looked at; once ready it is asked."""
    webui = serve(extended=EXTENDED)
    asked = probe(webui)
    for _ in range(50):
        assert asked.look((1, 1), ready=False, busy=False) is None
        assert asked.look(None, ready=True, busy=False) is None
        time.sleep(0.001)
    assert webui.asked == []
    assert until(lambda: asked.look((1, 1), ready=True, busy=False)).jobs == 1


def test_it_is_asked_seldom(
    serve: Callable[..., Webui], probe: Callable[..., WebUIMemoryProbe]
) -> None:
    """Between two questions is the period, however often it is looked at."""
    webui = serve(extended=EXTENDED)
    asked = probe(webui, period_s=0.1)
    begun_s = time.monotonic()
    until(lambda: asked.look((1, 1), ready=True, busy=False) and len(webui.asked) >= 4)
    assert time.monotonic() - begun_s >= 0.3


def test_a_jobs_end_is_followed_by_two_questions(
    serve: Callable[..., Webui], probe: Callable[..., WebUIMemoryProbe]
) -> None:
    """One at once for the job's peaks, one later for what it left behind; none at its begin."""
    webui = serve(extended=EXTENDED)
    asked = probe(webui, after_job_s=0.05)
    until(lambda: asked.look((1, 1), ready=True, busy=False))
    for _ in range(20):
        asked.look((1, 1), ready=True, busy=True)
        time.sleep(0.005)
    assert len(webui.asked) == 1
    asked.look((1, 1), ready=True, busy=False)
    until(lambda: len(webui.asked) == 3)
    for _ in range(20):
        asked.look((1, 1), ready=True, busy=False)
        time.sleep(0.005)
    assert len(webui.asked) == 3


def test_a_new_life_begins_without_a_reading(
    serve: Callable[..., Webui], probe: Callable[..., WebUIMemoryProbe]
) -> None:
    """What an earlier process told says nothing of the next, which is asked anew."""
    webui = serve(extended=EXTENDED)
    asked = probe(webui)
    until(lambda: asked.look((1, 1), ready=True, busy=False))
    assert asked.look((1, 2), ready=False, busy=False) is None
    until(lambda: asked.look((1, 2), ready=True, busy=False))
    assert len(webui.asked) == 2


def test_a_readiness_that_comes_and_goes_asks_no_more_often(
    serve: Callable[..., Webui], probe: Callable[..., WebUIMemoryProbe]
) -> None:
    """Each time it becomes ready again the pause is kept."""
    webui = serve(extended=EXTENDED)
    asked = probe(webui)
    until(lambda: asked.look((1, 1), ready=True, busy=False))
    for turn in range(20):
        asked.look((1, 1), ready=bool(turn % 2), busy=False)
        time.sleep(0.005)
    assert len(webui.asked) == 1
