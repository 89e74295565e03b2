"""`podkeeper config` and `podkeeper render`, as they are typed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from podkeeper.cli import main
from podkeeper.render import FILE_NAME
from podkeeper.settings import plan as plans

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from podkeeper.settings.plan import Plan

    Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def podkeeper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Return what runs a command on a worker whose runtime folder is empty."""
    monkeypatch.setenv("PODKEEPER_WORKER__RUNTIME_DIR", str(tmp_path))

    def run(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_show_names_value_and_origin(podkeeper: Command) -> None:
    """Each row tells what holds and which layer said so."""
    code, out, _ = podkeeper("config", "show", "webui.port", "--origin", "--set", "webui.port=3001")
    assert (code, out) == (0, "webui.port = 3001  # command line --set webui.port\n")


def test_show_knows_sections_and_json(podkeeper: Command) -> None:
    """A section stands for all of its settings; JSON carries the same values."""
    _, out, _ = podkeeper("config", "show", "ledger", "--json", "--origin")
    assert json.loads(out)["ledger.max_bytes"] == {"value": 64 << 20, "origin": "default"}


def test_show_masks_secrets(podkeeper: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret is printed, in either form; what is no secret stays readable."""
    monkeypatch.setenv("RUNPOD_AI_API_KEY", "rpa_hush")
    words = ["--set", "webui.environment.HF_TOKEN=hf_hush", "--set", "webui.environment.A=plain"]
    for form in ([], ["--json"]):
        _, out, _ = podkeeper("config", "show", *form, *words)
        assert "_hush" not in out
        assert "plain" in out
        assert "webui.environment.HF_TOKEN" in out


def test_show_refuses_what_does_not_exist(podkeeper: Command) -> None:
    """A mistyped path is answered with the right one."""
    code, _, err = podkeeper("config", "show", "webui.prot")
    assert code == 2
    assert "did you mean webui.port?" in err


def test_validate_says_each_complaint_on_its_line(podkeeper: Command, tmp_path: Path) -> None:
    """A bad file ends with exit code 2 and one line for each thing that is wrong in it."""
    file = tmp_path / "bad.toml"
    file.write_text('[webui]\nprot = 1\nport = 0\n[logs]\nlevel = "loud"\n', encoding="utf-8")
    code, out, err = podkeeper("config", "validate", str(file))
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 3
    assert all(str(file) in line for line in err.splitlines())


def test_validate_looks_at_the_file_alone(
    podkeeper: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A good file is valid whatever the environment of the one who asks."""
    monkeypatch.setenv("PODKEEPER_WEBUI__PORT", "nonsense")
    file = tmp_path / "good.toml"
    file.write_text("[webui]\nport = 3001\n", encoding="utf-8")
    assert podkeeper("config", "validate", str(file))[0] == 0
    assert podkeeper("config", "validate")[0] == 2


def test_schema_is_json(podkeeper: Command) -> None:
    """The schema can be handed to an editor."""
    _, out, _ = podkeeper("config", "schema")
    assert json.loads(out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_render_prints_the_same_text_twice(podkeeper: Command) -> None:
    """Equal settings give equal texts."""
    first, second = podkeeper("render"), podkeeper("render")
    assert first == second
    assert first[1].startswith("; Rendered by podkeeper")


def test_check_tells_a_missing_an_equal_and_another_configuration(
    podkeeper: Command, tmp_path: Path
) -> None:
    """Exit code 1 says that what stands there is not what the settings come to."""
    code, _, err = podkeeper("render", "--check")
    assert (code, err) == (1, f"podkeeper: {tmp_path / FILE_NAME} does not exist\n")
    assert podkeeper("render", "--output", str(tmp_path / FILE_NAME)) == (0, "", "")
    assert podkeeper("render", "--check", "--diff") == (0, "", "")
    code, out, _ = podkeeper("render", "--check", "--diff", "--set", "webui.stop_wait_s=77s")
    assert code == 1
    assert "-stopwaitsecs = 10\n+stopwaitsecs = 77\n" in out


def test_a_running_worker_differs_by_its_settings_only(
    podkeeper: Command, tmp_path: Path, plan_of: Callable[..., Plan]
) -> None:
    """The id, the folder and the interpreter of the start that was are no difference."""
    plan = plan_of(f"worker.runtime_dir={tmp_path}")
    plans.write(plan)
    _, text, _ = podkeeper("render")
    assert f'PODKEEPER_RUN="{plan.run_id}"' in text
    assert f"directory = {plan.program('keeper').directory}\n" in text
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    assert podkeeper("render", "--check")[0] == 0


def test_a_bad_setting_ends_rendering_with_one_line(podkeeper: Command) -> None:
    """Nothing is rendered from bad settings; exit code 2 and the complaint."""
    code, out, err = podkeeper("render", "--set", "webui.port=0")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "webui.port = '0'" in err


def test_what_cannot_be_rendered_or_written_is_said(podkeeper: Command, tmp_path: Path) -> None:
    """A value that supervisor cannot carry, or a file that cannot be written: one line each."""
    code, _, err = podkeeper("render", "--set", "webui.command=a\nb 'c\nd'")
    assert (code, err) == (
        2,
        "podkeeper: cannot render the command of webui: the value holds a line break\n",
    )
    code, _, err = podkeeper("render", "--output", str(tmp_path / "no" / "file"))
    assert code == 2
    assert err.endswith("No such file or directory\n")
