"""Which settings the simulated WebUI takes, and what it refuses to start with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from podkeeper.errors import PodkeeperError, SettingsError
from podkeeper.settings.plan import Plan, write
from podkeeper.sim.webui.chosen import choose
from podkeeper.sim.webui.main import main
from podkeeper.sim.webui.options import Options

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_without_a_plan_the_usual_layers_hold() -> None:
    """Defaults, profile and environment are read as for any command."""
    chosen = choose({"PODKEEPER_SIM_WEBUI__LOAD_S": "3s"}).sim_webui
    assert chosen.load_s == 3.0
    assert chosen.threads == 40


def test_the_environment_wins_over_the_plan(plan_of: Callable[..., Plan]) -> None:
    """The plan's settings hold, but for those that the simulator's own environment names."""
    plan = write(plan_of("sim_webui.step_s=2s", "sim_webui.load_s=4s"))
    own = {"PODKEEPER_SIM_WEBUI__LOAD_S": "1s", "PODKEEPER_SIM_WEBUI__FAULTS": "oom,leak"}
    chosen = choose({"PODKEEPER_PLAN": str(plan), **own}).sim_webui
    assert (chosen.step_s, chosen.load_s, chosen.faults) == (2.0, 1.0, ["oom", "leak"])


def test_a_bad_value_beside_a_plan_is_refused(plan_of: Callable[..., Plan]) -> None:
    """The complaint names the setting, as it would without a plan."""
    environ = {"PODKEEPER_PLAN": str(write(plan_of())), "PODKEEPER_SIM_WEBUI__STEP_S": "soon"}
    with pytest.raises(SettingsError, match=r"sim_webui\.step_s"):
        choose(environ)


def test_an_options_file_that_is_none_is_refused(tmp_path: Path) -> None:
    """A file that is no JSON table is named in the error."""
    file = tmp_path / "config.json"
    file.write_text("[]")
    with pytest.raises(PodkeeperError, match=str(file)):
        Options(file)


def test_a_bad_start_ends_with_one_readable_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The command ends with code 2 and says what it cannot read."""
    file = tmp_path / "config.json"
    file.write_text("{")
    assert main(["--ui-settings-file", str(file)]) == 2
    assert capsys.readouterr().err.startswith("sim.webui: cannot read the options")
