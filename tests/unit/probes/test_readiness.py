"""Whether a program says that it can do its work."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest

from podkeeper.probes.background import Background
from podkeeper.probes.readiness import NOT_ASKED, NOT_RUNNING, ReadinessProbe, ask

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


def until(condition, deadline_s=20.0):
    """Wait for a condition and return its first true value."""
    end = time.monotonic() + deadline_s
    while not (value := condition()):
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.005)
    return value


class Stub:
    """A server that gives every client the same answer, hangs, or sends a byte now and then."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []
        self.open_now = 0
        self.ended = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/ready?deep=1"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        """Take one client after another, each in a thread."""
        while not self.ended.is_set():
            with suppress(OSError):
                handle, _ = self.listener.accept()
                threading.Thread(target=self.client, args=(handle,), daemon=True).start()

    def client(self, handle):
        """Answer one client."""
        with handle, suppress(OSError):
            self.open_now += 1
            self.asked.append((time.monotonic(), handle.recv(4096)))
            if callable(self.answer):
                self.answer(self, handle)
            else:
                handle.sendall(self.answer)
            self.open_now -= 1

    def close(self):
        """Serve no more."""
        self.ended.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def hang(stub, _handle):
    """Say nothing until the end."""
    stub.ended.wait(60)


def drip(stub, handle):
    """Send a header that never ends, fast enough that no single read times out."""
    handle.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while not stub.ended.wait(0.02):
        handle.sendall(b"x")


@pytest.fixture
def stub():
    """Return what starts a server with one behaviour."""
    made = []

    def make(answer):
        made.append(Stub(answer))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize(
    ("answer", "ready", "detail"),
    [
        (OK, True, "200 OK"),
        (BUSY, False, "503 Service Unavailable"),
        (b"HTTP/1.1 204\r\n\r\n", False, "204"),
        (b"", False, "connection closed without an answer"),
        (b"SSH-2.0-x\r\n", False, "no HTTP answer"),
        (b"x" * (1 << 20), False, "no HTTP answer"),
        (b"HTTP/1.1 200 OK\r\n", True, "200 OK"),
        (hang, False, "no answer in 0.2 s"),
        (drip, False, "no answer in 0.2 s"),
    ],
)
def test_the_answer_is_told_in_words(stub, answer, ready, detail):
    """Only 200 is ready, and the detail says what was seen."""
    assert ask(stub(answer).url, 0.2) == (ready, detail)


def test_the_question_is_the_urls_path_and_query(stub):
    """The path and query of the URL are asked for."""
    server = stub(OK)
    ask(server.url, 5)
    assert server.asked[0][1].startswith(b"GET /ready?deep=1 HTTP/1.1\r\n")


def test_a_closed_port_refuses(stub):
    """Where nobody listens the detail says so."""
    server = stub(OK)
    server.close()
    assert ask(server.url, 5) == (False, "connection refused")


def test_a_host_that_does_not_exist_is_an_answer_too():
    """An address that cannot be used is not ready, and no error."""
    assert ask("http://256.0.0.1:1/", 5).ready is False


@pytest.fixture
def probe():
    """Return what starts a probe of a server."""
    made = []

    def make(server, *, timeout_s=20.0, period_s=0.01, **rest):
        made.append(
            ReadinessProbe(
                server.url,
                period_s=period_s,
                ready_period_s=rest.pop("ready_period_s", 0.01),
                timeout_s=timeout_s,
                **rest,
            )
        )
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.stop()
        each._thread.join(20)
        assert not each._thread.is_alive()


def test_a_program_becomes_ready(stub, probe):
    """A program that answers 200 is ready, and the change is told."""
    told = threading.Event()
    asked = probe(stub(OK), on_change=told.set)
    assert asked.look((1, 1)) == NOT_ASKED
    assert told.wait(20)
    assert asked.look((1, 1)) == (True, "200 OK")


def test_nobody_is_asked_without_a_process(stub, probe):
    """A program without a process is not ready, and its port is left alone."""
    server = stub(OK)
    asked = probe(server)
    assert asked.look(None) == NOT_RUNNING
    asked.look((1, 1))
    until(lambda: asked.look((1, 1)).ready)
    asked.look(None)
    count = until(lambda: server.open_now == 0 and len(server.asked))
    assert asked.look(None) == NOT_RUNNING
    time.sleep(0.05)
    assert len(server.asked) <= count + 1


def test_a_new_life_starts_as_not_asked(stub, probe):
    """The answer of one process says nothing of the next with another pid or start."""
    asked = probe(stub(OK), period_s=60.0, ready_period_s=60.0)
    until(lambda: asked.look((1, 1)).ready)
    assert asked.look((1, 2)) == NOT_ASKED
    assert asked.look((2, 2)) == NOT_ASKED


@pytest.mark.parametrize("answer", [hang, drip])
def test_a_slow_program_does_not_hold_the_caller(stub, probe, answer):
    """A program that never ends its answer is asked once at a time, and is not ready meanwhile."""
    server = stub(answer)
    asked = probe(server, timeout_s=0.1)
    seen = until(lambda: (found := asked.look((1, 1))).ready is False and found)
    assert seen.detail == "no answer in 0.1 s"
    until(lambda: asked.look((1, 1)) and len(server.asked) >= 3)


def test_one_question_at_a_time(stub, probe):
    """A second question waits for the end of the first."""
    inside, most = [], []

    def slow(server, handle):
        inside.append(handle)
        server.ended.wait(0.02)
        most.append(len(inside))
        inside.remove(handle)
        handle.sendall(OK)

    server = stub(slow)
    asked = probe(server, period_s=0.001, ready_period_s=0.001)
    asked.look((1, 1))
    until(lambda: len(server.asked) >= 5)
    assert set(most) == {1}


def test_the_pause_between_questions_is_kept(stub, probe):
    """Questions come no faster than the period, also to a new life."""
    server = stub(BUSY)
    asked = probe(server, period_s=0.1)
    lives = iter(range(1, 100_000))
    until(lambda: asked.look((1, next(lives))) and len(server.asked) >= 4)
    times = [at for at, _ in server.asked]
    assert times[3] - times[0] > 0.25


def test_a_background_reading_is_at_hand():
    """The newest value is returned without waiting, and None before the first."""
    go = threading.Event()
    reading = Background("test", lambda: go.wait(20) and 7, 0.001)
    assert reading.latest(60) is None
    reading.start()
    assert reading.latest(60) is None
    go.set()
    assert until(lambda: reading.latest(60)) == 7
    reading.stop()


def test_a_background_reading_grows_old():
    """A reading that hangs afterwards counts as unknown once it is too old."""
    values, ended = iter([7]), threading.Event()
    reading = Background("test", lambda: next(values, None) or ended.wait(20), 0.001)
    reading.start()
    assert until(lambda: reading.latest(60)) == 7
    until(lambda: reading.latest(0.01) is None)
    reading.stop()
    ended.set()


def test_a_background_failure_is_not_swallowed():
    """What a reading raises is raised where its value is asked for."""
    reading = Background("test", lambda: 1 // 0, 0.001)
    reading.start()
    reading._thread.join(20)
    with pytest.raises(ZeroDivisionError):
        reading.latest(60)
