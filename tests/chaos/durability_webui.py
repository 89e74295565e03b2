"""A WebUI that does with each job what its scene says, and remembers what it was asked.

Covers: jobs that end at once, hang until they are let go or interrupted, or break the connection.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

# Shared with the unit tests; test folders are not packages.
sys.path.append(str(Path(__file__).parents[1] / "unit" / "handler"))

from handler_standins import MODELS, PATIENCE_S, SAMPLERS, SCHEDULERS, _Server, generated

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

_LISTS: dict[str, Any] = {"samplers": SAMPLERS, "schedulers": SCHEDULERS, "sd-models": MODELS}


class Scripts:
    """What is to be done with each job, told by its prompt, at whichever WebUI it comes to."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        #: What each attempt at a job does in turn: "hang" or "die"; afterwards it ends well.
        self.deeds: dict[str, list[str]] = {}
        #: Lets a hanging job go on.
        self.go: dict[str, threading.Event] = {}
        #: The seed of each attempt, by prompt.
        self.seeds: dict[str, list[int]] = {}
        #: Prompts that are being worked on.
        self.busy: list[str] = []
        self.interrupts = 0

    def begin(self, prompt: str, seed: int) -> tuple[str, threading.Event]:
        """Take note of an attempt, and return what it does."""
        with self.lock:
            self.seeds.setdefault(prompt, []).append(seed)
            self.busy.append(prompt)
            deeds = self.deeds.get(prompt, [])
            go = self.go[prompt] = threading.Event()
            return deeds.pop(0) if deeds else "ok", go

    def end(self, prompt: str) -> None:
        """Take note of an attempt's end."""
        with self.lock:
            self.busy.remove(prompt)

    def hangs(self, prompt: str) -> bool:
        """Return whether a job hangs now."""
        with self.lock:
            return prompt in self.busy

    def release(self, prompt: str) -> None:
        """Let a job go on."""
        with self.lock:
            self.go[prompt].set()


class ScriptedWebUI(_Server):
    """One WebUI of the campaign."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._working: list[tuple[str, threading.Event]] = []
        super().__init__()

    @property
    def readiness_url(self) -> str:
        """Return what answers 200 while it is ready."""
        return f"{self.url}/sdapi/v1/progress?skip_current_image=true"

    def serve(self, http: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answer one request."""
        name = urlsplit(http.path).path.removeprefix("/sdapi/v1/")
        if name == "txt2img":
            self._generate(http, json.loads(body))
        elif name == "interrupt":
            self._scripts.interrupts += 1
            for _, go in list(self._working):
                go.set()
            self.reply(http, {})
        elif name == "progress":
            job = "scripts_txt2img" if self._working else ""
            self.reply(http, {"progress": 0.5, "state": {"job": job}})
        elif name in _LISTS:
            self.reply(http, _LISTS[name])
        else:
            self.reply(http, {"detail": "Not Found"}, 404)

    def _generate(self, http: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        prompt = body["prompt"]
        deed, go = self._scripts.begin(prompt, body["seed"])
        self._working.append((prompt, go))
        try:
            if deed == "hang":
                go.wait(PATIENCE_S)
        finally:
            self._working.remove((prompt, go))
            self._scripts.end(prompt)
        if deed == "die":
            http.close_connection = True
            http.connection.close()
        else:
            self.reply(http, generated(body))
