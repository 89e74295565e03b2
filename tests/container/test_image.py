"""What does the image itself promise: who runs, as whom, with which secrets, and how it ends?"""

from __future__ import annotations

from worker_container import CONFIG, wait_for

UID = 10001


def test_the_images_health_check_follows_the_webui(engine, image, worker):
    """The HEALTHCHECK command passes, fails while the WebUI is stopped, and passes again."""
    command = engine.health_command(image)

    def code() -> int:
        return worker.run(*command, check=False).returncode

    assert code() == 0
    worker.run("supervisorctl", "stop", "webui")
    wait_for("a failing health check", lambda: code() == 1, worker)
    worker.run("supervisorctl", "start", "webui")
    wait_for("a passing health check", lambda: code() == 0, worker)


def test_supervisord_is_the_first_process(worker):
    """The entrypoint is replaced by its command, so that supervisord gets the signals."""
    first = worker.processes()[1]
    assert any(word.endswith("/supervisord") for word in first.command[:2]), first.command


def test_nothing_runs_as_root(worker):
    """Every process belongs to the image's own user."""
    owners = {each.uid for each in worker.processes().values()}
    assert owners == {UID}


def test_the_code_cannot_be_changed_by_what_runs(worker):
    """The two environments belong to root, so that the worker cannot write into them."""
    for folder in ("/opt/podkeeper", "/opt/webui", "/opt/podkeeper/bin"):
        assert worker.run("sh", "-c", f"test -w {folder}", check=False).returncode == 1


def test_the_webui_runs_in_its_own_environment(worker):
    """WebUI and handler use different interpreters' libraries."""
    pids, processes = worker.pids(), worker.processes()
    assert processes[pids["webui"]].command[0].startswith("/opt/webui/")
    assert processes[pids["handler"]].command[0].startswith("/opt/podkeeper/")


def test_only_the_two_ends_of_the_platform_know_the_api_key(worker):
    """The key is with handler and platform, and in no other process, no plain file, no log."""
    pids = worker.pids()
    allowed = {each.pid for name in ("handler", "platform") for each in worker.tree(pids[name])}
    knowing = {
        each.pid
        for each in worker.processes().values()
        if worker.api_key in str(each.environment) or worker.api_key in str(each.command)
    }
    assert pids["handler"] in knowing
    assert knowing <= allowed
    for path in (CONFIG, "/run/podkeeper/plan.json", "/run/podkeeper/snapshot.json"):
        assert worker.api_key not in worker.read(path)
    assert worker.api_key not in worker.logs()


def test_a_bad_setting_ends_the_start(start):
    """One line names setting, value, origin and what is allowed; the exit code is 2."""
    container = start(PODKEEPER_WEBUI__PORT="banana")
    assert container.wait() == 2
    lines = container.logs().strip().splitlines()
    assert len(lines) == 1
    for word in ("webui.port", "banana", "PODKEEPER_WEBUI__PORT", "from 1 to 65535"):
        assert word in lines[0]


def test_a_worker_that_never_gets_ready_takes_no_job(start):
    """A start that takes too long is an incident, and until one succeeds no handler is started."""
    container = start(
        PODKEEPER_SIM_WEBUI__FAULTS="never_ready", PODKEEPER_WEBUI__STARTUP_DEADLINE_S="2s"
    )

    def failed() -> bool:
        known = container.command_json("incidents") if "keeper" in container.pids() else []
        return any(each["cause"] == "startup_failed" for each in known)

    wait_for("the incident of the start", failed, container)
    assert not container.ready()
    assert "spawned: 'handler'" not in container.logs()


def test_a_stop_is_clean_and_in_time(start):
    """SIGTERM ends a ready worker with exit code 0, long before the platform would kill it."""
    container = start()
    wait_for("the worker to be ready", container.ready, container)
    assert container.stop(grace_s=170) == 0
