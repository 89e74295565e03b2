"""Is there an NVML, and what does it answer?

Covers: the one door to NVML, opened when there is a driver and opened anew after it was lost; one
question put to it in several ways, for old and new drivers.
Leaves out: the questions (`probes.gpus`, `probes.gpu_events`). A call may hang on a broken
GPU: use a thread (`probes.background`), and a door of one's own in each.
"""

from __future__ import annotations

import ctypes
import importlib
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: What the driver installs; the module `pynvml` looks for the same name.
LIBRARY = "libnvidia-ml.so.1"
ABSENT = f"no {LIBRARY} here: no driver, or the container was started without the GPUs"
# Return codes of NVML, which never change: nvmlReturn_t in nvml.h.
_INVALID_ARGUMENT, _NOT_SUPPORTED, _NO_PERMISSION, _FUNCTION_NOT_FOUND = 2, 3, 4, 13
_LOST, _RESET_REQUIRED, _NO_DATA, _VERSION_MISMATCH, _DEPRECATED = 15, 16, 21, 25, 26
#: Refusals that say no more than that this GPU, driver or container has no such reading.
_CANNOT_TELL = frozenset(
    {
        _INVALID_ARGUMENT,
        _NOT_SUPPORTED,
        _NO_PERMISSION,
        _FUNCTION_NOT_FOUND,
        _NO_DATA,
        _VERSION_MISMATCH,
        _DEPRECATED,
    }
)


def library_found() -> bool:
    """Return whether this machine has an NVML at all. Same as `ldconfig -p | grep nvidia-ml`."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True


class Reader:
    """Puts questions to one GPU; remembers the first refusal that is worth telling."""

    def __init__(self, nvml: Any, handle: Any = None) -> None:
        self.nvml = nvml
        self.handle = handle
        self.error: str | None = None
        #: Whether the driver has said that the GPU is lost. It is asked no more then.
        self.lost = False
        #: Whether it has said that the GPU can be used only after a reset.
        self.reset_required = False

    def value(self, *calls: tuple[Any, ...]) -> Any:
        """Return what the first call says that NVML can answer, or None where none can.

        A call is a function's name and its arguments but the GPU. Names, since a driver or a
        binding may be too old for some of them, or too new.
        """
        return self._first(calls, needed=True)

    def optional(self, *calls: tuple[Any, ...]) -> Any:
        """Return the same of what many GPUs do not have: that one cannot tell is no error."""
        return self._first(calls, needed=False)

    def _first(self, calls: tuple[tuple[Any, ...], ...], *, needed: bool) -> Any:
        refusal = None
        for name, *arguments in calls:
            if self.lost or self.handle is None:
                break
            call = getattr(self.nvml, name, None)
            if call is None:
                continue
            try:
                return call(self.handle, *arguments)
            except self.nvml.NVMLError as error:
                refusal = self._heed(error, needed=needed) or refusal
        self.error = self.error or refusal
        return None

    def _heed(self, error: Any, *, needed: bool) -> str | None:
        """Return a refusal's words where they are worth telling."""
        code = error.value
        self.lost = self.lost or code == _LOST
        self.reset_required = self.reset_required or code == _RESET_REQUIRED
        return str(error) if needed or code not in _CANNOT_TELL else None


class Nvml:
    """NVML as long as it can be had."""

    def __init__(self, retry_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._retry_s = retry_s
        self._clock = clock
        self._nvml: Any = None
        self._open = False
        self._not_before_s = 0.0
        #: Why it is not open, in words; None while it is, and before it was tried.
        self.obstacle: str | None = None

    def open(self) -> Any:
        """Return the module `pynvml`, opened, or None where that cannot be.

        The module is loaded only where there is a driver: it is larger than all that reads it.
        """
        if not self._open and self.obstacle != ABSENT and self._clock() >= self._not_before_s:
            self._try_open()
        return self._nvml if self._open else None

    def _try_open(self) -> None:
        if not library_found():
            self.obstacle = ABSENT
            return
        self._nvml = importlib.import_module("pynvml")
        try:
            self._nvml.nvmlInit()
        except self._nvml.NVMLError as error:
            self._fail(str(error))
            return
        self._open, self.obstacle = True, None

    def _fail(self, obstacle: str) -> None:
        self._open, self.obstacle = False, obstacle
        self._not_before_s = self._clock() + self._retry_s

    def close(self, obstacle: str) -> None:
        """Let NVML go for what stands in its way; it is opened anew after a pause."""
        if not self._open:
            return
        self._fail(obstacle)
        try:
            self._nvml.nvmlShutdown()
        except self._nvml.NVMLError:
            return  # it is gone already, which is what was asked for
