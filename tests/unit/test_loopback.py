"""One question over HTTP to a program of this machine."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from podkeeper.loopback import Reply, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Server:
    """A server of one answer, in parts with pauses between them, that notes what it was asked."""

    def __init__(self, *parts: bytes, holds: bool = False) -> None:
        self.asked = b""
        self._parts = parts
        self._holds = holds
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/a?b=1"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            handle, _ = self._listener.accept()
            with handle:
                while b"\r\n\r\n" not in self.asked or self._lacks_body():
                    self.asked += handle.recv(65536)
                for part in self._parts:
                    handle.sendall(part)
                    self._ended.wait(0.02)
                if self._holds:
                    self._ended.wait(60)

    def _lacks_body(self) -> bool:
        head, _, body = self.asked.partition(b"\r\n\r\n")
        _, _, length = head.partition(b"Content-Length: ")
        return len(body) < int(length.split()[0] if length else 0)

    def close(self) -> None:
        """Serve no more."""
        self._ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(20)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Return what starts a server."""
    made: list[Server] = []

    def start(*parts: bytes, holds: bool = False) -> Server:
        made.append(Server(*parts, holds=holds))
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_a_question_without_a_body_is_a_get(serve: Callable[..., Server]) -> None:
    """Path and query are asked for, the connection is not kept, and the body is returned."""
    server = serve(OK)
    assert ask(server.url, 20, most_bytes=100) == Reply(200, "200 OK", b"hello")
    assert server.asked.startswith(b"GET /a?b=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert server.asked.endswith(b"\r\nConnection: close\r\n\r\n")


def test_a_question_with_a_body_posts_json(serve: Callable[..., Server]) -> None:
    """The body arrives whole, with its length and kind."""
    server = serve(OK)
    body = b'{"x":"' + b"y" * 200_000 + b'"}'
    assert ask(server.url, 20, body=body).status == 200
    head, _, received = server.asked.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a?b=1 HTTP/1.1\r\n")
    assert b"Content-Type: application/json" in head
    assert received == body


def test_the_length_that_is_told_ends_the_answer(serve: Callable[..., Server]) -> None:
    """Nobody waits for a connection that the other side keeps open."""
    assert ask(serve(OK, holds=True).url, 20, most_bytes=100).body == b"hello"


def test_without_a_length_the_end_of_the_connection_counts(serve: Callable[..., Server]) -> None:
    """All parts are joined, the head's end within one of them or between two."""
    server = serve(b"HTTP/1.0 200 OK\r\n\r", b"\nhel", b"lo")
    assert ask(server.url, 20, most_bytes=100) == Reply(200, "200 OK", b"hello")


def test_no_more_is_taken_than_asked_for(serve: Callable[..., Server]) -> None:
    """An answer beyond the bound is cut, whatever length it tells; the head alone is no body."""
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000
    assert len(ask(serve(large).url, 20, most_bytes=1000).body) == 1000
    assert ask(serve(large).url, 20).body == b""


def test_a_body_that_never_ends_is_no_answer(serve: Callable[..., Server]) -> None:
    """The deadline is that of the whole: a part of an answer is none."""
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal", holds=True)
    assert ask(server.url, 0.2, most_bytes=100) == Reply(None, "no answer in 0.2 s")


def test_what_is_no_http_says_so(serve: Callable[..., Server]) -> None:
    """Nobody there, nothing said and other protocols are told apart."""
    silent = serve(b"")
    assert ask(silent.url, 20).detail == "connection closed without an answer"
    assert ask(serve(b"SSH-2.0-x\r\n").url, 20).detail == "no HTTP answer"
    silent.close()
    assert ask(silent.url, 20) == Reply(None, "connection refused")
    assert ask(silent.url, -1) == Reply(None, "no time left to ask")
