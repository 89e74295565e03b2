"""What keeps one program apart from the others?

Covers: what is wanted of the kernel for a program, and what the kernel says of its process.
Leaves out: applying it (`hooks.isolate`), reading it (`probes.isolation`), comparing
(`policy.isolation`). None is: no limit of ours where it is wanted, unknown where it is seen.
"""

from __future__ import annotations

import msgspec


class Isolation(msgspec.Struct, frozen=True, kw_only=True):
    """What a program is to be started with."""

    #: Added to what supervisord itself has.
    nice: int
    #: Added to what supervisord itself has, and never above what the kernel knows.
    oom_score_adj: int
    #: Processors it may use; empty for all.
    cpus: list[int]
    core_bytes: int
    umask: str
    #: One of the kernel's classes of disk I/O, or None to leave it.
    io_class: str | None = None
    io_level: int = 0
    open_files: int | None = None
    processes: int | None = None
    address_space_bytes: int | None = None

    @property
    def compact(self) -> str:
        """Return it as one word of a command line, without what supervisord itself applies."""
        wanted = {
            "nice": self.nice or None,
            "oom": self.oom_score_adj or None,
            "cpus": ",".join(map(str, self.cpus)) or None,
            "io": f"{self.io_class},{self.io_level}" if self.io_class else None,
            "core": self.core_bytes,
            "nofile": self.open_files,
            "nproc": self.processes,
            "as": self.address_space_bytes,
        }
        return ":".join(f"{name}={value}" for name, value in wanted.items() if value is not None)


class IsolationSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What the kernel says of one process."""

    pid: int
    #: Effective user.
    uid: int | None = None
    umask: str | None = None
    nice: int | None = None
    oom_score_adj: int | None = None
    cpus: list[int] | None = None
    io_class: str | None = None
    io_level: int | None = None
    #: Leader of its process group.
    pgid: int | None = None
    #: Limits by the kernel's name, such as "Max open files"; None is "unlimited".
    limits: dict[str, int | None] | None = None
