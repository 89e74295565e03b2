"""Which errors has the driver reported?

Covers: waiting for the driver's critical errors (XID) of all GPUs, and keeping the newest of them.
In a container the kernel's log, where they also stand, cannot be read.
Leaves out: what a code means (`podkeeper.policy.xid`).
"""

from __future__ import annotations

import contextlib
import ctypes
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from podkeeper.model.gpu import Xid

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.probes.nvml import Nvml

_MILLI = 1000
#: What further events are waited for once there was one: they come in bursts.
_BURST_MS = 1


class GpuEvents:
    """Listens for errors; made for a thread of its own, and for a door of its own."""

    def __init__(
        self,
        door: Nvml,
        wait_s: float,
        keep: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._door = door
        self._wait_s = wait_s
        self._clock = clock
        self._sleep = sleep
        self._nvml: Any = None
        #: The event set that is waited for; None while nobody can be listened to.
        self._set: Any = None
        self._indexes: dict[int | None, int] = {}
        self._count = 0
        self._newest: deque[Xid] = deque(maxlen=keep)

    def look(self) -> list[Xid]:
        """Wait once and return the newest errors of all so far, oldest first.

        Same as `dmesg | grep 'NVRM: Xid'`. It takes as long as it waits, whether there is anybody
        to listen to or not, and is shorter only where there was an error.
        """
        if self._set is None:
            self._listen()
        if self._set is None:
            self._sleep(self._wait_s)
        else:
            self._wait()
        return list(self._newest)

    def _listen(self) -> None:
        """Register for the errors of every GPU that reports any."""
        nvml = self._door.open()
        if nvml is None:
            return
        try:
            made = nvml.nvmlEventSetCreate()
            self._indexes = self._registered(nvml, made)
        except nvml.NVMLError as error:
            self._door.close(str(error))
            return
        self._nvml, self._set = nvml, made

    def _registered(self, nvml: Any, events: Any) -> dict[int | None, int]:
        """Return the index of each GPU that is listened to, by the driver's handle.

        Raises:
            NVMLError: There is none.
        """
        found: dict[int | None, int] = {}
        refusal = nvml.NVMLError(nvml.NVML_ERROR_NOT_SUPPORTED)
        for index in range(nvml.nvmlDeviceGetCount()):
            try:
                handle = nvml.nvmlDeviceGetHandleByIndex(index)
                nvml.nvmlDeviceRegisterEvents(handle, nvml.nvmlEventTypeXidCriticalError, events)
            except nvml.NVMLError as error:
                refusal = error
            else:
                found[_address(handle)] = index
        if not found:
            raise refusal
        return found

    def _wait(self) -> None:
        """Take all errors that come within the wait, as many as are kept at most."""
        wait_ms = int(self._wait_s * _MILLI)
        try:
            for _ in range(self._newest.maxlen or 1):
                self._note(self._nvml.nvmlEventSetWait_v2(self._set, wait_ms))
                wait_ms = _BURST_MS
        except self._nvml.NVMLError_Timeout:
            return
        except self._nvml.NVMLError as error:
            self._stop(str(error))

    def _stop(self, why: str) -> None:
        """Let the event set go: after a pause the driver is asked for another."""
        events, self._set = self._set, None
        # The driver that it belonged to may be gone already.
        with contextlib.suppress(self._nvml.NVMLError):
            self._nvml.nvmlEventSetFree(events)
        self._door.close(why)

    def _note(self, event: Any) -> None:
        if not event.eventType & self._nvml.nvmlEventTypeXidCriticalError:
            return
        self._count += 1
        self._newest.append(
            Xid(
                sequence=self._count,
                gpu=self._indexes.get(_address(event.device)),
                code=event.eventData,
                at_monotonic_s=self._clock(),
            )
        )


def _address(handle: Any) -> int | None:
    """Return what tells one handle from another: the binding makes a new object of each."""
    return ctypes.cast(handle, ctypes.c_void_p).value
