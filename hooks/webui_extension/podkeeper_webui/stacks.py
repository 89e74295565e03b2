"""Where does each thread stand at this moment?

Covers: all Python threads, without touching a disk: their source may lie on a volume that hangs.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType


def _frames(frame: FrameType | None) -> list[dict[str, Any]]:
    """Return a stack, the innermost call last."""
    found = []
    while frame is not None:
        code = frame.f_code
        found.append({"file": code.co_filename, "line": frame.f_lineno, "function": code.co_name})
        frame = frame.f_back
    return found[::-1]


def threads() -> list[dict[str, Any]]:
    """Return every thread with its stack. Same as `py-spy dump --pid PID`."""
    known = {each.ident: each for each in threading.enumerate()}
    found = []
    for ident, frame in sys._current_frames().items():  # noqa: SLF001 - documented for this use
        thread = known.get(ident)
        found.append(
            {
                "id": ident,
                "name": thread.name if thread else "not started by Python",
                "daemon": bool(thread and thread.daemon),
                "frames": _frames(frame),
            }
        )
    return found


def as_text(found: list[dict[str, Any]]) -> str:
    """Return stacks as people read them."""
    lines = []
    for thread in found:
        lines.append(f'Thread {thread["id"]} "{thread["name"]}", most recent call last:')
        lines += [
            f"  {frame['function']} ({frame['file']}:{frame['line']})" for frame in thread["frames"]
        ]
    return "\n".join(lines) + "\n"
