"""Which programs does a worker with these settings consist of?

Covers: from settings and the container's memory to the plan. Pure.
Leaves out: variables that are set for or passed on to one program, which may be secret and go
their own way (`settings.private`).
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from podkeeper.errors import Complaint, SettingsError
from podkeeper.settings.cpu import thread_variables
from podkeeper.settings.isolation import isolation_of
from podkeeper.settings.liveness import liveness_of, readiness_counts
from podkeeper.settings.plan import Plan, Program, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from podkeeper.settings.schema import Settings

# Start order ascends, stop order descends: the handler drains before its WebUI goes.
_PRIORITIES: dict[Role, int] = {
    "keeper": -1,
    "watchdog": 10,
    "platform": 20,
    "webui": 30,
    "handler": 40,
}


@dataclass(frozen=True)
class Surroundings:
    """What the plan needs to know of the machine it is made on."""

    python: str
    directory: str
    runtime_dir: Path
    state_dir: Path
    memory_capacity_bytes: int
    #: Whether the environment names a platform to take jobs from.
    platform_named: bool
    version: str
    run_id: str
    made_at_s: float
    #: Whether this is root's worker; supervisord asks to be told so.
    superuser: bool = False
    #: Home folders of the users that programs run as; supervisord changes the user alone.
    homes: Mapping[str, str] = field(default_factory=dict)
    #: The processor quota; None where there is none below the processors it may run on.
    cpu_quota_cores: float | None = None
    #: Names of the variables that WebUIs have anyway: inherited, passed on or set.
    webui_given: frozenset[str] = frozenset()


def platform_enabled(settings: Settings, *, platform_named: bool) -> bool:
    """Return whether the local platform belongs to this worker."""
    if settings.platform.enabled == "auto":
        return not platform_named
    return settings.platform.enabled == "yes"


def platform_environment(settings: Settings) -> dict[str, str]:
    """Return what the platform tells a worker through its environment.

    `$ID` and `$RUNPOD_POD_ID` are filled in by the SDK itself, and each address needs a question
    mark because the SDK appends `&…` to it.
    """
    platform = settings.platform
    base = f"http://{platform.address}:{platform.port}/v2/{platform.endpoint}"
    return {
        "RUNPOD_WEBHOOK_GET_JOB": f"{base}/job-take/$ID?gpu=none",
        "RUNPOD_WEBHOOK_POST_OUTPUT": f"{base}/job-done/$RUNPOD_POD_ID/$ID?gpu=none",
        "RUNPOD_WEBHOOK_POST_STREAM": f"{base}/job-stream/$RUNPOD_POD_ID/$ID?gpu=none",
        "RUNPOD_WEBHOOK_PING": f"{base}/ping/$RUNPOD_POD_ID?gpu=none",
        "RUNPOD_POD_ID": "local-worker",
        "RUNPOD_ENDPOINT_ID": platform.endpoint,
    }


def _sdk_environment(settings: Settings, *, local: bool) -> dict[str, str]:
    checks = {} if settings.runpod.system_checks else {"RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true"}
    return {
        "RUNPOD_LOG_LEVEL": settings.runpod.log_level,
        "RUNPOD_PING_INTERVAL": str(round(settings.runpod.ping_interval_s * 1000)),
        **checks,
        **({"RUNPOD_SKIP_GPU_CHECK": "true", **platform_environment(settings)} if local else {}),
    }


class _Planner:
    """Builds the programs of one plan; holds what they have in common."""

    def __init__(self, settings: Settings, around: Surroundings) -> None:
        self.settings = settings
        self.around = around
        reserve = settings.memory.reserve.of(around.memory_capacity_bytes)
        self.budget_bytes = around.memory_capacity_bytes - reserve
        self.local = platform_enabled(settings, platform_named=around.platform_named)

    def limits(self, section: str) -> dict[str, int | None]:
        """Return a section's limits in bytes of this container."""
        chosen = getattr(self.settings, section)
        soft = chosen.memory_soft.of(self.budget_bytes)
        hard = chosen.memory_hard.of(self.budget_bytes)
        if soft >= hard:
            allowed = f"must be below {section}.memory_hard ({hard} bytes in this container)"
            shown = f"{chosen.memory_soft} ({soft} bytes)"
            raise SettingsError([Complaint(f"{section}.memory_soft", shown, "settings", allowed)])
        return {"memory_soft_bytes": soft, "memory_hard_bytes": hard}

    def own(self, module: str) -> list[str]:
        """Return the command of one of our own programs."""
        return [self.around.python, "-P", "-m", module]

    def program(self, name: str, role: Role, command: list[str], **rest: object) -> Program:
        """Return a program with what every program has."""
        settings = {
            "directory": self.around.directory,
            "environment": {},
            "private_environment": None,
            "autostart": role != "handler",
            "user": "",
            "memory_soft_bytes": None,
            "memory_hard_bytes": None,
            "readiness_url": None,
            "stop_wait_s": self.settings.watchdog.stop_wait_s,
            **rest,
        }
        common = {
            "PODKEEPER_PLAN": str(self.around.runtime_dir / "plan.json"),
            "PODKEEPER_PROGRAM": name,
            "PODKEEPER_RUN": self.around.run_id,
            "PYTHONUNBUFFERED": "1",
        }
        if command[:3] == self.own("")[:3]:
            # A stray handler.py in the working folder must not shadow our program. Scripts of
            # others, such as A1111's launch.py, live from modules that lie beside them.
            common["PYTHONSAFEPATH"] = "1"
        common |= self.identity(str(settings["user"]))
        settings["environment"] = {**common, **settings["environment"]}  # type: ignore[dict-item]
        return Program(
            name=name,
            role=role,
            command=command,
            priority=_PRIORITIES[role],
            isolation=isolation_of(getattr(self.settings, role), self.settings.worker.umask),
            **settings,  # type: ignore[arg-type]
        )

    def identity(self, user: str) -> dict[str, str]:
        """Return what a login would set for a program that runs as another user.

        With the home folder of podkeeper's user it would fail to write its caches, or worse.
        """
        if user not in self.around.homes:
            return {}
        return {"HOME": self.around.homes[user], "USER": user, "LOGNAME": user}

    def private(self, name: str) -> str:
        return str(self.around.runtime_dir / "private" / f"{name}.json")

    def webui(self, index: int) -> Program:
        chosen = self.settings.webui
        name = "webui" if chosen.instances == 1 else f"webui-{index}"
        port = str(chosen.port + index)
        parts = shlex.split(chosen.command)
        command = [part.replace("{port}", port) for part in parts] or [
            *self.own("podkeeper.sim.webui"),
            "--port",
            port,
        ]
        gpu = {"CUDA_VISIBLE_DEVICES": str(index)} if chosen.instances > 1 else {}
        around = self.around
        threads = thread_variables(self.settings, around.cpu_quota_cores, around.webui_given)
        return self.program(
            name,
            "webui",
            command,
            directory=str(Path(around.directory) / chosen.directory),
            environment={**gpu, **threads},
            private_environment=self.private(name),
            stop_wait_s=chosen.stop_wait_s,
            user=chosen.user,
            readiness_url=f"http://127.0.0.1:{port}{chosen.readiness_path}",
            liveness=liveness_of(chosen, chosen.port + index),
            **self.limits("webui"),
        )

    def handler(self) -> Program:
        chosen = self.settings.handler
        sdk = _sdk_environment(self.settings, local=self.local)
        return self.program(
            "handler",
            "handler",
            shlex.split(chosen.command) or self.own("handler"),
            environment=sdk,
            private_environment=self.private("handler"),
            stop_wait_s=chosen.stop_wait_s,
            user=chosen.user,
            **self.limits("handler"),
        )

    def platform(self) -> list[Program]:
        if not self.local:
            return []
        chosen = self.settings.platform
        return [
            self.program(
                "platform",
                "platform",
                shlex.split(chosen.command) or self.own("podkeeper.sim.platform"),
                private_environment=self.private("platform"),
                stop_wait_s=chosen.stop_wait_s,
                readiness_url=f"http://{chosen.address}:{chosen.port}/ready",
                liveness=readiness_counts(self.settings.webui),
            )
        ]

    def programs(self) -> list[Program]:
        """Return all programs of the worker, in start order."""
        webuis = [self.webui(index) for index in range(self.settings.webui.instances)]
        watchdog = self.program(
            "watchdog", "watchdog", self.own("hooks.watchdog"), **self.limits("watchdog")
        )
        keeper = self.program("keeper", "keeper", self.own("hooks.keeper"))
        return [keeper, watchdog, *self.platform(), *webuis, self.handler()]


def make_plan(settings: Settings, around: Surroundings) -> Plan:
    """Return the plan of a start.

    Raises:
        SettingsError: Limits that are fine by themselves contradict each other in this container.
    """
    planner = _Planner(settings, around)
    return Plan(
        run_id=around.run_id,
        version=around.version,
        made_at_s=around.made_at_s,
        runtime_dir=str(around.runtime_dir),
        state_dir=str(around.state_dir),
        python=around.python,
        superuser=around.superuser,
        memory_capacity_bytes=around.memory_capacity_bytes,
        memory_budget_bytes=planner.budget_bytes,
        programs=planner.programs(),
        settings=_settled(settings, around),
        cpu_quota_cores=around.cpu_quota_cores,
    )


def _settled(settings: Settings, around: Surroundings) -> Settings:
    """Return the settings for the plan: no secrets, and folders that mean the same everywhere."""
    folder = settings.logs.dir and str(Path(around.directory) / settings.logs.dir)
    logs = msgspec.structs.replace(settings.logs, dir=folder)
    return msgspec.structs.replace(without_secrets(settings), logs=logs)


def without_secrets(settings: Settings) -> Settings:
    """Return the settings less every secret, and less the variables of programs: they may be."""
    replace = msgspec.structs.replace
    return replace(
        settings,
        runpod=replace(settings.runpod, api_key=""),
        webui=replace(settings.webui, environment={}),
        handler=replace(settings.handler, environment={}),
    )
