"""Which allocator is in use, and how it gives memory back: real ones, where they are there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hooks.webui_extension.podkeeper_webui import process
from hooks.webui_extension.podkeeper_webui.host import MissingError
from hooks.webui_extension.podkeeper_webui.release import release

FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")
#: Holes between what stays: what no allocator gives back by itself at once.
SCRIPT = """
import json
from hooks.webui_extension.podkeeper_webui import process, release
kept = [bytes(3000) for _ in range(60_000)]
full = process.anon_bytes()
del kept[::2], kept[1::2]
kept = None
free = process.anon_bytes()
said = release.release(process.allocator())
print(json.dumps([process.allocator()["name"], said, full, free, process.anon_bytes()]))
"""


def library(name: str) -> str:
    """Return an allocator's library, or skip the test."""
    own = [each for each in os.environ.get("LD_LIBRARY_PATH", "").split(":") if each]
    found = [path for folder in (*own, *FOLDERS) for path in Path(folder).glob(f"lib{name}*.so.*")]
    usable = [str(path) for path in found if "debug" not in path.name]
    if not usable:
        pytest.skip(f"{name} is not installed")
    return usable[0]


def run(preload: str) -> list[Any]:
    """Return allocator, words, and RAM full, freed and released, of a process of its own."""
    environ = {**os.environ, "LD_PRELOAD": preload, "PYTHONMALLOC": "malloc"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environ, capture_output=True, text=True, check=True
    )
    told: list[Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("glibc", "malloc_trim"),
        ("tcmalloc", "MallocExtension_ReleaseFreeMemory"),
        ("jemalloc", "arena.4096.purge"),
    ],
)
def test_the_allocator_in_use_gives_back_what_it_keeps(name: str, words: str) -> None:
    """It is known by the library its functions come from, and what was freed leaves the process."""
    found, said, full, free, after = run("" if name == "glibc" else library(name))
    assert (found, said) == (name, words)
    assert full > 180_000_000
    assert after < 60_000_000
    assert after <= free


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4.5.10", "tcmalloc"),
        ("/usr/lib/libtcmalloc.so.4", "tcmalloc"),
        ("/usr/lib/libjemalloc.so.2", "jemalloc"),
        ("/opt/lib/libmimalloc.so.2.0", "mimalloc"),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "glibc"),
        ("/lib/x86_64-linux-gnu/libc-2.31.so", "glibc"),
        ("/lib/ld-musl-x86_64.so.1", "musl"),
        ("/opt/odd/libhoard.so", "libhoard.so"),
        ("", "unknown"),
    ],
)
def test_an_allocator_is_known_by_its_library(path: str, name: str) -> None:
    """Every name under which the libraries are installed is known, and others keep theirs."""
    assert process.kind_of(path) == name


def test_an_allocator_without_a_way_is_said() -> None:
    """Nothing is tried on a library that nobody knows."""
    with pytest.raises(MissingError, match=r"no way is known for libhoard\.so"):
        release({"name": "libhoard.so", "path": "/opt/odd/libhoard.so"})


def test_a_library_without_the_function_is_said() -> None:
    """A library of the right name and another making is one line, and no end of the process."""
    with pytest.raises(MissingError, match="MallocExtension_ReleaseFreeMemory"):
        release({"name": "tcmalloc", "path": "libc.so.6"})
