"""How is a file replaced so that a reader sees the old one or the new one, never half of it?"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, data: str | bytes, *, mode: int = 0o644, durable: bool = False) -> None:
    """Replace `path` with `data` in one step, through a temporary file beside it.

    With `durable` the data has reached the disk when this returns: for what must survive the
    machine, not only the process.

    Raises:
        OSError: The folder is missing, full or not ours; the old file is then untouched.
    """
    payload = data.encode() if isinstance(data, str) else data
    # A name of this process and thread alone. `tempfile` would cost more than all the rest here.
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(beside, flags, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(payload)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
