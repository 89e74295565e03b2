"""How does a test start a worker in a container, look into it and speak to it?

Covers: one container on the host's network with ports of its own. Everything said to the engine
goes through `Engine`; what is seen inside is read by the image's own Python.
"""

from __future__ import annotations

import json
import os
import random
import shlex
import socket
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
CONFIG = "/run/podkeeper/supervisord.conf"
PYTHON = "/opt/podkeeper/bin/python"
#: Generous: the machine may have two slow cores and other work.
DEADLINE_S = 180.0
T = TypeVar("T")

# Every process but the one that looks: what ps shows, and the environment.
_LOOK = """
import json, os, psutil
names = ["pid", "ppid", "create_time", "uids", "cmdline", "environ", "status"]
seen = [p.info for p in psutil.process_iter(names) if p.pid != os.getpid()]
print(json.dumps(seen))
"""


def wait_for(
    what: str,
    look: Callable[[], T | None],
    container: Container,
    deadline_s: float = DEADLINE_S,
) -> T:
    """Return the first true answer of `look`; fail with the container's last lines otherwise."""
    end_s = time.monotonic() + deadline_s
    while time.monotonic() < end_s:
        answer = look()
        if answer:
            return answer
        if not container.running():
            break
        time.sleep(0.2)
    message = f"waited in vain for {what}; the container's last lines:\n{container.logs()[-6000:]}"
    raise AssertionError(message)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_ports(count: int) -> list[int]:
    """Return that many ports of the loopback interface that nothing listens on.

    They lie below those the kernel gives to outgoing connections: the container binds them a
    second later, and on the host's network every program's connections count.
    """
    candidates = random.sample(range(10_000, 30_000), 100 * count)
    free = (port for port in candidates if _is_free(port))
    return [next(free) for _ in range(count)]


@dataclass(frozen=True)
class Process:
    """One process inside the container; pid and start time together are its identity."""

    pid: int
    started_at_s: float
    parent: int
    uid: int
    command: list[str]
    environment: dict[str, str]

    @property
    def identity(self) -> tuple[int, float]:
        """Return what no later process can have in common with it."""
        return self.pid, self.started_at_s


class Engine:
    """The container engine that `scripts/container-engine` found."""

    def __init__(self) -> None:
        script = ROOT / "scripts" / "container-engine"
        found = subprocess.run([script], check=True, stdout=subprocess.PIPE, text=True)
        self.words = found.stdout.split()

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the engine with these arguments and return what it wrote and its exit code."""
        # Where podman's monitor leaves a file named oom when the kernel has killed something.
        folder = ROOT / ".tools"
        done = subprocess.run(
            [*self.words, *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=300,
            cwd=folder,
        )
        if check and done.returncode:
            said = shlex.join(arguments)
            raise AssertionError(f"{said}: exit code {done.returncode}: {done.stderr[-4000:]}")
        return done

    def inspect(self, kind: str, name: str) -> dict[str, Any]:
        """Return what the engine knows of a container or an image."""
        answer: list[dict[str, Any]] = json.loads(self(kind, "inspect", name).stdout)
        return answer[0]

    def health_command(self, image: str) -> list[str]:
        """Return the image's HEALTHCHECK command; podman and docker keep it in different places."""
        seen = self.inspect("image", image)
        check = seen.get("Healthcheck") or seen["Config"]["Healthcheck"]
        assert check["Test"][0] == "CMD"
        return list(check["Test"][1:])


class Container:
    """One running worker."""

    def __init__(
        self, engine: Engine, image: str, environment: dict[str, str], memory: str
    ) -> None:
        self.engine = engine
        self.api_key = f"rpa_{uuid.uuid4().hex}"
        self.name = f"podkeeper-test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.webui_port, self.watchdog_port, self.platform_port = free_ports(3)
        variables = {
            "PODKEEPER_WEBUI__PORT": str(self.webui_port),
            "PODKEEPER_WATCHDOG__PORT": str(self.watchdog_port),
            "PODKEEPER_PLATFORM__PORT": str(self.platform_port),
            "PODKEEPER_PLATFORM__ENABLED": "yes",
            "RUNPOD_AI_API_KEY": self.api_key,
            **environment,
        }
        settings = [part for pair in variables.items() for part in ("--env", "=".join(pair))]
        # The limits are what podman may set on a machine that lacks CAP_SYS_RESOURCE.
        limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--memory", memory]
        engine("run", "--detach", "--name", self.name, "--net=host", *limits, *settings, image)

    def remove(self) -> None:
        """Leave nothing of it behind, whatever state it is in."""
        self.engine("rm", "--force", "--volumes", self.name)

    def running(self) -> bool:
        """Return whether its first process lives."""
        return bool(self.engine.inspect("container", self.name)["State"]["Running"])

    def logs(self) -> str:
        """Return what it wrote so far, standard error first."""
        done = self.engine("logs", self.name)
        return done.stderr + done.stdout

    def wait(self) -> int:
        """Return its exit code once it has ended by itself."""
        return int(self.engine("wait", self.name).stdout)

    def stop(self, grace_s: int) -> int:
        """Ask it to end as a platform does, kill it after the grace, and return its exit code."""
        self.engine("stop", "-t", str(grace_s), self.name)
        return int(self.engine.inspect("container", self.name)["State"]["ExitCode"])

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command inside."""
        return self.engine("exec", self.name, *command, check=check)

    def read(self, path: str) -> str:
        """Return the content of a file inside."""
        return self.run("cat", path).stdout

    def kill(self, pid: int) -> None:
        """Kill a process inside; there it is the shell's own kill, a small image has no other."""
        self.run("sh", "-c", f"kill -KILL {pid}")

    def processes(self) -> dict[int, Process]:
        """Return the processes inside by pid, without those that only wait to be reaped."""
        seen = json.loads(self.run(PYTHON, "-c", _LOOK).stdout)
        return {
            each["pid"]: Process(
                pid=each["pid"],
                started_at_s=each["create_time"],
                parent=each["ppid"],
                uid=each["uids"][0],
                command=each["cmdline"] or [],
                environment=each["environ"] or {},
            )
            for each in seen
            if each["status"] != "zombie"
        }

    def tree(self, pid: int) -> list[Process]:
        """Return a process and all that descend from it."""
        everything = self.processes()
        found = [everything[pid]]
        for each in found:
            found += [child for child in everything.values() if child.parent == each.pid]
        return found

    def pids(self) -> dict[str, int]:
        """Return the pid of every program that supervisorctl shows as RUNNING."""
        listing = self.run("supervisorctl", "status", check=False).stdout
        rows = [line.split() for line in listing.splitlines()]
        return {
            row[0].partition(":")[0]: int(row[3].rstrip(","))
            for row in rows
            if row[1:3] == ["RUNNING", "pid"]
        }

    def ready(self) -> bool:
        """Return whether the worker says that it can take a job."""
        return bool(self.command_json("status").get("ready"))

    def command_json(self, *command: str) -> Any:
        """Return what a podkeeper command says with `--json`, whatever it exits with."""
        done = self.run("podkeeper", *command, "--json", check=False)
        try:
            return json.loads(done.stdout)
        except json.JSONDecodeError as error:
            raise AssertionError(f"{command}: {done.stdout!r} {done.stderr!r}") from error

    def ask_platform(self, path: str, body: object = None) -> dict[str, Any]:
        """Return the local platform's answer to a client's request."""
        url = f"http://127.0.0.1:{self.platform_port}/v2/local/{path}"
        verb = "GET" if body is None else "POST"
        headers = {"Authorization": f"Bearer {self.api_key}"}
        answer = httpx.request(verb, url, json=body, headers=headers, timeout=60, trust_env=False)
        return dict(answer.raise_for_status().json())

    def switch(self, **faults: object) -> None:
        """Switch faults of the simulated WebUI."""
        url = f"http://127.0.0.1:{self.webui_port}/sim/faults"
        httpx.post(url, json=faults, timeout=60, trust_env=False).raise_for_status()

    def finish_job(self, prompt: str) -> dict[str, Any]:
        """Submit a job, wait for its end and return its last status."""
        work = {"prompt": prompt, "steps": 4, "width": 256, "height": 256, "seed": 7}
        job = self.ask_platform("run", {"input": work})["id"]

        def ended() -> dict[str, Any] | None:
            status = self.ask_platform(f"status/{job}")
            return None if status["status"] in ("IN_QUEUE", "IN_PROGRESS") else status

        return wait_for(f"the end of job {job}", ended, self)
