"""Where the WebUI calls in: its start, its loads, and the begin and end of each job.

Jobs are noticed by wrapping `begin` and `end` of `modules.shared.state`: every kind of job passes
them, failed ones too, and neither the page nor the list of scripts shows anything of it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from . import host, reclaim, settings
from .jobs import Jobs
from .loads import Loads
from .routes import PREFIX, Routes

if TYPE_CHECKING:
    from collections.abc import Callable

_MARK = "podkeeper_watches"


def _after(original: Callable[..., Any], note: Callable[..., None]) -> Callable[..., Any]:
    """Return a function that also notes each call, and never fails where the original would not."""

    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return original(*args, **kwargs)
        finally:
            try:
                note(*args, **kwargs)
            # A job must not fail for being watched.
            except Exception as error:  # noqa: BLE001 - see above
                host.say(f"cannot note a job: {host.in_words(error)}")

    setattr(wrapped, _MARK, True)
    return wrapped


def watch(state: Any, jobs: Jobs) -> None:
    """Tell `jobs` of each begin and end, once however often this is called."""
    if getattr(state.begin, _MARK, False):
        return
    state.begin = _after(state.begin, lambda job="", *_, **__: jobs.begin(str(job)))
    state.end = _after(state.end, lambda *_, **__: jobs.end())


class Plug:
    """podkeeper's part of one WebUI, which outlives a reload of its page."""

    def __init__(self, chosen: settings.Settings) -> None:
        self._chosen = chosen
        self.jobs = Jobs(chosen, reclaim.tidy)
        self.loads = Loads()
        self.jobs.start()

    def app_started(self, _demo: Any, app: Any) -> None:
        """Add the routes, and watch jobs. Called by the WebUI, once more after a reload."""
        try:
            if not any(getattr(each, "path", "").startswith(PREFIX) for each in app.routes):
                Routes(self._chosen, self.jobs, self.loads).add_to(app)
        except Exception as error:  # noqa: BLE001 - the WebUI starts all the same
            host.say(f"cannot add routes: {host.in_words(error)}")
        try:
            watch(host.part("modules.shared", "state"), self.jobs)
        except Exception as error:  # noqa: BLE001 - the same
            host.say(f"cannot watch jobs: {host.in_words(error)}")


@functools.lru_cache(maxsize=1)
def plug() -> Plug:
    """Return the one there is in this process.

    Raises:
        MissingError: It was not installed by podkeeper.
    """
    return Plug(settings.read())


def register(callbacks: Any) -> None:
    """Have the WebUI call in; whatever is in the way is said and leaves the WebUI as it was."""
    try:
        made = plug()
        callbacks.on_app_started(made.app_started)
        callbacks.on_model_loaded(made.loads.note)
    except Exception as error:  # noqa: BLE001 - see above
        host.say(f"this extension does nothing: {host.in_words(error)}")
