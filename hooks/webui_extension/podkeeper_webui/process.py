"""How much RAM does this process hold, and which allocator gives it out?"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path

from .host import MissingError

_KIB = 1024
_FIELDS = {
    "RssAnon": "anon_bytes",
    "VmRSS": "rss_bytes",
    "RssFile": "file_bytes",
    "VmSwap": "swap_bytes",
    "VmHWM": "rss_peak_bytes",
}
#: What is in the file name of a library that brings a malloc.
_KNOWN = ("tcmalloc", "jemalloc", "mimalloc", "musl")
_LIBC = ("libc.so", "libc-")


def ram() -> dict[str, int]:
    """Return RAM in bytes. Same as `cat /proc/PID/status`; `rss_peak_bytes` is since the start.

    Raises:
        MissingError: The kernel does not tell.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    found = dict(line.split(":", 1) for line in lines if ":" in line)
    if "RssAnon" not in found:
        raise MissingError("/proc/self/status has no RssAnon")
    return {
        name: int(found[field].split()[0]) * _KIB
        for field, name in _FIELDS.items()
        if field in found
    }


def anon_bytes() -> int:
    """Return the RAM that only this process's end would free: `grep RssAnon /proc/PID/status`."""
    return ram()["anon_bytes"]


def _mapped_at(address: int) -> str:
    """Return the file mapped at an address. Same as `cat /proc/PID/maps`."""
    with Path("/proc/self/maps").open(encoding="utf-8", errors="replace") as maps:
        for line in maps:
            span, *_, path = [*line.split(maxsplit=5), ""][:6]
            first, _, last = span.partition("-")
            if int(first, 16) <= address < int(last, 16):
                return path.strip()
    raise MissingError("malloc_usable_size lies in no mapping")


def kind_of(path: str) -> str:
    """Return the allocator's name by the library it is in."""
    name = path.rpartition("/")[2]
    known = next((each for each in _KNOWN if each in name), None)
    return known or ("glibc" if name.startswith(_LIBC) else name or "unknown")


@lru_cache(maxsize=1)
def allocator() -> dict[str, str]:
    """Return the allocator in use: the library that this process finds for `malloc_usable_size`.

    A library that is merely mapped does not count: it may serve one module alone. `malloc` itself
    is found in the interpreter where that is no position-independent program, as in Debian.

    Raises:
        MissingError: It cannot be told.
    """
    address = ctypes.cast(ctypes.CDLL(None).malloc_usable_size, ctypes.c_void_p).value
    if address is None:
        raise MissingError("this process has no malloc_usable_size")
    path = _mapped_at(address)
    return {"name": kind_of(path), "path": path}
