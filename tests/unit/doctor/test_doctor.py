"""What the doctor says of files, ports and environments, with real ones."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from podkeeper.cli import main
from podkeeper.doctor import check, examine, ports, private, text
from podkeeper.doctor.scene import Scene
from podkeeper.settings import plan as plans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from podkeeper.settings.plan import Plan

LISTEN = (
    "import socket, sys; s = socket.create_server((sys.argv[1], 0)); print(flush=True); input()"
)


@pytest.fixture
def plan(plan_of: Callable[..., Plan]) -> Plan:
    """Give a plan whose files lie as a start leaves them."""
    made = plan_of()
    folder = Path(made.runtime_dir)
    folder.chmod(0o700)
    (folder / "private").mkdir(mode=0o700)
    Path(made.state_dir).mkdir(mode=0o700)
    plans.write(made)
    for program in made.programs:
        if program.private_environment is not None:
            path = Path(program.private_environment)
            path.write_text("{}")
            path.chmod(0o600)
    return made


def scene(plan: Plan, **pids: int) -> Scene:
    """Return a worker of which these programs run."""
    return Scene(plan.settings, Path(plan.state_dir), plan, pids)


@pytest.fixture
def listener(request: pytest.FixtureRequest) -> Iterator[int]:
    """Give a process that listens on an address."""
    command = [sys.executable, "-c", LISTEN, request.param]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def levels(found: Iterator[check.Check]) -> dict[str, str]:
    """Return the level of each check by its name."""
    return {each.name: each.level for each in found}


def test_files_as_a_start_leaves_them_are_well(plan: Plan) -> None:
    """Each file and folder is named with mode and owner."""
    assert set(levels(private.folders(scene(plan))).values()) == {"ok"}
    found = list(private.variables(scene(plan)))
    assert {each.name for each in found} == {
        "secrets of webui",
        "secrets of handler",
        "secrets of platform",
    }
    assert all(each.level == "ok" and "mode 0600" in each.seen for each in found)


def test_a_secret_that_others_can_read_is_failed_with_the_remedy(plan: Plan) -> None:
    """The command that mends it stands there."""
    path = Path(str(plan.program("handler").private_environment))
    path.chmod(0o644)
    found = {each.name: each for each in private.variables(scene(plan))}
    assert found["secrets of handler"].level == "failed"
    assert found["secrets of handler"].mend == f"chmod 0600 {path}"
    assert found["secrets of webui"].level == "ok"


def test_folders_open_to_others_are_told(plan: Plan) -> None:
    """A runtime folder must not be open; a state folder may lie where modes mean nothing."""
    Path(plan.runtime_dir).chmod(0o711)
    Path(plan.state_dir).chmod(0o755)
    found = levels(private.folders(scene(plan)))
    assert found == {"runtime folder": "failed", "private folder": "ok", "state folder": "warning"}


def test_users_of_programs_may_pass_through(plan: Plan) -> None:
    """Where a program runs as another user, passing is granted, and no more than that."""
    programs = [msgspec.structs.replace(each, user="root") for each in plan.programs]
    shared = msgspec.structs.replace(plan, programs=programs)
    Path(plan.runtime_dir).chmod(0o711)
    assert levels(private.folders(scene(shared)))["runtime folder"] == "ok"
    Path(plan.runtime_dir).chmod(0o755)
    assert levels(private.folders(scene(shared)))["runtime folder"] == "failed"


def test_a_control_socket_is_for_its_owner(plan: Plan) -> None:
    """Anybody else who opens it could run anything."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(plan.socket_path))
        plan.socket_path.chmod(0o700)
        assert levels(private.socket(scene(plan)))["control socket"] == "ok"
        plan.socket_path.chmod(0o770)
        assert levels(private.socket(scene(plan)))["control socket"] == "failed"


@pytest.mark.parametrize("listener", ["127.0.0.1"], indirect=True)
def test_a_port_of_this_machine_alone_is_well(plan: Plan, listener: int) -> None:
    """The address is shown."""
    (found,) = ports.reachable(scene(plan, webui=listener))
    assert found.level == "ok"
    assert found.seen.startswith("127.0.0.1:")


@pytest.fixture
def open_to_all(tmp_path: Path) -> Path:
    """Give the kernel's files of process 7, which listens on port 3000 of every interface."""
    folder = tmp_path / "root" / "proc" / "7"
    (folder / "net").mkdir(parents=True)
    (folder / "fd").mkdir()
    (folder / "fd" / "3").symlink_to("socket:[55]")
    (folder / "stat").write_text("7 (a) S 1 7 1 0 -1 0 0 0 0 0 5 6 0 0 20 0 1 0 99 0 1 0\n")
    (folder / "net" / "tcp").write_text(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid timeout\n"
        "   0: 00000000:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 55 1\n"
        "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 56 1\n"
    )
    return tmp_path / "root"


def test_a_port_that_others_reach_is_failed_unless_it_was_asked_for(
    plan: Plan, plan_of: Callable[..., Plan], open_to_all: Path
) -> None:
    """A WebUI that listens to all is named; with the setting that allows it, it is a fact."""
    (found,) = ports.reachable(dataclasses.replace(scene(plan, webui=7), root=open_to_all))
    assert (found.level, found.seen) == ("failed", "open to other machines: 0.0.0.0:3000")
    allowed = msgspec.structs.replace(plan, settings=plan_of("webui.allow_listen=yes").settings)
    (found,) = ports.reachable(dataclasses.replace(scene(allowed, webui=7), root=open_to_all))
    assert (found.level, found.seen) == ("ok", "0.0.0.0:3000, as webui.allow_listen says")


@pytest.mark.parametrize("listener", ["127.0.0.1"], indirect=True)
def test_a_supervisord_that_listens_is_failed(plan: Plan, listener: int) -> None:
    """Control has no port, not even on loopback: any program here could use it."""
    (Path(plan.runtime_dir) / "supervisord.pid").write_text(str(listener))
    (found,) = ports.control(scene(plan))
    assert found.level == "failed"


def test_a_key_in_the_wrong_environment_is_named_without_its_value(plan: Plan) -> None:
    """Program and variable are said; the value never is."""
    environment = {**os.environ, "RUNPOD_AI_API_KEY": "rpa_hush"}
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (found,) = private.environments(scene(plan, webui=process.pid, handler=process.pid))
        process.kill()
    assert found.level == "failed"
    assert "webui (RUNPOD_AI_API_KEY)" in found.seen
    assert "handler" not in found.seen
    assert "hush" not in str(found)


def test_the_worst_check_is_the_level() -> None:
    """One warning makes a warning, one failure a failure; the screen says why and how to mend."""
    checks = [check.good("a", "fine", "w"), check.doubtful("b", "odd", "because", "do it")]
    examination = check.Examination(checks=checks)
    assert examination.level == 1
    shown = text.examination("WARNING", checks, colour=False)
    assert "why:  because" in shown
    assert "mend: do it" in shown
    assert shown.endswith("WARNING: 2 checks, 1 to be mended")
    assert check.Examination(checks=[*checks, check.bad("c", "", "", "")]).level == 2
    assert check.Examination(checks=[]).level == 0


def test_without_a_worker_the_machine_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command says that none runs, and still what it can; nothing is made."""
    monkeypatch.setenv("PODKEEPER_WORKER__RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("PODKEEPER_WORKER__STATE_DIR", str(tmp_path / "state"))
    assert main(["doctor", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["level"] == "warning"
    by_name = {each["name"]: each for each in said["checks"]}
    assert by_name["worker"]["level"] == "warning"
    assert by_name["disk of the state folder"]["level"] == "ok"
    assert {"memory cgroup", "pressure (PSI)", "NVML"} <= by_name.keys()
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_is_gone_is_told(plan: Plan) -> None:
    """Its files are looked at all the same."""
    gone = Scene(plan.settings, Path(plan.state_dir), plan, obstacle="nobody answers")
    found = {each.name: each.level for each in examine(gone).checks}
    assert found["worker"] == "warning"
    assert found["secrets of handler"] == "ok"
    assert "control socket" not in found
