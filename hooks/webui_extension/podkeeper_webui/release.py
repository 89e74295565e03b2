"""How does an allocator give the memory back that it keeps for later?

After all checkpoints are dropped stock tcmalloc was seen to keep everything until it is told, and
glibc a third of it.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from .host import MissingError

if TYPE_CHECKING:
    from collections.abc import Callable

#: jemalloc's number for all arenas at once (MALLCTL_ARENAS_ALL).
_ALL_ARENAS = 4096


def _tcmalloc(library: ctypes.CDLL) -> str:
    library.MallocExtension_ReleaseFreeMemory()
    return "MallocExtension_ReleaseFreeMemory"


def _jemalloc(library: ctypes.CDLL) -> str:
    name = f"arena.{_ALL_ARENAS}.purge"
    error = library.mallctl(name.encode(), None, None, None, ctypes.c_size_t(0))
    if error:
        raise MissingError(f"jemalloc answers {error} to {name}")
    return name


def _mimalloc(library: ctypes.CDLL) -> str:
    library.mi_collect(ctypes.c_bool(True))  # noqa: FBT003 - a C function has no names
    return "mi_collect"


def _glibc(library: ctypes.CDLL) -> str:
    done = library.malloc_trim(ctypes.c_size_t(0))
    return "malloc_trim" if done else "malloc_trim found nothing to give back"


_WAYS: dict[str, Callable[[ctypes.CDLL], str]] = {
    "tcmalloc": _tcmalloc,
    "jemalloc": _jemalloc,
    "mimalloc": _mimalloc,
    "glibc": _glibc,
}


def release(allocator: dict[str, str]) -> str:
    """Let the allocator give back what it can, and return in words how.

    Raises:
        MissingError: It knows no way, or refuses.
    """
    way = _WAYS.get(allocator["name"])
    if way is None:
        raise MissingError(f"no way is known for {allocator['name']}")
    try:
        return way(ctypes.CDLL(allocator["path"]))
    except (AttributeError, OSError) as error:
        raise MissingError(f"{allocator['path']}: {error}") from error
