"""Which samplers, schedulers, scripts and checkpoints does the simulator pretend to have?

The names are those of A1111 1.10.1 with nothing installed on top, the checkpoints are invented.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from podkeeper.sim.webui.vram import SD15, SDXL, Family

_KARRAS = {"scheduler": "karras"}
_ANCESTRAL = {"uses_ensd": "True"}
_BROWNIAN = {"brownian_noise": "True"}
_SECOND = {"second_order": "True"}

#: Name, alias and options of each sampler. The first is what an unknown name falls back to.
_SAMPLERS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("DPM++ 2M", "k_dpmpp_2m", _KARRAS),
    ("DPM++ SDE", "k_dpmpp_sde", {**_KARRAS, **_SECOND, **_BROWNIAN}),
    ("DPM++ 2M SDE", "k_dpmpp_2m_sde", {"scheduler": "exponential", **_BROWNIAN}),
    (
        "DPM++ 2M SDE Heun",
        "k_dpmpp_2m_sde_heun",
        {"scheduler": "exponential", **_BROWNIAN, "solver_type": "heun"},
    ),
    ("DPM++ 2S a", "k_dpmpp_2s_a", {**_KARRAS, **_ANCESTRAL, **_SECOND}),
    (
        "DPM++ 3M SDE",
        "k_dpmpp_3m_sde",
        {"scheduler": "exponential", "discard_next_to_last_sigma": "True", **_BROWNIAN},
    ),
    ("Euler a", "k_euler_a", _ANCESTRAL),
    ("Euler", "k_euler", {}),
    ("LMS", "k_lms", {}),
    ("Heun", "k_heun", _SECOND),
    ("DPM2", "k_dpm_2", {**_KARRAS, **_SECOND}),
    ("DPM2 a", "k_dpm_2_a", {**_KARRAS, **_ANCESTRAL, **_SECOND}),
    ("DPM fast", "k_dpm_fast", _ANCESTRAL),
    ("DPM adaptive", "k_dpm_ad", _ANCESTRAL),
    ("Restart", "restart", {**_KARRAS, **_SECOND}),
    ("DDIM", "ddim", {}),
    ("DDIM CFG++", "ddim_cfgpp", {}),
    ("PLMS", "plms", {}),
    ("UniPC", "unipc", {}),
    ("LCM", "k_lcm", {}),
)
SAMPLERS = [
    {"name": name, "aliases": [alias], "options": options} for name, alias, options in _SAMPLERS
]

#: Name, label, aliases, rho and whether it needs the inner model.
_SCHEDULERS: tuple[tuple[str, str, list[str] | None, float, bool], ...] = (
    ("automatic", "Automatic", None, -1.0, False),
    ("uniform", "Uniform", None, -1.0, True),
    ("karras", "Karras", None, 7.0, False),
    ("exponential", "Exponential", None, -1.0, False),
    ("polyexponential", "Polyexponential", None, 1.0, False),
    ("sgm_uniform", "SGM Uniform", ["SGMUniform"], -1.0, True),
    ("kl_optimal", "KL Optimal", None, -1.0, False),
    ("align_your_steps", "Align Your Steps", None, -1.0, False),
    ("simple", "Simple", None, -1.0, True),
    ("normal", "Normal", None, -1.0, True),
    ("ddim", "DDIM", None, -1.0, True),
    ("beta", "Beta", None, -1.0, True),
)
_SCHEDULER_KEYS = ("name", "label", "aliases", "default_rho", "need_inner_model")
SCHEDULERS = [dict(zip(_SCHEDULER_KEYS, each, strict=True)) for each in _SCHEDULERS]

UPSCALERS = [
    {"name": name, "model_name": None, "model_path": None, "model_url": None, "scale": scale}
    for name, scale in (
        *(("None", 4.0), ("Lanczos", 4.0), ("Nearest", 4.0)),
        *(("DAT x2", 2.0), ("DAT x3", 3.0), ("DAT x4", 4.0)),
        *(("ESRGAN_4x", 4.0), ("LDSR", 4.0), ("R-ESRGAN 4x+", 4.0)),
        *(("R-ESRGAN 4x+ Anime6B", 4.0), ("ScuNET GAN", 4.0)),
        *(("ScuNET PSNR", 4.0), ("SwinIR 4x", 4.0)),
    )
]
LATENT_UPSCALE_MODES = [
    {"name": f"Latent{suffix}"}
    for suffix in (
        *("", " (antialiased)", " (bicubic)", " (bicubic antialiased)"),
        *(" (nearest)", " (nearest-exact)"),
    )
]
FACE_RESTORERS = [{"name": name, "cmd_dir": None} for name in ("CodeFormer", "GFPGAN")]
REALESRGAN_MODELS = [
    {"name": name, "path": f"/simulated/models/RealESRGAN/{name}.pth", "scale": scale}
    for name, scale in (
        ("R-ESRGAN General 4xV3", 4),
        ("R-ESRGAN 4x+", 4),
        ("R-ESRGAN 4x+ Anime6B", 4),
        ("R-ESRGAN 2x+", 2),
    )
]

#: Scripts that can be asked for by name, and those that run with every job.
SELECTABLE_SCRIPTS = ("prompt matrix", "prompts from file or textbox", "x/y/z plot")
SELECTABLE_IMG2IMG = ("img2img alternative test", "loopback", "outpainting mk2", "sd upscale")
ALWAYS_ON_SCRIPTS = ("extra options", "hypertile", "refiner", "sampler", "seed")


@dataclass(frozen=True)
class Checkpoint:
    """A pretended checkpoint file."""

    model_name: str
    family: Family
    broken: bool = False

    @property
    def sha256(self) -> str:
        """Return a hash made of the name."""
        return hashlib.sha256(self.model_name.encode()).hexdigest()

    @property
    def title(self) -> str:
        """Return how lists and options name it."""
        return f"{self.model_name}.safetensors [{self.sha256[:10]}]"

    @property
    def aliases(self) -> set[str]:
        """Return every name by which it can be asked for."""
        short = self.sha256[:10]
        file = f"{self.model_name}.safetensors"
        return {
            *(self.model_name, file, self.title, short, self.sha256),
            f"{self.model_name} [{short}]",
        }

    def listed(self) -> dict[str, object]:
        """Return it as the route of models lists it."""
        return {
            "title": self.title,
            "model_name": self.model_name,
            "hash": self.sha256[:10],
            "sha256": self.sha256,
            "filename": f"/simulated/models/Stable-diffusion/{self.model_name}.safetensors",
            "config": None,
        }


CHECKPOINTS = (
    Checkpoint("simulatedSD15", SD15),
    Checkpoint("simulatedSD15b", SD15),
    Checkpoint("simulatedSDXL", SDXL),
    Checkpoint("broken", SD15, broken=True),
)


def find_checkpoint(name: object) -> Checkpoint | None:
    """Return the checkpoint that goes by this name."""
    return next((each for each in CHECKPOINTS if name in each.aliases), None)
