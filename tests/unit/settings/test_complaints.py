"""What is said of a bad setting: path, value, origin, what is allowed; and never a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from podkeeper import units
from podkeeper.errors import Complaint, SettingsError
from podkeeper.settings.load import Source, load

if TYPE_CHECKING:
    from pathlib import Path


def complaints(*assignments: str, **environ: str) -> list[Complaint]:
    """Return what is wrong with settings that are bad."""
    with pytest.raises(SettingsError) as refused:
        load(Source(environ=environ, assignments=assignments))
    return refused.value.complaints


@pytest.mark.parametrize(
    ("assignment", "allowed"),
    [
        ("webui.port=70000", "must be a whole number from 1 to 65535"),
        ("webui.port=web", "must be a whole number from 1 to 65535"),
        ("handler.attempts=0", "must be a whole number, at least 1"),
        ("restart.backoff_factor=0.5", "must be a number, at least 1"),
        ("restart.backoff_factor=inf", "must be a number, at least 1"),
        ("restart.backoff_factor=nan", "must be a number, at least 1"),
        ("logs.level=loud", "must be one of debug, error, info, warning"),
        ("sim_webui.real_ram=maybe", "must be true or false"),
        ("webui.readiness_path=ready", "must be a path beginning with /"),
        ("logs.dir=~/logs", "must be a path without ~"),
        ("worker.umask=999", "must be three octal digits"),
        (
            "ledger.max_bytes=0",
            'must be a size such as "512MiB", "6GiB" or a number of bytes, above 0',
        ),
        (
            "webui.memory_hard=lots",
            f"must be {units.AMOUNT_EXAMPLES}",
        ),
        (
            "watchdog.period_s=soon",
            'must be a span such as "500ms", "90s", "5min", "2h" or a number of seconds, above 0',
        ),
        ("memory.release_ratio=140%", 'must be a share such as "85%" or a number from 0 to 1'),
        ("webui.environment=PATH", "must be a table"),
    ],
)
def test_a_bad_value_is_answered_with_what_is_allowed(assignment: str, allowed: str) -> None:
    """The complaint carries path, value, origin and what would be right."""
    path, _, value = assignment.partition("=")
    assert complaints(assignment) == [Complaint(path, value, f"command line --set {path}", allowed)]


@pytest.mark.parametrize(
    ("path", "suggestion"),
    [
        ("webui.prot", "webui.port"),
        ("webiu.port", "webui.port"),
        ("port", None),
        ("readiness_path", "webui.readiness_path"),
        ("handler.job_timeout", "handler.job_timeout_s"),
    ],
)
def test_a_mistyped_setting_is_recognised(path: str, suggestion: str | None) -> None:
    """An unknown setting is refused with the one that was probably meant."""
    (complaint,) = complaints(f"{path}=1")
    if suggestion is not None:
        assert complaint.suggestion == suggestion
    assert complaint.allowed in ("no such setting", "no such section")


def test_all_that_is_wrong_is_said_at_once() -> None:
    """One run of validation shows every bad setting."""
    found = complaints("webui.port=0", PODKEEPER_LOGS__LEVEL="loud", PODKEEPER_NONSENSE="1")
    assert {each.path for each in found} == {"webui.port", "logs.level", "nonsense"}


@pytest.mark.parametrize(
    ("assignments", "path"),
    [
        (["webui.memory_soft=95%", "webui.memory_hard=90%"], "webui.memory_soft"),
        (["handler.memory_soft=0%", "handler.memory_hard=0%"], "handler.memory_soft"),
        (["webui.memory_hard=0"], "webui.memory_hard"),
        (["memory.reserve=100%"], "memory.reserve"),
        (["webui.port=65535", "webui.instances=2"], "webui.port"),
        (["watchdog.port=3000"], "watchdog.port"),
        (["platform.port=3080"], "platform.port"),
        (["restart.backoff_first_s=2h"], "restart.backoff_first_s"),
        (["keeper.watchdog_silence_s=1s"], "keeper.watchdog_silence_s"),
        (["keeper.silence_s=4s"], "keeper.silence_s"),
        (["keeper.states_period_s=20s"], "keeper.silence_s"),
        (["handler.stop_wait_s=5s"], "handler.stop_wait_s"),
        (["webui.command='open"], "webui.command"),
        (['webui.environment={"A B": "1"}'], "webui.environment"),
        (['handler.environment={"A": "\\u0000"}'], "handler.environment.A"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(assignments: list[str], path: str) -> None:
    """What is fine by itself and impossible together is found before anything starts."""
    found = complaints(*assignments)
    assert path in {each.path for each in found}
    assert all(each.origin for each in found)


SECRET = "rpa_0SECRET0VALUE0"


@pytest.mark.parametrize(
    "environ",
    [
        {"PODKEEPER_RUNPOD__API_KYE": SECRET},
        {"PODKEEPER_RUNPOD_API_KEY": SECRET},
        {"PODKEEPER_RUNPOD__API_KEY__X": SECRET},
        {"PODKEEPER_WEBUI__ENVIRONMENT": f'{{"HF_TOKEN": ["{SECRET}"]}}'},
        {"PODKEEPER_WEBUI__ENVIRONMENT__HF_TOKEN__X": SECRET, "PODKEEPER_WEBUI__PORT": "x"},
    ],
)
def test_a_complaint_never_shows_a_secret(environ: dict[str, str]) -> None:
    """Whatever is wrong with a secret, its value is not in the message."""
    assert SECRET not in "; ".join(str(each) for each in complaints(**environ))


def test_a_secret_file_is_never_shown(tmp_path: Path) -> None:
    """A value that came from a secret file is masked, whatever setting it is for."""
    file = tmp_path / "secret"
    file.write_text(SECRET, encoding="utf-8")
    (complaint,) = complaints(PODKEEPER_WEBUI__PORT_FILE=str(file))
    assert complaint.value == "(secret)"
    assert complaint.origin == f"secret file {file}"


@pytest.mark.parametrize(
    ("text", "cause"),
    [("[webui", "no TOML"), ("port = 3000", "no such section"), ("[webui.port]\na=1", "must be a")],
)
def test_a_bad_file_is_refused_with_its_name(tmp_path: Path, text: str, cause: str) -> None:
    """The complaint says which file and what is wrong in it."""
    file = tmp_path / "bad.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=cause) as refused:
        load(Source(config=file))
    assert str(file) in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A file that was named and is not there is an error, not a silent default."""
    with pytest.raises(SettingsError, match="No such file"):
        load(Source(config=tmp_path / "none.toml"))


def test_an_assignment_needs_an_equals_sign() -> None:
    """`--set webui.port` alone is refused with the form it should have."""
    (complaint,) = complaints("webui.port")
    assert complaint.allowed == "must read section.key=value"
