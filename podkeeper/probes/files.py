"""What does a file of the kernel say, if it can be read at all?

Covers: whole files, single numbers and tables of numbers.
Leaves out: what they mean.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: Kernel files are small; nobody's file may make the watchdog grow.
_MOST_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16
#: Enough for the blanks and the digits of any number the kernel writes.
_NUMBER_BYTES = 64


def read(path: str) -> bytes | None:
    """Return the file's content, or None where it cannot be read.

    Works on descriptors, without the layers of `open`: a tick reads some hundred small files.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _drain(handle)
    except OSError:  # a process that vanishes while it is read
        return None
    finally:
        os.close(handle)


def _drain(handle: int) -> bytes:
    content = os.read(handle, _CHUNK_BYTES)
    chunk = content
    while chunk and len(content) < _MOST_BYTES:
        chunk = os.read(handle, _CHUNK_BYTES)
        content += chunk
    return content


def number(path: str) -> int | None:
    """Return the one whole number in the file, or None where there is no such number."""
    content = read(path)
    try:
        return None if content is None else int(content)
    except ValueError:  # such as the "max" of cgroup v2
        return None


def table(path: str, *names: str) -> dict[str, int]:
    """Return the named numbers of a file of `name value` or `name: value kB` lines, as they stand.

    A name that is not there, or has no number, is left out. Only what is asked for is looked at:
    these files have fifty lines and more.
    """
    content = b"\n" + (read(path) or b"")
    numbers = {}
    for name in names:
        line = b"\n" + name.encode()
        start = max(content.find(line + b" "), content.find(line + b":"))
        after = start + len(line) + 1
        words = content[after : after + _NUMBER_BYTES].split(maxsplit=1) if start >= 0 else []
        if words and words[0].isdigit():
            numbers[name] = int(words[0])
    return numbers


def changed_at_ns(path: Path) -> int | None:
    """Return when a file was last written or replaced, or None where there is none.

    Same as `stat -c %Y`, in nanoseconds.
    """
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None
