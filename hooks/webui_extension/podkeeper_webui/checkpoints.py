"""Which checkpoints does the WebUI hold, where, and how are the spare ones dropped?"""

from __future__ import annotations

from typing import Any

from . import host
from .host import MissingError

_SD_MODELS = "modules.sd_models"


def _data() -> Any:
    return host.part(_SD_MODELS, "model_data")


def _name(model: Any) -> str | None:
    """Return a model's title; None for what only stands for one, as in Forge before its first."""
    info = getattr(model, "sd_checkpoint_info", None)
    name = getattr(info, "title", None) or getattr(info, "name", None)
    return None if name is None else str(name)


def current() -> str | None:
    """Return the checkpoint that the next job finds loaded, or None where there is none.

    Raises:
        MissingError: The WebUI does not tell.
    """
    # Not through its getter: that one would load a model.
    return _name(_data().sd_model)


def _models() -> list[Any]:
    data = _data()
    kept = list(getattr(data, "loaded_sd_models", ()))
    current_model = data.sd_model
    spare = [each for each in kept if each is not current_model]
    return [each for each in [current_model, *spare] if _name(each) is not None]


def names() -> list[str]:
    """Return all checkpoints that are held, the current one first.

    Raises:
        MissingError: The WebUI does not tell.
    """
    return [str(_name(each)) for each in _models()]


def state() -> str:
    """Return `loaded`, `loading` or `absent`.

    Raises:
        MissingError: The WebUI does not tell.
    """
    lock = getattr(_data(), "lock", None)
    if lock is not None and lock.locked():
        return "loading"
    return "absent" if current() is None else "loaded"


def drop_spare() -> str:
    """Drop all checkpoints but the current one, and cached files of any; return in words what.

    To be called by the holder of the queue lock.

    Raises:
        MissingError: The WebUI has no such list, or no checkpoint is the current one.
    """
    module, data = host.module(_SD_MODELS), _data()
    if data.sd_model is None:
        raise MissingError("no checkpoint is the current one")
    spare = [each for each in data.loaded_sd_models if each is not data.sd_model]
    for model in spare:
        data.loaded_sd_models.remove(model)
        module.send_model_to_trash(model)
    cached = getattr(module, "checkpoints_loaded", {})
    files = len(cached)
    cached.clear()
    dropped = ", ".join(str(_name(each)) for each in spare) or "none kept"
    return f"{dropped}; {files} cached files"


def _sizes(part: Any) -> tuple[int, int]:
    """Return a module's bytes on the device and in RAM."""
    on_device = in_ram = 0
    for tensor in [*part.parameters(), *part.buffers()]:
        size_bytes = tensor.numel() * tensor.element_size()
        if tensor.device.type == "cpu":
            in_ram += size_bytes
        elif tensor.device.type != "meta":
            on_device += size_bytes
    return on_device, in_ram


def owners() -> list[dict[str, Any]]:
    """Return what the parts of each checkpoint hold, in bytes.

    What is allocated and in no part is the running job's, a network's or a leak.

    Raises:
        MissingError: The WebUI does not tell, or its models cannot be looked into, as in Forge.
    """
    found = []
    for model in _models():
        if not hasattr(model, "named_children"):
            raise MissingError(f"a {type(model).__name__} cannot be looked into")
        for name, part in model.named_children():
            device_bytes, ram_bytes = _sizes(part)
            found.append(
                {
                    "checkpoint": _name(model),
                    "part": name,
                    "device_bytes": device_bytes,
                    "ram_bytes": ram_bytes,
                }
            )
    return found
