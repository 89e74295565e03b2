"""A stand-in of what the extension sees of A1111 and of torch, and the way A1111 loads scripts.

Small modules under the real names, each with only what the extension may ask for. They do what the
real ones do, so far as that shows: the queue lock waits without a deadline, dropping a model frees
its weights, a job empties torch's cache at its begin.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
import time
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MIB = 1 << 20


def until(condition: Callable[[], Any]) -> Any:
    """Wait for a condition and return its first true value."""
    end_s = time.monotonic() + 20
    while not (value := condition()):
        assert time.monotonic() < end_s, "it never became true"
        time.sleep(0.005)
    return value


class QueueLock:
    """One at a time; no deadline, and only a bare acquire by position."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def acquire(self, blocking: bool = True) -> bool:  # noqa: FBT001, FBT002 - as the real one
        """Take it."""
        return self._lock.acquire(blocking)

    def release(self) -> None:
        """Give it back."""
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Tensor:
    """Some bytes on a device."""

    def __init__(self, device: str, size_bytes: int) -> None:
        self.device = types.SimpleNamespace(type=device)
        self._size_bytes = size_bytes

    def numel(self) -> int:
        """Return how many elements it has."""
        return self._size_bytes // 2

    def element_size(self) -> int:
        """Return the bytes of one."""
        return 2


class Part:
    """A module of a model."""

    def __init__(self, *tensors: Tensor) -> None:
        self._tensors = list(tensors)

    def parameters(self) -> list[Tensor]:
        """Return its weights."""
        return self._tensors

    def buffers(self) -> list[Tensor]:
        """Return nothing more."""
        return []


class Model:
    """A loaded checkpoint."""

    def __init__(self, title: str, device: str = "cuda") -> None:
        self.sd_checkpoint_info = types.SimpleNamespace(title=title)
        self._parts = {
            "model": Part(Tensor(device, 1600 * MIB)),
            "first_stage_model": Part(Tensor(device, 160 * MIB), Tensor("meta", MIB)),
        }

    def named_children(self) -> list[tuple[str, Part]]:
        """Return its parts."""
        return list(self._parts.items())


class Cuda:
    """torch.cuda with figures that a test sets."""

    def __init__(self) -> None:
        self.initialized = True
        self.allocated = 1760 * MIB
        self.reserved = 2000 * MIB
        self.peak = self.reserved_peak = 0
        self.retries = self.ooms = 0
        self.hangs: threading.Event | None = None

    def is_available(self) -> bool:
        """Return whether there is a device."""
        return True

    def is_initialized(self) -> bool:
        """Return whether it is in use."""
        return self.initialized

    def current_device(self) -> int:
        """Return the device in use."""
        return 0

    def device(self, _index: int) -> threading.Lock:
        """Return something to work within."""
        return threading.Lock()

    def memory_stats(self, _index: int) -> dict[str, int]:
        """Return the counters by torch's names."""
        if self.hangs is not None:
            self.hangs.wait(60)
        return {
            "allocated_bytes.all.current": self.allocated,
            "allocated_bytes.all.peak": max(self.peak, self.allocated),
            "reserved_bytes.all.current": self.reserved,
            "reserved_bytes.all.peak": max(self.reserved_peak, self.reserved),
            "active_bytes.all.current": self.allocated,
            "inactive_split_bytes.all.current": self.reserved - self.allocated,
            "num_alloc_retries": self.retries,
            "num_ooms": self.ooms,
        }

    def mem_get_info(self, _index: int) -> tuple[int, int]:
        """Return what is free and what there is."""
        return 16384 * MIB - self.reserved, 16384 * MIB

    def reset_peak_memory_stats(self, _index: int) -> None:
        """Count peaks anew."""
        self.peak = self.reserved_peak = 0

    def empty_cache(self) -> None:
        """Give back what is reserved and not allocated."""
        self.reserved = self.allocated

    def ipc_collect(self) -> None:
        """Do nothing."""


class State:
    """A1111's shared.state, as far as jobs go."""

    job = ""

    def begin(self, job: str = "(unknown)") -> None:
        """Begin a job."""
        self.job = job

    def end(self) -> None:
        """End it."""
        self.job = ""


class Callbacks:
    """A1111's script_callbacks."""

    def __init__(self) -> None:
        self.app_started: list[Callable[[Any, Any], None]] = []
        self.model_loaded: list[Callable[[Any], None]] = []

    def module(self) -> types.ModuleType:
        """Return it as the module it is there."""
        made = types.ModuleType("modules.script_callbacks")
        made.on_app_started = self.app_started.append  # type: ignore[attr-defined]
        made.on_model_loaded = self.model_loaded.append  # type: ignore[attr-defined]
        return made


def _module(name: str, **content: object) -> types.ModuleType:
    made = types.ModuleType(name)
    vars(made).update(content)
    return made


class Host:
    """The modules of one WebUI, and what a test wants to do with them."""

    def __init__(self) -> None:
        self.callbacks = Callbacks()
        self.cuda = Cuda()
        self.state = State()
        self.lock = QueueLock()
        self.data = types.SimpleNamespace(sd_model=None, loaded_sd_models=[], lock=threading.Lock())
        self.trashed: list[Model] = []
        timer = types.SimpleNamespace(dump=lambda: {"total": 9.5, "records": {"import torch": 5.5}})
        parts = {
            "shared": {"state": self.state},
            "call_queue": {"queue_lock": self.lock},
            "devices": {"device": types.SimpleNamespace(type="cuda", index=None)},
            "timer": {"startup_timer": timer, "startup_record": None},
            "sd_models": {
                "model_data": self.data,
                "checkpoints_loaded": {},
                "send_model_to_trash": self._trash,
            },
        }
        package = _module("modules", __path__=[], script_callbacks=self.callbacks.module())
        self.modules = {
            "modules": package,
            "modules.script_callbacks": package.script_callbacks,
            "torch": _module("torch", cuda=self.cuda),
            **{f"modules.{name}": _module(f"modules.{name}", **c) for name, c in parts.items()},
        }

    def _trash(self, model: Model) -> None:
        self.trashed.append(model)

    def load(self, *titles: str) -> None:
        """Load checkpoints, the first being the one in use."""
        models = [Model(title, "cpu" if place else "cuda") for place, title in enumerate(titles)]
        self.data.loaded_sd_models[:] = models
        self.data.sd_model = models[0]
        for each in self.callbacks.model_loaded:
            each(models[0])

    def job(self, work: Callable[[], None] = lambda: None, name: str = "scripts_txt2img") -> None:
        """Run a job as the API does: in its turn, ended also where it fails."""
        with self.lock:
            self.state.begin(job=name)
            try:
                work()
            finally:
                self.state.end()


def load_script(path: Path) -> types.ModuleType:
    """Load a script as A1111 does: its extension's folder leads the path while it loads."""
    before = list(sys.path)
    sys.path.insert(0, str(path.parent.parent))
    try:
        spec = importlib.util.spec_from_file_location(path.name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path[:] = before
