"""What do the GPUs say of themselves?

Covers: the one door to NVML; opened when there is a driver, opened anew after it was lost.
Leaves out: which program uses how much. In a container NVML's pids may be the host's, so memory
is never counted by pid. A call may hang on a broken GPU: use a thread (`probes.background`).
"""

from __future__ import annotations

import ctypes
import importlib
import time
from typing import TYPE_CHECKING, Any

from podkeeper.model.snapshot import Gpu

if TYPE_CHECKING:
    from collections.abc import Callable

#: What the driver installs; the module `pynvml` looks for the same name.
LIBRARY = "libnvidia-ml.so.1"
_MILLI = 1000
_PERCENT = 100


def library_found() -> bool:
    """Return whether this machine has an NVML at all. Same as `ldconfig -p | grep nvidia-ml`."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True


class _Reader:
    """Reads one GPU value by value; remembers the first refusal."""

    def __init__(self, nvml: Any) -> None:
        self.nvml = nvml
        self.error: str | None = None

    def value(self, *calls: Callable[[], Any]) -> Any:
        """Return what the first call says that NVML can answer, or None where none can."""
        refusal = None
        for call in calls:
            try:
                return call()
            except self.nvml.NVMLError as error:
                refusal = str(error)
        self.error = self.error or refusal
        return None


def _utf8(name: str | bytes | None) -> str | None:
    return name.decode(errors="replace") if isinstance(name, bytes) else name


def _unknown(index: int, error: str | None) -> Gpu:
    return Gpu(
        index=index,
        name=None,
        memory_capacity_bytes=None,
        memory_used_bytes=None,
        utilization_ratio=None,
        temperature_celsius=None,
        power_watts=None,
        error=error,
    )


def gpu(nvml: Any, index: int) -> Gpu:
    """Return one GPU. Same as `nvidia-smi -i INDEX -q`.

    `nvml` is the module `pynvml`, opened. What a GPU does not support, or a lost one does not
    answer, is None.
    """
    read = _Reader(nvml)
    handle = read.value(lambda: nvml.nvmlDeviceGetHandleByIndex(index))
    if handle is None:
        return _unknown(index, read.error)
    memory = read.value(
        lambda: nvml.nvmlDeviceGetMemoryInfo(handle, nvml.nvmlMemory_v2),
        # Drivers before R510 have this one only; it counts what the driver keeps as used.
        lambda: nvml.nvmlDeviceGetMemoryInfo(handle),
    )
    temperature = read.value(
        lambda: nvml.nvmlDeviceGetTemperatureV(handle, nvml.NVML_TEMPERATURE_GPU),
        # Goes away with CUDA 14; older drivers have this one only.
        lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
    )
    rates = read.value(lambda: nvml.nvmlDeviceGetUtilizationRates(handle))
    power = read.value(lambda: nvml.nvmlDeviceGetPowerUsage(handle))
    return Gpu(
        index=index,
        name=_utf8(read.value(lambda: nvml.nvmlDeviceGetName(handle))),
        memory_capacity_bytes=None if memory is None else memory.used + memory.free,
        memory_used_bytes=None if memory is None else memory.used,
        utilization_ratio=None if rates is None else rates.gpu / _PERCENT,
        temperature_celsius=temperature,
        power_watts=None if power is None else power / _MILLI,
        error=read.error,
    )


class Nvml:
    """NVML as long as it can be had."""

    def __init__(self, retry_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._retry_s = retry_s
        self._clock = clock
        self._nvml: Any = None
        self._open = False
        self._not_before_s = 0.0
        self._absent = False

    def _try_open(self) -> bool:
        """Return whether NVML is open. The module is loaded only where there is a driver."""
        if self._open or self._absent or self._clock() < self._not_before_s:
            return self._open
        self._absent = not library_found()
        if self._absent:
            return False
        self._nvml = importlib.import_module("pynvml")
        try:
            self._nvml.nvmlInit()
            self._open = True
        except self._nvml.NVMLError:
            self._not_before_s = self._clock() + self._retry_s
        return self._open

    def close(self) -> None:
        """Let NVML go, so that the next reading opens it anew."""
        if self._open:
            self._open = False
            self._not_before_s = self._clock() + self._retry_s
            try:
                self._nvml.nvmlShutdown()
            except self._nvml.NVMLError:
                return  # it is gone already, which is what was asked for

    def gpus(self) -> list[Gpu] | None:
        """Return all GPUs, or None where there is no NVML. Same as `nvidia-smi -q`."""
        if not self._try_open():
            return None
        try:
            count = self._nvml.nvmlDeviceGetCount()
        except self._nvml.NVMLError:  # the driver went away below us
            self.close()
            return None
        return [gpu(self._nvml, index) for index in range(count)]
