"""The layers of settings, their order, and where each value is said to come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from podkeeper.errors import SettingsError
from podkeeper.settings import layers
from podkeeper.settings.load import Loaded, Source, load
from podkeeper.units import Amount

if TYPE_CHECKING:
    from pathlib import Path


def loaded(*assignments: str, **environ: str) -> Loaded:
    """Return what assignments and variables come to."""
    return load(Source(environ=environ, assignments=assignments))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a user's settings file."""
    path = tmp_path / "podkeeper.toml"
    path.write_text('[webui]\nport = 3111\n[logs]\nlevel = "error"\n', encoding="utf-8")
    return path


def test_a_higher_layer_wins(file: Path, tmp_path: Path) -> None:
    """Command line, environment, secret file, file, profile, default: each beats the next."""
    secret = tmp_path / "secret"
    secret.write_text("3222\n", encoding="utf-8")
    variable = "PODKEEPER_WEBUI__PORT"
    layered = [
        Source(profile="a1111"),
        Source(profile="a1111", config=file),
        Source(profile="a1111", config=file, environ={f"{variable}_FILE": str(secret)}),
        Source(config=file, environ={f"{variable}_FILE": str(secret), variable: "3333"}),
        Source(config=file, environ={variable: "3333"}, assignments=("webui.port=3444",)),
    ]
    found = [load(source) for source in layered]
    assert [each.settings.webui.port for each in found] == [3000, 3111, 3222, 3333, 3444]
    assert [each.origins["webui.port"] for each in found] == [
        "default",
        str(file),
        f"secret file {secret}",
        f"environment {variable}",
        "command line --set webui.port",
    ]


def test_a_profile_lies_between_the_defaults_and_the_file(file: Path) -> None:
    """A file changes what a profile says, and a profile what the defaults say."""
    found = load(Source(config=file, profile="a1111"))
    assert found.origins["webui.command"] == "profile a1111"
    assert found.origins["logs.level"] == str(file)
    assert found.origins["logs.backups"] == "default"


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        (Source(profile="forge"), "command line --profile"),
        (
            Source(environ={"PODKEEPER_WORKER__PROFILE": "forge"}),
            "environment PODKEEPER_WORKER__PROFILE",
        ),
        (
            Source(assignments=("worker.profile=forge",)),
            "command line --set worker.profile",
        ),
    ],
)
def test_a_profile_is_chosen_like_any_setting(source: Source, origin: str) -> None:
    """The profile that was applied is the one that the settings name."""
    found = load(source)
    assert found.settings.worker.profile == "forge"
    assert found.origins["worker.profile"] == origin
    assert found.settings.webui.directory == "/stable-diffusion-webui-forge"


@pytest.mark.parametrize("profile", layers.profile_names())
def test_every_profile_is_valid(profile: str) -> None:
    """What ships can be used as it is."""
    assert load(Source(profile=profile)).settings.worker.profile == profile


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    """The complaint lists what there is."""
    with pytest.raises(SettingsError, match="must be one of a1111, forge, simulator"):
        load(Source(profile="comfy"))


def test_the_file_can_be_named_in_the_environment(file: Path) -> None:
    """PODKEEPER_CONFIG names the settings file where the command line does not."""
    assert loaded(PODKEEPER_CONFIG=str(file)).settings.webui.port == 3111


def test_one_name_of_a_table_is_set_by_itself() -> None:
    """Names of a table come from several layers, and each keeps its own origin."""
    found = loaded(
        "webui.environment.B=2",
        PODKEEPER_WEBUI__ENVIRONMENT__HF_HOME="/models",
        PODKEEPER_WEBUI__ENVIRONMENT='{"A": "1", "B": "1"}',
    )
    assert found.settings.webui.environment == {"A": "1", "B": "2", "HF_HOME": "/models"}
    origins = {name: found.origins[f"webui.environment.{name}"] for name in ("A", "B")}
    assert origins == {
        "A": "environment PODKEEPER_WEBUI__ENVIRONMENT",
        "B": "command line --set webui.environment.B",
    }


def test_a_variable_that_ends_in_file_is_no_secret_file(tmp_path: Path) -> None:
    """In a table `_FILE` belongs to the name, and two underscores make it a secret file."""
    token = tmp_path / "token"
    token.write_text(" hf_x \n", encoding="utf-8")
    found = loaded(
        PODKEEPER_WEBUI__ENVIRONMENT__SSL_CERT_FILE="/etc/ca.pem",
        PODKEEPER_WEBUI__ENVIRONMENT__HF_TOKEN__FILE=str(token),
    )
    assert found.settings.webui.environment == {"SSL_CERT_FILE": "/etc/ca.pem", "HF_TOKEN": "hf_x"}


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """The complaint names the variable, the file and the cause."""
    missing = str(tmp_path / "missing")
    with pytest.raises(SettingsError, match=r"_FILE = .*missing.*No such file") as refused:
        loaded(PODKEEPER_RUNPOD__API_KEY_FILE=missing)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("variable", "value", "path", "typed"),
    [
        ("RUNPOD_AI_API_KEY", "rpa", "api_key", "rpa"),
        ("RUNPOD_LOG_LEVEL", "WARN", "log_level", "WARN"),
        ("RUNPOD_PING_INTERVAL", "7000", "ping_interval_s", 7.0),
    ],
)
def test_the_platforms_own_variables_are_settings_too(
    variable: str, value: str, path: str, typed: object
) -> None:
    """What RunPod puts into the environment sets what we call by another name."""
    found = loaded(**{variable: value})
    assert getattr(found.settings.runpod, path) == typed
    assert found.origins[f"runpod.{path}"] == f"environment {variable}"


@pytest.mark.parametrize(
    ("text", "typed"), [("yes", True), ("on", True), ("TRUE", True), ("0", False), ("no", False)]
)
def test_truth_is_written_in_many_ways(text: str, *, typed: bool) -> None:
    """The environment's spellings of true and false are understood."""
    assert loaded(PODKEEPER_SIM_WEBUI__REAL_RAM=text).settings.sim_webui.real_ram is typed


def test_a_list_is_written_with_commas_or_as_json() -> None:
    """Both spellings of a list give the same."""
    commas = loaded("webui.pass_environment=A, B_*").settings
    assert commas == loaded('webui.pass_environment=["A", "B_*"]').settings


def test_a_text_that_looks_like_json_stays_a_text() -> None:
    """Only lists and tables are read as JSON."""
    assert loaded("webui.command=[1]").settings.webui.command == "[1]"


def test_a_share_becomes_bytes_of_the_capacity() -> None:
    """A share is kept as one until the container's memory is known."""
    soft = loaded("webui.memory_soft=25%").settings.webui.memory_soft
    assert soft == Amount(ratio=0.25)
    assert soft.of(16 << 30) == 4 << 30


def test_hyphens_are_underscores_on_the_command_line() -> None:
    """`--set webui.stop-wait-s=3` is what `stop_wait_s` means."""
    assert loaded("webui.stop-wait-s=3s").settings.webui.stop_wait_s == 3
