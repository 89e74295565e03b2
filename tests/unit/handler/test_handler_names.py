"""Which jobs the heartbeat names."""

from __future__ import annotations

from handler.names import Names


class Mirror:
    """The memory that a heartbeat reads."""

    def __init__(self) -> None:
        self.told: list[str | None] = []

    def set(self, job_ids: str | None) -> None:
        """Take the names."""
        self.told.append(job_ids)

    def get(self) -> str | None:
        """Return the names."""
        return self.told[-1] if self.told else None


class Progress:
    """As much of the SDK's list as is needed: it tells whoever is set as its mirror."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror: object = mirror

    def set_mirror(self, mirror: Names) -> None:
        """Tell another one from now on."""
        self._mirror = mirror
        mirror.set("a,b")


def test_a_heartbeat_names_the_sdks_jobs_and_ours() -> None:
    """Each once, as long as either has it; nothing is told that is no news."""
    mirror, ours = Mirror(), ["b", "c"]
    names = Names(lambda: list(ours))
    names.refresh()
    progress = Progress(mirror)
    names.attach(progress)
    assert progress._mirror is names
    assert names.get() == "a,b,c"
    names.refresh()
    names.set(None)
    ours.clear()
    names.refresh()
    assert mirror.told == ["a,b,c", "b,c", None]
