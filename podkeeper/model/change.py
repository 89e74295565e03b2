"""What would a new configuration change in the worker that runs?

Covers: the value that lies beside a configuration that is ready to be put into place.
Leaves out: making it (`podkeeper.reload`), carrying it out (`podkeeper.loops.desk`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

#: Folder within the runtime folder where the next configuration lies until it is put into place.
NEXT = "next"
FILE_NAME = "change.json"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The difference, by program. A program is in one of the lists at most."""

    added: list[str] = []
    changed: list[str] = []
    removed: list[str] = []
    #: Programs whose section stays as it is and that read the plan anew.
    reread: list[str] = []
    #: What only a new start of the worker brings into force.
    not_reloaded: list[str] = []
    #: Whether carrying it out could cut a job short.
    disturbs: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing to be done."""
        return not (self.added or self.changed or self.removed or self.reread)

    def in_words(self) -> str:
        """Return it on one line."""
        parts = [
            f"{word} {', '.join(names)}"
            for word, names in (
                ("adds", self.added),
                ("replaces", self.changed),
                ("removes", self.removed),
                ("restarts", self.reread),
            )
            if names
        ]
        return "; ".join(parts) or "nothing changes"


def dump(change: Change) -> bytes:
    """Return the change as JSON."""
    return msgspec.json.encode(change)


def read(runtime_dir: Path) -> Change | None:
    """Return the change that lies ready, or None where none does.

    Raises:
        OSError: The file is there and cannot be read.
    """
    try:
        return msgspec.json.decode((runtime_dir / NEXT / FILE_NAME).read_bytes(), type=Change)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
