"""What resident programs keep out of memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

# What is put off has a stand-in without a spec.
_LOADED = """
import sys
{imports}
print(*(name for name, module in sys.modules.items() if module and "__spec__" in vars(module)
        and module.__spec__))
"""
#: What makes a resident program large and is of no use to it.
HEAVY = {
    "ast",
    "email",
    "http.client",
    "inspect",
    "ssl",
    "subprocess",
    "tempfile",
    "xmlrpc",
    "_hashlib",
}


def loaded(imports: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after some imports."""
    command = [sys.executable, "-P", "-c", _LOADED.format(imports=imports)]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize("program", ["hooks.keeper", "hooks.watchdog"])
def test_a_resident_program_loads_nothing_that_is_large_and_useless(program: str) -> None:
    """Three megabytes of modules that are never used stay out of it."""
    alone, with_program = loaded("pass"), loaded(f"import {program}")
    assert program.rpartition(".")[2] in {name.rpartition(".")[2] for name in with_program}
    assert not (with_program - alone) & HEAVY


def test_the_plugin_adds_nothing_large_to_supervisord() -> None:
    """What only questions need is loaded when somebody asks."""
    supervisor = "import supervisor.supervisord, supervisor.rpcinterface, supervisor.http"
    added = loaded(f"{supervisor}\nimport hooks.plugin") - loaded(supervisor)
    assert "hooks.plugin" in added
    assert not added & {"ast", "dataclasses", "inspect", "msgspec", "sqlite3"}


def test_what_is_put_off_is_there_when_it_is_used() -> None:
    """A stack dump still finds its command, and a class without a docstring its signature."""
    use = (
        "import hooks.lean, shutil, subprocess, dataclasses\n"
        "assert shutil.which('sh')\n"
        "assert subprocess.run(['true']).returncode == 0\n"
        "made = dataclasses.make_dataclass('Made', ['x'])\n"
        "assert made.__doc__.startswith('Made(x')"
    )
    assert {"inspect", "shutil", "subprocess"} <= loaded(use)
