"""Whether a program says that it lives."""

from __future__ import annotations

import socket
import sys
import threading
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.probes import liveness
from podkeeper.probes.http import Answer
from podkeeper.probes.liveness import NO_STREAK, Sign, Streak, counted, sign_of
from podkeeper.probes.readiness import ReadinessProbe
from podkeeper.settings.plan import Liveness

DEADLINE_S = 20.0
GOOD, BAD = Sign(alive=True, detail="200 OK"), Sign(alive=False, detail="no answer in 5 s")


def probe(kind="http", **rest):
    """Return a probe of a kind."""
    return Liveness(
        **{"kind": kind, "period_s": 0.01, "timeout_s": DEADLINE_S, "failures": 3, **rest}
    )


def until(condition):
    """Wait for a condition and return its first true value."""
    end_s = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < end_s, "it never became true"
        time.sleep(0.005)
    return value


class Server:
    """Answers everybody with the status it is set to, and knows when it was asked what."""

    def __init__(self):
        self.status = b"200 OK"
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open = True
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        """Answer one client after the other."""
        while self.open:
            # Who only connects, as the TCP probe does, asks for nothing.
            with suppress(OSError, IndexError):
                handle, _ = self.listener.accept()
                with handle:
                    self.asked.append((time.monotonic(), handle.recv(4096).split(b" ")[1]))
                    handle.sendall(b"HTTP/1.1 " + self.status + b"\r\n\r\n")

    def close(self):
        """Serve no more."""
        self.open = False
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def server():
    """Return a server that lives."""
    made = Server()
    yield made
    made.close()


@pytest.fixture
def asking(server):
    """Return what starts to ask the server."""
    made = []

    def make(wanted, period_s=0.01):
        url = f"http://127.0.0.1:{server.port}/ready"
        made.append(
            ReadinessProbe(
                url, period_s=period_s, ready_period_s=0.01, timeout_s=DEADLINE_S, liveness=wanted
            )
        )
        made[-1].look((1, 1))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.stop()
        each._thread.join(DEADLINE_S)
        assert not each._thread.is_alive()


@pytest.mark.parametrize(
    ("status", "alive"),
    [(200, True), (204, True), (307, True), (399, True), (404, False), (503, False), (None, False)],
)
def test_a_status_from_200_to_399_is_of_a_server_that_lives(status, alive):
    """As in Kubernetes."""
    assert sign_of(Answer(status, "words")) == (alive, "words")


def test_failures_in_a_row_are_counted_and_one_success_ends_them():
    """The streak begins anew with every success."""
    streak = NO_STREAK
    for at_s, sign, failures in [(0, BAD, 1), (1, BAD, 2), (2, GOOD, 0), (3, BAD, 1)]:
        streak = counted(streak, sign, at_s, 1.0)
        assert (streak.alive, streak.failures, streak.detail) == (sign.alive, failures, sign.detail)


def test_failures_faster_than_the_period_count_once():
    """Answers to a faster question do not use up the patience sooner."""
    streak = NO_STREAK
    for at_s in range(100):
        streak = counted(streak, BAD, float(at_s), 10.0)
    assert streak.failures == 10


@given(st.lists(st.tuples(st.floats(0.01, 30), st.booleans()), max_size=60))
def test_the_count_is_never_above_what_fits_since_the_last_success(answers):
    """However answers come: n failures take at least n - 1 periods."""
    streak, at_s, begun_s = Streak(), 0.0, 0.0
    for pause_s, alive in answers:
        at_s += pause_s
        if alive or not streak.failures:
            begun_s = at_s
        streak = counted(streak, GOOD if alive else BAD, at_s, 5.0)
        assert (streak.failures or 0) <= (at_s - begun_s) / 5.0 + 1.0001
        assert (streak.failures == 0) is alive


def test_a_port_that_takes_connections_lives(server):
    """TCP asks no more than that; a closed port is dead."""
    assert liveness.ask(probe("tcp", port=server.port)) == (True, "connected")
    server.close()
    assert liveness.ask(probe("tcp", port=server.port)) == (False, "connection refused")


@pytest.mark.parametrize(
    ("code", "timeout_s", "alive", "detail"),
    [
        ("pass", DEADLINE_S, True, "exit code 0"),
        ("raise SystemExit(3)", DEADLINE_S, False, "exit code 3"),
        ("import time; time.sleep(600)", 0.2, False, "no end in 0.2 s"),
    ],
)
def test_a_command_that_ends_with_0_is_an_answer(code, timeout_s, alive, detail):
    """Its exit code counts; one that does not end is ended."""
    command = [sys.executable, "-c", code]
    assert liveness.ask(probe("exec", command=command, timeout_s=timeout_s)) == (alive, detail)


def test_a_command_that_is_not_there_is_a_failure():
    """It is said in words, and the watchdog goes on."""
    sign = liveness.ask(probe("exec", command=["/does/not/exist"]))
    assert not sign.alive
    assert sign.detail.startswith("cannot run /does/not/exist")


def test_answers_to_the_readiness_probe_count(server, asking):
    """Without a question of its own nobody is asked twice, and 503 is not alive."""
    asked = asking(probe())
    assert until(lambda: asked.streak((1, 1)).alive)
    server.status = b"503 Busy"
    assert until(lambda: (asked.streak((1, 1)).failures or 0) >= 3)
    assert {path for _, path in server.asked} == {b"/ready"}
    server.status = b"200 OK"
    assert until(lambda: asked.streak((1, 1)).failures == 0)


def test_a_question_of_its_own_is_asked_too_and_all_keep_their_distance(server, asking):
    """Both kinds together are no faster than the pause between any two probes."""
    asked = asking(probe(url=f"http://127.0.0.1:{server.port}/alive"), period_s=0.05)
    assert until(lambda: asked.streak((1, 1)).alive)
    until(lambda: len(server.asked) >= 6)
    assert {path for _, path in server.asked} == {b"/ready", b"/alive"}
    times = [at_s for at_s, _ in server.asked[:6]]
    assert times[-1] - times[0] > 0.2


def test_another_life_begins_without_failures(server, asking):
    """What its predecessor failed is not held against a new process."""
    server.status = b"503 Busy"
    asked = asking(probe(period_s=DEADLINE_S))
    assert until(lambda: asked.streak((1, 1)).failures)
    assert asked.streak((1, 2)) == NO_STREAK
    asked.look((1, 2))
    assert asked.streak((1, 1)) == NO_STREAK
