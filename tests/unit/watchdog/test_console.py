"""The pages, and a server that no client can hold up."""

from __future__ import annotations

import http.client
import json
import socket
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from podkeeper.console import health, request
from podkeeper.console.health import Phase
from podkeeper.console.pages import Pages
from podkeeper.console.request import Request, Response
from podkeeper.console.server import ListenError, Server, listen
from podkeeper.recorders import metrics

ALL_PAGES = ["/", "/metrics", "/ping", "/livez", "/readyz", "/startupz", "/health", "/snapshot"]


@pytest.fixture
def worker(snapshot, program):
    """Return what makes the snapshot of a worker that is ready or not, and was before or not."""

    def make(*, ready, been_ready):
        programs = (
            program("handler", state="RUNNING"),
            program("webui", state="RUNNING", ready=ready),
        )
        return snapshot(*programs, been_ready=been_ready)

    return make


@pytest.fixture
def pages():
    """Return what makes pages of a snapshot taken some seconds ago; ten are too many."""

    def make(taken, age_s=0.5):
        clock = iter([100.0])
        return Pages(
            lambda: taken,
            registry=metrics.load(),
            version="1.2.3",
            max_age_s=10.0,
            clock=lambda: next(clock, 100.0 + age_s),
        )

    return make


@pytest.mark.parametrize(
    ("ready", "been_ready", "age_s", "phase", "codes"),
    [
        (False, False, 0.5, Phase.STARTING, (204, 200, 503, 503, 200)),
        (True, True, 0.5, Phase.READY, (200, 200, 200, 200, 200)),
        (False, True, 0.5, Phase.FAILED, (503, 200, 503, 200, 503)),
        (True, True, 11.0, Phase.FAILED, (503, 503, 503, 200, 503)),
        (False, False, 11.0, Phase.FAILED, (503, 503, 503, 503, 503)),
    ],
)
def test_each_phase_has_its_codes(worker, pages, ready, been_ready, age_s, phase, codes):  # noqa: PLR0913, PLR0917 - a table
    """Each prober gets the code it understands, in every phase; a stale snapshot is a failure."""
    taken = worker(ready=ready, been_ready=been_ready)
    assert health.phase(taken, 100.0 + age_s, 10.0) is phase
    answers = [
        pages(taken, age_s).answer(Request("GET", path)).status
        for path in ("/ping", "/livez", "/readyz", "/startupz", "/health")
    ]
    assert tuple(answers) == codes


@pytest.mark.parametrize(("age_s", "alive"), [(0.5, 200), (11.0, 503)])
def test_before_the_first_snapshot_all_pages_answer(pages, age_s, alive):
    """Before the first snapshot the worker is starting, and alive for as long as one may take."""
    served = pages(None, age_s)
    codes = {path: served.answer(Request("GET", path)).status for path in ALL_PAGES}
    assert codes["/ping"] == 204
    assert codes["/livez"] == alive
    assert codes["/metrics"] == codes["/health"] == codes["/"] == 200
    assert codes["/readyz"] == codes["/startupz"] == codes["/snapshot"] == 503


def test_an_unknown_page_is_not_found(pages):
    """A page that is not there is 404."""
    assert pages(None).answer(Request("GET", "/other")).status == 404


def test_the_health_page_names_each_program(pages, full):
    """The health page has one check for each program, and one for memory."""
    found = pages(full).answer(Request("GET", "/health"))
    body = json.loads(found.body)
    assert found.content_type == "application/health+json"
    assert body["checks"]["memory:utilization"][0]["observedValue"] == round(1 / 1024, 4)
    assert body["checks"][f"{full.programs[0].name}:state"][0]["status"] == "pass"


@pytest.mark.parametrize(
    ("state", "ready", "status"),
    [
        ("RUNNING", None, "pass"),
        ("RUNNING", True, "pass"),
        ("RUNNING", False, "warn"),
        ("STARTING", None, "warn"),
        (None, None, "warn"),
        ("FATAL", None, "fail"),
    ],
)
def test_a_program_is_judged_by_state_and_readiness(pages, snapshot, program, state, ready, status):  # noqa: PLR0913, PLR0917 - a table
    """A dead program fails, one that is not ready or of which nothing is known warns."""
    taken = snapshot(program("a", state=state, ready=ready))
    body = json.loads(pages(taken).answer(Request("GET", "/health")).body)
    assert body["checks"]["a:state"][0]["status"] == status


def test_the_snapshot_page_is_the_snapshot(pages, full):
    """The snapshot page is the snapshot as JSON."""
    assert json.loads(pages(full).answer(Request("GET", "/snapshot")).body)["run_id"] == "run-1"


def test_the_metrics_page_is_for_prometheus(pages, full):
    """The metrics page is what Prometheus' own parser reads."""
    found = pages(full).answer(Request("GET", "/metrics"))
    families = {family.name for family in text_string_to_metric_families(found.body.decode())}
    assert "podkeeper_container_memory_capacity_bytes" in families
    assert found.content_type.startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", ("GET", "/a")),
        (b"HEAD /a?b=/c#d HTTP/1.0\n\n", ("HEAD", "/a")),
        (b"\r\nGET http://host:1/a?b HTTP/1.1\r\n\r\n", ("GET", "/a")),
        (b"GET http://host HTTP/1.1\r\n\r\n", ("GET", "/")),
        (b"GET /a\r\n\r\n", None),
        (b"GET /a HTTP/2\r\n\r\n", None),
        (b"get /a HTTP/1.1\r\n\r\n", None),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", None),
    ],
)
def test_a_request_is_a_method_and_a_path(head, found):
    """A request line is read as HTTP/1.x says, and anything else is none."""
    assert request.parse(head) == found


@given(head=st.binary(max_size=200))
def test_no_bytes_break_the_parser(head):
    """Whatever a client sends is a request or none, and never an error."""
    found = request.parse(head)
    assert found is None or found.path


def page(asked):
    """Return a page that repeats the path, is long, or cannot be made."""
    if asked.path == "/broken":
        raise ValueError("broken")
    return Response(200, b"x" * (32 << 20) if asked.path == "/long" else asked.path.encode())


@pytest.fixture
def server():
    """Return what starts a server on a free port of the loopback interface."""
    made = []

    def make(*, deadline_s=30.0, max_connections=8):
        made.append(
            Server(
                listen("127.0.0.1", 0),
                page,
                max_connections=max_connections,
                deadline_s=deadline_s,
            )
        )
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.close()
        assert not each._clients


def get(served, path, method="GET"):
    """Return status, headers and body of one request by the standard library's client."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def connect(served):
    """Return a raw connection to a server."""
    return socket.create_connection(("127.0.0.1", served.port), timeout=30)


def everything(connection):
    """Return all that comes until the other side hangs up."""
    received = b""
    with suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_pages_are_served(server):
    """GET gives the page, HEAD its head alone, anything else is refused."""
    served = server()
    assert get(served, "/a?b=c")[::2] == (200, b"/a")
    status, headers, body = get(served, "/abc", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "4", b"")
    status, headers, _ = get(served, "/a", "POST")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_a_long_page_arrives_whole(server):
    """A page that does not fit into the socket's buffer arrives whole."""
    assert len(get(server(), "/long")[2]) == 32 << 20


def test_a_broken_page_does_not_end_the_server(server, caplog):
    """A page that cannot be made is 500, with the cause in the log, and the next one is served."""
    served = server()
    assert get(served, "/broken")[0] == 500
    assert "cannot make the page /broken" in caplog.text
    assert get(served, "/a")[0] == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"garbage\r\n\r\n", b"400"),
        (b"\x16\x03\x01\r\n\r\n", b"400"),
        (b"GET /a HTTP/1.1\r\nX: " + b"x" * 9000, b"431"),
        (b"GET /a HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n", b"431"),
    ],
)
def test_garbage_is_refused(server, sent, status):
    """What is no request, or too long a one, is refused in words."""
    with connect(server()) as connection:
        connection.sendall(sent)
        assert everything(connection).split()[1] == status


def test_a_request_may_come_in_pieces(server):
    """A request that comes byte by byte is answered."""
    with connect(server()) as connection:
        for byte in b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n":
            connection.sendall(bytes([byte]))
        assert everything(connection).endswith(b"\r\n\r\n/a")


def test_a_silent_client_holds_nobody_up(server):
    """While clients say nothing others are served, and the silent ones are dropped in the end."""
    served = server(deadline_s=0.3)
    with connect(served) as silent, connect(served) as half:
        half.sendall(b"GET /a HT")
        assert get(served, "/a")[0] == 200
        assert everything(silent) == everything(half) == b""


def test_a_client_that_does_not_read_is_dropped(server):
    """A client that asks for a long page and reads none of it is dropped in the end."""
    served = server(deadline_s=0.3)
    with connect(served) as deaf:
        deaf.sendall(b"GET /long HTTP/1.1\r\n\r\n")
        until(lambda: served._clients)
        until(lambda: not served._clients)
        assert len(everything(deaf)) < 32 << 20


def until(condition, deadline_s=20.0):
    """Wait for a condition."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.005)


def test_too_many_clients_push_out_the_oldest(server):
    """One client more than the bound closes the oldest, and is served itself."""
    served = server(max_connections=3)
    silent = [connect(served) for _ in range(3)]
    until(lambda: len(served._clients) == 3)
    assert get(served, "/a")[0] == 200
    assert everything(silent[0]) == b""
    for each in silent:
        each.close()


def test_many_clients_in_a_row_leave_nothing_behind(server):
    """After many clients, some of which vanish at once, no connection is left."""
    served = server()
    for index in range(200):
        with connect(served) as connection:
            if index % 3:
                connection.sendall(b"GET /a HTTP/1.1\r\n\r\n")
            if index % 2:
                everything(connection) if index % 3 else None
    until(lambda: not served._clients)
    assert get(served, "/a")[0] == 200


def test_a_taken_port_is_one_line():
    """A port that is taken is an error that names it, with the exit code of bad settings."""
    taken = listen("127.0.0.1", 0)
    port = taken.getsockname()[1]
    with (
        taken,
        pytest.raises(ListenError, match=rf"cannot listen on 127.0.0.1:{port}: Address") as failed,
    ):
        listen("127.0.0.1", port)
    assert failed.value.exit_code == 2
