"""Where is what peaks have taught kept between starts?

Covers: one file in the state folder, by the way of computing, replaced at every change and bounded.
A file that cannot be read is no harm: everything is learned anew.
Leaves out: learning (`podkeeper.policy.calibration`).
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import msgspec

from podkeeper import atomic
from podkeeper.policy import calibration
from podkeeper.policy.calibration import Calibration

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from podkeeper.model.vram import CalibrationRules

log = logging.getLogger("handler")

#: Raised whenever what is kept means something else.
_VERSION = 1
#: More ways of computing than any worker has; the longest unused goes first.
_MOST = 32


class _File(msgspec.Struct, kw_only=True):
    """The file's content."""

    version: int
    #: By the way of computing, the one used last at the end.
    known: dict[str, Calibration]


class Calibrations:
    """What is known of each way of computing; used from several threads."""

    def __init__(self, path: Path, rules: CalibrationRules, ratio: float) -> None:
        self._path = path
        self._rules = rules
        #: Share of the memory under which something was learned that must be there to use it.
        self._ratio = ratio
        self._lock = threading.Lock()
        self._writable = True
        #: Ways of computing whose state is known to apply, or is this start's own.
        self._checked: set[str] = set()
        self._known = self._read()

    def _read(self) -> dict[str, Calibration]:
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=_File)
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("cannot use %s: %s; memory is learned anew", self._path, error)
            return {}
        if found.version != _VERSION:
            return {}
        return {name: each for name, each in found.known.items() if calibration.is_sound(each)}

    def of(self, name: str, limit_bytes: int | None) -> Calibration:
        """Return what is known of a way of computing.

        What an earlier start has learned is dropped where it does not apply to the first limit
        that is known of this one.
        """
        with self._lock:
            state = self._known.get(name)
            if state is not None and limit_bytes is not None and name not in self._checked:
                self._checked.add(name)
                if not calibration.applies(state, limit_bytes, self._ratio):
                    log.info("what is known of %s was learned with more memory: not used", name)
                    del self._known[name]
                    state = None
        return calibration.cold(self._rules) if state is None else state

    def change(self, name: str, to: Callable[[Calibration], Calibration]) -> Calibration:
        """Change what is known of a way of computing, keep it, and return it."""
        with self._lock:
            before = self._known.get(name) or calibration.cold(self._rules)
            after = to(before)
            if after == before:
                return after
            self._checked.add(name)
            self._known.pop(name, None)
            self._known[name] = after
            for oldest in list(self._known)[:-_MOST]:
                del self._known[oldest]
            self._write()
        return after

    def _write(self) -> None:
        data = msgspec.json.encode(_File(version=_VERSION, known=self._known))
        try:
            atomic.write(self._path, data)
        except OSError as error:
            if self._writable:
                log.error("cannot keep what jobs' memory has taught: %s", error)  # noqa: TRY400 - one line
            self._writable = False
            return
        self._writable = True
