"""How a program is asked whether it lives, by settings."""

from __future__ import annotations

import pytest

from podkeeper.errors import SettingsError
from podkeeper.settings.liveness import liveness_of
from podkeeper.settings.load import Source, load


def of(**chosen: str):
    """Return the probe of a WebUI on port 3001 with these settings."""
    assignments = tuple(f"webui.liveness_{key}={value}" for key, value in chosen.items())
    return liveness_of(load(Source(assignments=assignments)).settings.webui, 3001)


def test_by_default_readiness_answers_count() -> None:
    """Nobody is asked twice; the readiness probe's timeout is what a late answer is late for."""
    probe = of()
    assert probe is not None
    assert (probe.kind, probe.url, probe.timeout_s) == ("http", "", 5.0)


def test_none_is_no_probe() -> None:
    """It can be left out."""
    assert of(kind="none") is None


@pytest.mark.parametrize(
    ("chosen", "url"),
    [
        ({"path": "/alive"}, "http://127.0.0.1:3001/alive"),
        ({"path": "/alive", "port": "99"}, "http://127.0.0.1:99/alive"),
        ({"port": "99"}, "http://127.0.0.1:99/sdapi/v1/progress?skip_current_image=true"),
    ],
)
def test_http_asks_a_path_of_its_own(chosen: dict[str, str], url: str) -> None:
    """A path, a port or both make it a question of its own."""
    probe = of(**chosen)
    assert probe is not None
    assert probe.url == url


def test_tcp_asks_the_webuis_port_unless_told_otherwise() -> None:
    """0 is the WebUI's own port."""
    ours, other = of(kind="tcp"), of(kind="tcp", port="99")
    assert ours is not None
    assert other is not None
    assert (ours.port, other.port) == (3001, 99)


def test_a_command_knows_its_webuis_port() -> None:
    """Each of several WebUIs has its own."""
    probe = of(kind="exec", command="check 'a b' --port={port}")
    assert probe is not None
    assert probe.command == ["check", "a b", "--port=3001"]


@pytest.mark.parametrize(
    ("assignments", "path"),
    [
        (["webui.liveness_kind=exec"], "webui.liveness_command"),
        (["webui.liveness_command='"], "webui.liveness_command"),
        (["keeper.dump_command='"], "keeper.dump_command"),
        (["keeper.dump_wait_s=1min"], "keeper.dump_wait_s"),
        (["handler.silence_s=3s"], "handler.silence_s"),
        (["webui.liveness_path=x"], "webui.liveness_path"),
        (["webui.liveness_kind=grpc"], "webui.liveness_kind"),
    ],
)
def test_what_cannot_work_is_refused(assignments: list[str], path: str) -> None:
    """Each with the setting that is wrong."""
    with pytest.raises(SettingsError) as refused:
        load(Source(assignments=tuple(assignments)))
    assert [each.path for each in refused.value.complaints] == [path]
