"""Stand-ins for the handler's tests: a WebUI and a RunPod gateway, each a tiny real HTTP server."""

from __future__ import annotations

import base64
import json
import struct
import threading
import time
import zlib
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 60.0

SAMPLERS = [
    {"name": "DPM++ 2M", "aliases": ["k_dpmpp_2m"], "options": {"scheduler": "karras"}},
    {"name": "Euler a", "aliases": ["k_euler_a"], "options": {}},
    {"name": "Euler", "aliases": ["k_euler"], "options": {}},
]
SCHEDULERS = [
    {"name": "automatic", "label": "Automatic", "aliases": None},
    {"name": "karras", "label": "Karras", "aliases": None},
]
MODELS = [
    {
        "title": "tinyA.safetensors [b86c3b871f]",
        "model_name": "tinyA",
        "hash": "b86c3b871f",
        "sha256": "b86c3b871ff326b9796ba90b4d6ac209bc70098c9822197811cd9cb352981a6b",
        "filename": "/models/tinyA.safetensors",
    }
]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(seed: int = 0) -> bytes:
    """Return a true PNG of one grey pixel."""
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixels = _chunk(b"IDAT", zlib.compress(bytes([0, seed % 256])))
    return b"\x89PNG\r\n\x1a\n" + head + pixels + _chunk(b"IEND", b"")


def image(seed: int = 0) -> str:
    """Return the PNG as the API carries it."""
    return base64.b64encode(png(seed)).decode()


def generated(body: dict[str, Any]) -> dict[str, Any]:
    """Return what the WebUI answers to a generation."""
    count = body.get("batch_size", 1) * body.get("n_iter", 1)
    seeds = [body["seed"] + index for index in range(count)]
    info = {"prompt": body.get("prompt", ""), "seed": body["seed"], "all_seeds": seeds}
    return {
        "images": [image(seed) for seed in seeds],
        "parameters": {**body, "init_images": None},
        "info": json.dumps(info),
    }


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """Return the condition's value once it is true."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited in vain for {what}")


class _Server:
    """A threaded HTTP server on a free port."""

    def __init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one packet, as real servers send them.
            wbufsize = -1

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                # A client that left, as cancelled jobs and ended polls do.
                with suppress(BrokenPipeError, ConnectionResetError):
                    outer.serve(self, body)

            do_GET = do_POST = _serve  # noqa: N815 - names of http.server

            def log_message(self, *_args: object) -> None:
                """Keep quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        """Stop serving."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def serve(self, http: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answer one request."""
        raise NotImplementedError

    @staticmethod
    def reply(
        http: BaseHTTPRequestHandler,
        data: Any,
        status: int = 200,
        content_type: str = "application/json",
    ) -> None:
        """Send an answer; what is no bytes goes as JSON."""
        payload = data if isinstance(data, bytes) else json.dumps(data).encode()
        http.send_response(status)
        http.send_header("Content-Type", content_type)
        http.send_header("Content-Length", str(len(payload)))
        http.end_headers()
        http.wfile.write(payload)


class StandInWebUI(_Server):
    """Speaks as much of A1111's API as the handler needs, and misbehaves on request.

    `script` holds what each generation does in turn; afterwards all succeed: "ok", "die" (the
    connection breaks), "hang" (until interrupted; then a partial answer), or (status, type, body).
    """

    def __init__(self, script: list[Any] | None = None) -> None:
        self.script = list(script or [])
        self.bodies: list[dict[str, Any]] = []
        self.interrupts = 0
        self.is_ready = True
        self.heeds_interrupts = True
        self.busy = 0
        self.progress: dict[str, Any] = {"progress": 0.0, "state": {"job": ""}}
        self.lists: dict[str, Any] = {
            "samplers": SAMPLERS,
            "schedulers": SCHEDULERS,
            "sd-models": MODELS,
        }
        self.release = threading.Event()
        super().__init__()

    @property
    def readiness_url(self) -> str:
        """Return what answers 200 once it is ready."""
        return f"{self.url}/sdapi/v1/progress?skip_current_image=true"

    def serve(self, http: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answer one request."""
        name = urlsplit(http.path).path.removeprefix("/sdapi/v1/")
        if name in ("txt2img", "img2img"):
            self._generate(http, json.loads(body))
        elif name == "interrupt":
            self.interrupts += 1
            if self.heeds_interrupts:
                self.release.set()
            self.reply(http, {})
        elif name == "progress":
            job = {"state": {"job": "scripts_txt2img"}} if self.busy else {}
            answer = {**job, **self.progress} if self.progress["state"]["job"] else job
            self.reply(http, answer or self.progress, 200 if self.is_ready else 503)
        elif name in self.lists:
            self.reply(http, self.lists[name])
        else:
            self.reply(http, {"detail": "Not Found"}, 404)

    def _generate(self, http: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        self.bodies.append(body)
        self.busy += 1
        try:
            self._act(http, body, self.script.pop(0) if self.script else "ok")
        finally:
            self.busy -= 1

    def _act(self, http: BaseHTTPRequestHandler, body: dict[str, Any], deed: Any) -> None:
        if deed == "die":
            http.close_connection = True
            http.connection.close()
            return
        if deed == "hang":
            self.release.wait(PATIENCE_S)
            self.release.clear()
        if isinstance(deed, tuple):
            status, content_type, data = deed
            self.reply(http, data, status, content_type)
        else:
            self.reply(http, generated(body))


class StandInGateway(_Server):
    """The worker's side of the RunPod queue: hands out jobs and keeps what comes back."""

    def __init__(self, hold_s: float = 1.0) -> None:
        self.hold_s = hold_s
        self.jobs: Queue[dict[str, Any]] = Queue()
        self.stops: Queue[str] = Queue()
        #: Everything posted to job-done, in order: (job id, message, Authorization header).
        self.posts: list[tuple[str, dict[str, Any], str | None]] = []
        self.takes_open = 0
        self.pings: list[str] = []
        super().__init__()

    def environment(self) -> dict[str, str]:
        """Return what the platform tells a worker."""
        base = f"{self.url}/v2/test"
        return {
            "RUNPOD_WEBHOOK_GET_JOB": f"{base}/job-take/$ID?gpu=none",
            "RUNPOD_WEBHOOK_POST_OUTPUT": f"{base}/job-done/$RUNPOD_POD_ID/$ID?gpu=none",
            "RUNPOD_WEBHOOK_POST_STREAM": f"{base}/job-stream/$RUNPOD_POD_ID/$ID?gpu=none",
            "RUNPOD_WEBHOOK_PING": f"{base}/ping/$RUNPOD_POD_ID?gpu=none",
            "RUNPOD_POD_ID": "pod-1",
            "RUNPOD_ENDPOINT_ID": "test",
            "RUNPOD_AI_API_KEY": "test-key",
            "RUNPOD_PING_INTERVAL": "1000",
            # The SDK's own default, and the most it can give away.
            "RUNPOD_LOG_LEVEL": "DEBUG",
            "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
            "RUNPOD_SKIP_GPU_CHECK": "true",
        }

    def submit(self, job_id: str, given: Any) -> None:
        """Queue a job."""
        self.jobs.put({"id": job_id, "input": given})

    def messages(self, job_id: str) -> list[dict[str, Any]]:
        """Return what was posted for a job, in order."""
        return [message for name, message, _ in self.posts if name == job_id]

    def results(self, job_id: str) -> list[dict[str, Any]]:
        """Return what ended a job."""
        return [each for each in self.messages(job_id) if each.get("status") != "IN_PROGRESS"]

    def serve(self, http: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answer one request."""
        url = urlsplit(http.path)
        parts = url.path.split("/")
        if "job-take" in parts or "job-take-batch" in parts:
            self.takes_open += 1
            self._held(http, self.jobs, lambda job: job if "job-take" in parts else [job])
            self.takes_open -= 1
        elif "job-stop" in parts:
            self._held(http, self.stops, lambda job_id: {"jobsToStop": [job_id]})
        elif "job-done" in parts:
            header = http.headers.get("Authorization")
            self.posts.append((parts[-1], json.loads(body), header))
            self.reply(http, {})
        else:
            self.pings.extend(parse_qs(url.query).get("job_id", []))
            self.reply(http, {})

    def _held(
        self, http: BaseHTTPRequestHandler, queue: Queue[Any], shape: Callable[[Any], Any]
    ) -> None:
        try:
            self.reply(http, shape(queue.get(timeout=self.hold_s)))
        except Empty:
            http.send_response(204)
            http.end_headers()
