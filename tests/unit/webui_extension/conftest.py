"""The extension as podkeeper installs it, loaded into a stand-in of A1111."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from webui_standin import Host, load_script

from podkeeper import extension

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

    from podkeeper.settings.plan import Plan


class Loaded:
    """A WebUI with the extension, and a client on the same machine."""

    def __init__(self, host: Host, app: FastAPI, plug: Any) -> None:
        self.host = host
        self.app = app
        self.plug = plug
        self.client = TestClient(app, base_url="http://127.0.0.1:3000", client=("127.0.0.1", 50000))

    def get(self, name: str) -> httpx.Response:
        """Return what a GET route answers."""
        return self.client.get(f"/podkeeper/{name}")

    def post(self, name: str, **asked: Any) -> httpx.Response:
        """Return what a POST route answers."""
        return self.client.post(f"/podkeeper/{name}", json=asked)

    def memory(self) -> Any:
        """Return what the route of memory tells."""
        return self.get("memory").json()


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """Return the modules of a WebUI, for as long as the test lasts."""
    made = Host()
    for name, module in made.modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    yield made
    for name in [each for each in sys.modules if each.startswith("podkeeper_webui")]:
        del sys.modules[name]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a folder that looks like an A1111."""
    root = tmp_path / "webui"
    (root / "modules").mkdir(parents=True)
    (root / "modules" / "script_callbacks.py").touch()
    (root / "extensions").mkdir()
    return root


@pytest.fixture
def plan_for(tree: Path, plan_of: Callable[..., Plan]) -> Callable[..., Plan]:
    """Return what makes the plan of a worker with that A1111."""

    def make(*assignments: str) -> Plan:
        command = "webui.command=python launch.py --server-name 127.0.0.1"
        return plan_of(f"webui.directory={tree}", command, *assignments)

    return make


@pytest.fixture
def loaded(
    tree: Path, host: Host, plan_for: Callable[..., Plan]
) -> Iterator[Callable[..., Loaded]]:
    """Return what installs the extension with these settings and starts a WebUI with it."""

    def load(*assignments: str) -> Loaded:
        extension.settle(plan_for(*assignments))
        load_script(tree / "extensions" / "podkeeper" / "scripts" / "podkeeper.py")
        app = FastAPI()
        for each in host.callbacks.app_started:
            each(None, app)
        made = Loaded(host, app, sys.modules["podkeeper_webui.plug"].plug())
        made.client.__enter__()
        clients.append(made.client)
        return made

    clients: list[TestClient] = []
    yield load
    for client in clients:
        client.__exit__()


@pytest.fixture
def webui(loaded: Callable[..., Loaded]) -> Loaded:
    """Return a WebUI with the extension and two checkpoints."""
    made = loaded("extension.tidy=false", "extension.sample_period_s=10ms")
    made.host.load("one.safetensors [abc]", "two.safetensors [def]")
    return made
