"""What tests of several folders share: plans of a known machine, and supervisor's own reading."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from nvml_stand_in import StandIn, built
from supervisor.options import ServerOptions

from podkeeper.settings.load import Source, load
from podkeeper.settings.programs import Surroundings, make_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.settings.plan import Plan


@pytest.fixture
def supervisor_reads(tmp_path: Path) -> Callable[[str], ServerOptions]:
    """Return what turns a configuration's text into what supervisord makes of it."""

    def read(text: str) -> ServerOptions:
        path = tmp_path / "supervisord.conf"
        path.write_text(text, encoding="utf-8", newline="")
        options = ServerOptions()
        options.realize(args=["-c", str(path)])
        return options

    return read


def surroundings(folder: Path = Path("/run/podkeeper")) -> Surroundings:
    """Return a machine of which everything is known."""
    return Surroundings(
        python="/usr/bin/python3",
        directory="/srv/worker",
        runtime_dir=folder,
        state_dir=folder / "state",
        memory_capacity_bytes=16 << 30,
        platform_named=False,
        version="1.2.3",
        run_id="run-1",
        made_at_s=1_700_000_000.0,
        cpu_quota_cores=6.5,
    )


@pytest.fixture
def plan_of(tmp_path: Path) -> Callable[..., Plan]:
    """Return what makes a plan from `section.key=value` texts, in a folder that exists.

    A profile's plan with `fixed` is of a machine whose folders are always the same.
    """

    def make(*assignments: str, profile: str = "simulator", fixed: bool = False) -> Plan:
        settings = load(Source(assignments=assignments, profile=profile)).settings
        return make_plan(settings, surroundings() if fixed else surroundings(tmp_path))

    return make


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a stand-in for NVIDIA's management library, built once."""
    library = built(tmp_path_factory.mktemp("nvml"))
    if library is None:
        pytest.skip("there is no C compiler")
    return library


@pytest.fixture
def nvml(nvml_library: Path, tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    """Return a driver's library of this test's own, which sees no GPU until it is told of one."""
    return StandIn(tmp_path_factory.mktemp("driver"), nvml_library)
