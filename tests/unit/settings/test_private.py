"""Who gets which variable, and who never gets the RunPod key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from podkeeper.errors import SettingsError
from podkeeper.render import supervisord_conf
from podkeeper.settings import plan as plans
from podkeeper.settings.load import Source, load
from podkeeper.settings.private import LOCAL_KEY, base_environment, private_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.settings.plan import Plan
    from podkeeper.settings.schema import Settings

    MakePlan = Callable[..., Plan]

KEY = "rpa_THE0RUNPOD0KEY0ITSELF"


def given_settings(*assignments: str, environ: dict[str, str] | None = None) -> Settings:
    """Return the settings of some assignments and an environment."""
    return load(Source(environ=environ or {}, assignments=assignments)).settings


def test_the_webui_gets_what_its_patterns_name(plan_of: MakePlan) -> None:
    """Only variables whose names match are handed on."""
    environ = {"HF_HOME": "/models", "AWS_SECRET": "no", "hf_home": "no"}
    private = private_environment(given_settings(), environ, plan_of())
    assert private["webui"] == {"HF_HOME": "/models"}


def test_every_webui_gets_the_same(plan_of: MakePlan) -> None:
    """Each instance has its own file with the same variables."""
    private = private_environment(
        given_settings("webui.instances=2"), {"HF_HOME": "/m"}, plan_of("webui.instances=2")
    )
    assert private["webui-0"] == private["webui-1"] == {"HF_HOME": "/m"}


def test_what_is_set_for_a_program_wins_over_what_is_passed_on(plan_of: MakePlan) -> None:
    """A variable in the settings stands against the same one in the environment."""
    settings = given_settings("webui.environment.HF_HOME=/set")
    private = private_environment(settings, {"HF_HOME": "/passed"}, plan_of())
    assert private["webui"] == {"HF_HOME": "/set"}


def test_any_text_can_be_set_for_a_program(plan_of: MakePlan) -> None:
    """Quotes and line breaks, which supervisor's own format cannot carry, are fine here."""
    settings = given_settings("webui.environment.COMMANDLINE_ARGS=--a \"b\" --c 'd'\n; # %")
    private = private_environment(settings, {}, plan_of())
    assert private["webui"]["COMMANDLINE_ARGS"] == "--a \"b\" --c 'd'\n; # %"


def test_the_handler_gets_the_key(plan_of: MakePlan) -> None:
    """The handler has the key under the name that the SDK reads."""
    settings = given_settings(environ={"PODKEEPER_RUNPOD__API_KEY": KEY})
    assert private_environment(settings, {}, plan_of())["handler"] == {"RUNPOD_AI_API_KEY": KEY}


def test_beside_the_local_platform_the_sdk_has_some_key(plan_of: MakePlan) -> None:
    """Without any key the SDK would send no heartbeats, so the stand-in has one of its own."""
    private = private_environment(given_settings(), {}, plan_of())
    assert private["handler"]["RUNPOD_AI_API_KEY"] == LOCAL_KEY
    assert private["platform"] == {"RUNPOD_AI_API_KEY": LOCAL_KEY}


def test_without_platform_and_key_there_is_none(plan_of: MakePlan) -> None:
    """No key is made up for the real platform."""
    plan = plan_of("platform.enabled=no")
    assert private_environment(given_settings("platform.enabled=no"), {}, plan)["handler"] == {}


def test_a_local_worker_does_not_poll_the_real_platform(plan_of: MakePlan) -> None:
    """The plan's own variables stand against those that the container was given."""
    environ = {"RUNPOD_WEBHOOK_GET_JOB": "https://real/", "RUNPOD_DC_ID": "EU"}
    plan = plan_of("platform.enabled=yes")
    handler = private_environment(given_settings("platform.enabled=yes"), environ, plan)["handler"]
    assert "RUNPOD_WEBHOOK_GET_JOB" not in handler
    assert handler["RUNPOD_DC_ID"] == "EU"


CARRIERS = {
    "RUNPOD_AI_API_KEY": KEY,
    "RUNPOD_API_KEY": "rpa_ANOTHER0KEY0OF0THE0POD",
    "PODKEEPER_RUNPOD__API_KEY": KEY,
    "PODKEEPER_RUNPOD__API_KEY_FILE": "/run/secrets/key",
    "HF_TOKEN": KEY,
    "CUDA_HEADER": f"Bearer {KEY}",
}


@pytest.mark.parametrize("pattern", ["*", "RUNPOD_*", "PODKEEPER_*", "HF_*", "CUDA_*"])
def test_the_key_never_reaches_the_webui(plan_of: MakePlan, pattern: str) -> None:
    """No pattern hands the key on to the WebUI, under whatever name it comes."""
    settings = given_settings(
        f"webui.pass_environment={pattern}", environ={"RUNPOD_AI_API_KEY": KEY}
    )
    webui = private_environment(settings, CARRIERS, plan_of())["webui"]
    assert webui == {}


@pytest.mark.parametrize("pattern", ["*", "RUNPOD_*", "PODKEEPER_*", "HF_*", "CUDA_*"])
def test_the_key_never_reaches_supervisord(pattern: str) -> None:
    """What every program inherits is free of the key, whatever the list allows."""
    settings = given_settings(
        f"worker.base_environment={pattern}", environ={"RUNPOD_AI_API_KEY": KEY}
    )
    assert base_environment(settings, CARRIERS) == {}


def test_supervisord_is_started_with_an_allowed_few() -> None:
    """What is not on the list is dropped, a token above all."""
    environ = {"PATH": "/bin", "LC_ALL": "C.UTF-8", "NVIDIA_VISIBLE_DEVICES": "all", "X_TOKEN": "t"}
    kept = base_environment(given_settings(), environ)
    assert kept == {name: environ[name] for name in ("PATH", "LC_ALL", "NVIDIA_VISIBLE_DEVICES")}


def test_the_paid_memory_reaches_the_watchdog() -> None:
    """What the platform promises is kept for all: the watchdog measures against it."""
    environ = {"RUNPOD_MEM_GB": "31", "RUNPOD_API_KEY": "rpa_no", "RUNPOD_POD_ID": "p"}
    assert base_environment(given_settings(), environ) == {"RUNPOD_MEM_GB": "31"}


def test_a_short_key_takes_no_path_away() -> None:
    """A made-up key that is part of a path by chance does not drop PATH."""
    settings = given_settings("runpod.api_key=local")
    environ = {"PATH": "/usr/local/bin", "LANG": "local"}
    assert base_environment(settings, environ) == {"PATH": "/usr/local/bin"}


def test_the_names_of_a_start_are_not_handed_on(plan_of: MakePlan) -> None:
    """The plan of an outer worker does not become the plan of this one's programs."""
    settings = given_settings("webui.pass_environment=*")
    assert private_environment(settings, {"PODKEEPER_PLAN": "/x"}, plan_of())["webui"] == {}


def test_the_key_cannot_be_set_for_the_webui() -> None:
    """Asking for it is refused, without showing it."""
    environ = {"RUNPOD_AI_API_KEY": KEY, "PODKEEPER_WEBUI__ENVIRONMENT__MINE": f"x{KEY}"}
    with pytest.raises(
        SettingsError, match=r"webui\.environment\.MINE.*for the handler"
    ) as refused:
        given_settings(environ=environ)
    assert KEY not in str(refused.value)


SECRETS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=24, max_size=40)


@given(key=SECRETS, token=SECRETS)
@hypothesis_settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_secret_is_rendered_or_planned(plan_of: MakePlan, key: str, token: str) -> None:
    """Neither text holds the key, a passed variable or one that was set for a program."""
    plan = plan_of(
        f"runpod.api_key=key{key}",
        f"webui.environment.HF_TOKEN=token{token}",
        f"handler.environment.BUCKET_SECRET=token{token}",
    )
    written = supervisord_conf(plan).encode() + plans.dump(plan)
    assert key.encode() not in written
    assert token.encode() not in written


def test_passed_values_are_neither_rendered_nor_planned(
    plan_of: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values of podkeeper's own environment stay out of both texts."""
    monkeypatch.setenv("HF_TOKEN", "hf_passed_value")
    monkeypatch.setenv("RUNPOD_AI_API_KEY", KEY)
    plan = plan_of()
    written = supervisord_conf(plan) + plans.dump(plan).decode()
    assert "hf_passed_value" not in written
    assert KEY not in written
