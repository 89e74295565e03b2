"""The routes that say what the server has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from podkeeper.sim.webui import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.sim.webui.world import World


def _arg(label: str, value: object, *bounds: float, choices: object = None) -> dict[str, object]:
    minimum, maximum, step = bounds or (None, None, None)
    return {
        "label": label,
        "value": value,
        "minimum": minimum,
        "maximum": maximum,
        "step": step,
        "choices": choices,
    }


def _script_args() -> dict[str, list[dict[str, object]]]:
    samplers = [each["name"] for each in catalogue.SAMPLERS]
    labels = [each["label"] for each in catalogue.SCHEDULERS]
    titles = [each.title for each in catalogue.CHECKPOINTS]
    return {
        "prompt matrix": [
            _arg("Put variable parts at start of prompt", value=False),
            _arg("Select prompt", "positive", choices=["positive", "negative"]),
            _arg("Grid margins (px)", 0, 0, 500, 2),
        ],
        "refiner": [
            _arg("Refiner", value=False),
            _arg("Checkpoint", "", choices=titles),
            _arg("Switch at", 0.8, 0.01, 1.0, 0.01),
        ],
        "sampler": [
            _arg("Sampling steps", 20, 1, 150, 1),
            _arg("Sampling method", "DPM++ 2M", choices=samplers),
            _arg("Schedule type", "Automatic", choices=labels),
        ],
    }


def _script_names(kind: str) -> list[str]:
    more = catalogue.SELECTABLE_IMG2IMG if kind == "img2img" else ()
    return [*more, *catalogue.SELECTABLE_SCRIPTS, *catalogue.ALWAYS_ON_SCRIPTS]


def _script_info() -> list[dict[str, object]]:
    args = _script_args()
    return [
        {
            "name": name,
            "is_alwayson": name in catalogue.ALWAYS_ON_SCRIPTS,
            "is_img2img": kind == "img2img",
            "args": args.get(name, []),
        }
        for kind in ("txt2img", "img2img")
        for name in _script_names(kind)
    ]


def cmd_flags(world: World) -> dict[str, object]:
    """Return the flags that matter to a client; the real server lists some 120 more."""
    return {
        "api": True,
        "nowebui": not world.flags.ui,
        "api_server_stop": world.flags.api_server_stop,
        "api_auth": None,
        "medvram": False,
        "medvram_sdxl": False,
        "lowvram": False,
        "no_half": False,
        "no_half_vae": False,
        "xformers": False,
        # As the model of video memory takes it to be.
        "opt_sdp_attention": True,
        "skip_load_model_at_start": False,
        "disable_console_progressbars": False,
        "timeout_keep_alive": 30,
        "ui_settings_file": str(world.flags.options_file or ""),
    }


_FIXED: dict[str, Any] = {
    "samplers": catalogue.SAMPLERS,
    "schedulers": catalogue.SCHEDULERS,
    "upscalers": catalogue.UPSCALERS,
    "latent-upscale-modes": catalogue.LATENT_UPSCALE_MODES,
    "sd-models": [each.listed() for each in catalogue.CHECKPOINTS],
    "sd-vae": [],
    "hypernetworks": [],
    "face-restorers": catalogue.FACE_RESTORERS,
    "realesrgan-models": catalogue.REALESRGAN_MODELS,
    "prompt-styles": [],
    "embeddings": {"loaded": {}, "skipped": {}},
    "scripts": {kind: _script_names(kind) for kind in ("txt2img", "img2img")},
    "script-info": _script_info(),
    "extensions": [],
    "loras": [],
}


def _fixed(value: object) -> Callable[[World], object]:
    return lambda _world: value


#: Each list by the last part of its path.
LISTS: dict[str, Callable[[World], object]] = {
    **{name: _fixed(value) for name, value in _FIXED.items()},
    "cmd-flags": cmd_flags,
}
