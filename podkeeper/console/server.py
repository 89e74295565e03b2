"""How does a small page reach a client without a client being able to do harm?

Covers: one thread, one selector, GET and HEAD, one request a connection; bounds on the size of a
request, on the time a client may take and on how many are served at once.
Leaves out: TLS and anything that a proxy does better.
The standard library's server takes a thread a client, for as long as the client likes.
"""

from __future__ import annotations

import logging
import os
import selectors
import socket
import threading
import time
from typing import TYPE_CHECKING

from podkeeper.console import request as wire
from podkeeper.console.request import Request, Response
from podkeeper.errors import PodkeeperError

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 65536
_BACKLOG = 64
#: Pause after the process ran out of descriptors, so that the full backlog does not spin the loop.
_BREATH_S = 0.1


class ListenError(PodkeeperError):
    """The console's port cannot be used."""

    exit_code = 2


def listen(address: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        ListenError: The port is taken, or the address is none of this machine.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listener = socket.create_server((address, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        # create_server adds the address once more to the text of its error.
        cause = os.strerror(error.errno) if error.errno else str(error)
        raise ListenError(f"cannot listen on {address}:{port}: {cause}") from error
    listener.setblocking(False)  # noqa: FBT003 - its API
    return listener


class _Client:
    """One connection: reads a request, writes an answer, waits for the other side to hang up."""

    def __init__(self, handle: socket.socket, deadline_s: float) -> None:
        self.handle = handle
        self.deadline_s = deadline_s
        self.head = b""
        self.answer: memoryview | None = None

    @property
    def events(self) -> int:
        """What the selector has to wait for."""
        return selectors.EVENT_WRITE if self.answer else selectors.EVENT_READ

    def advance(self, respond: Callable[[bytes], bytes | None]) -> bool:
        """Do what can be done without waiting; return whether the connection goes on."""
        if self.answer:
            self.answer = self.answer[self.handle.send(self.answer) :]
            if not self.answer:
                # Closing with unread bytes would reset the connection under the client's reading.
                self.handle.shutdown(socket.SHUT_WR)
            return True
        received = self.handle.recv(_CHUNK_BYTES)
        if self.answer is None and received:
            self.head += received
            answer = respond(self.head)
            self.answer = None if answer is None else memoryview(answer)
        return bool(received)


class Server:
    """Serves pages until it is closed."""

    def __init__(
        self,
        listener: socket.socket,
        answer: Callable[[Request], Response],
        *,
        max_connections: int,
        deadline_s: float,
    ) -> None:
        self._listener = listener
        self._answer = answer
        self._max_connections = max_connections
        self._deadline_s = deadline_s
        self._clients: dict[int, _Client] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="console", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Begin to serve, in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Serve no more; connections in flight end at once."""
        self._wake.close()
        self._thread.join()

    def respond(self, head: bytes) -> bytes | None:
        """Return the answer to what was read so far, or None where the head is not complete."""
        end = wire.HEAD_END.search(head)
        if end is None and len(head) <= wire.MOST_HEAD_BYTES:
            return None
        asked = wire.parse(head)
        response = self._page(asked, too_long=end is None or end.end() > wire.MOST_HEAD_BYTES)
        return wire.dump(response, body_wanted=asked is None or asked.method != "HEAD")

    def _page(self, asked: Request | None, *, too_long: bool) -> Response:
        if too_long:
            return Response(431, b"request head too long\n")
        if asked is None:
            return Response(400, b"not an HTTP request\n")
        if asked.method not in {"GET", "HEAD"}:
            return Response(405, b"only GET and HEAD\n", headers=(("Allow", "GET, HEAD"),))
        try:
            return self._answer(asked)
        except Exception:  # one broken page must not end the others, nor the watchdog's sensing
            logger.exception("cannot make the page %s", asked.path)
            return Response(500, b"internal error\n")

    def _drop(self, client: _Client) -> None:
        del self._clients[client.handle.fileno()]
        self._selector.unregister(client.handle)
        client.handle.close()

    def _accept(self, now_s: float) -> None:
        try:
            handle, _ = self._listener.accept()
        except BlockingIOError:  # the client is gone already
            return
        except OSError as error:  # such as no descriptor left
            logger.warning("cannot accept a connection: %s", error.strerror)
            time.sleep(_BREATH_S)
            return
        if len(self._clients) >= self._max_connections:
            self._drop(min(self._clients.values(), key=lambda each: each.deadline_s))
        handle.setblocking(False)  # noqa: FBT003 - its API
        client = _Client(handle, now_s + self._deadline_s)
        self._clients[handle.fileno()] = client
        self._selector.register(handle, client.events, client)

    def _advance(self, client: _Client) -> None:
        try:
            goes_on = client.advance(self.respond)
        except BlockingIOError:
            return
        except OSError:  # the client went away
            goes_on = False
        if goes_on:
            self._selector.modify(client.handle, client.events, client)
        else:
            self._drop(client)

    def _drop_late(self) -> float | None:
        """Drop clients past their deadline; return the time until the next one's, if any."""
        now_s = time.monotonic()
        for client in [each for each in self._clients.values() if each.deadline_s <= now_s]:
            self._drop(client)
        nearest_s = min((each.deadline_s for each in self._clients.values()), default=None)
        return None if nearest_s is None else max(0.0, nearest_s - now_s)

    def _turn(self) -> bool:
        """Serve whoever is ready; return False at the end."""
        for key, _ in self._selector.select(self._drop_late()):
            if key.fileobj is self._woken:
                return False
            if key.fileobj is self._listener:
                self._accept(time.monotonic())
            elif key.data.handle.fileno() in self._clients:  # not dropped in this same turn
                self._advance(key.data)
        return True

    def _run(self) -> None:
        while self._turn():
            pass
        for client in list(self._clients.values()):
            self._drop(client)
        self._selector.close()
        self._listener.close()
        self._woken.close()
