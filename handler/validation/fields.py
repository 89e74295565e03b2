"""Which fields may a client set, and of which kind is each?

Covers: the fields of txt2img and img2img, the options a job may override, other names that public
workers use for them, and fields that belong to the server. Pure data.
Leaves out: rules between fields (`validation.rules`), images (`validation.images`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handler.validation.kinds import Kind

if TYPE_CHECKING:
    from handler.validation.limits import Limits

_FLAG = Kind(bool)
_NAME = Kind(str, longest=500)
_NAMES = Kind(list[str], longest=50)
_SEED = Kind(int, -1, 2**32 - 1, reason="-1 draws one")
_RATIO = Kind(float, 0, 1)
_SCALE = Kind(float, 0, 100)
_CHURN = Kind(float, 0, 1000)
_LARGEST_SIDE = 16384
# The WebUI rounds other sizes down in silence, and then says the size it was asked for.
_SIDE = Kind(int, 64, _LARGEST_SIDE, 8)
_SIDE_OR_NONE = Kind(int, 0, _LARGEST_SIDE, 8)

#: Other names for fields, as diffusers and the public workers' examples have them.
ALIASES = {
    "num_inference_steps": "steps",
    "guidance_scale": "cfg_scale",
    "num_images": "batch_size",
    "num_images_per_prompt": "batch_size",
    "sampler": "sampler_name",
    "sampler_index": "sampler_name",
    "strength": "denoising_strength",
    "init_image": "init_images",
    "image": "init_images",
}

#: Fields that only the server sets, with the values that change nothing and so pass.
SERVER_FIELDS: dict[str, tuple[object, ...]] = {
    "send_images": (True,),
    "save_images": (False,),
    "do_not_save_samples": (True,),
    "do_not_save_grid": (True,),
    "include_init_images": (False,),
    "force_task_id": (),
    "infotext": (),
    "firstphase_width": (0,),
    "firstphase_height": (0,),
    "firstpass_image": (),
    "latent_mask": (),
    "comments": (),
}

#: Fields through which scripts run. They pass only as far as the settings allow scripts by name.
SCRIPT_FIELDS = ("script_name", "script_args", "alwayson_scripts")

#: Our own field: whether images may be worse than asked where they do not fit otherwise.
ALLOW_DEGRADED = "allow_degraded"
ALLOW_DEGRADED_KIND = _FLAG

#: Fields that hold images.
IMAGE_FIELDS = ("init_images", "mask")


def _common(limits: Limits) -> dict[str, Kind]:
    prompt = Kind(str, longest=limits.max_prompt_bytes)
    return {
        "prompt": prompt,
        "negative_prompt": prompt,
        "styles": _NAMES,
        "seed": _SEED,
        "subseed": _SEED,
        "subseed_strength": _RATIO,
        "seed_resize_from_h": Kind(int, -1, _LARGEST_SIDE),
        "seed_resize_from_w": Kind(int, -1, _LARGEST_SIDE),
        "sampler_name": _NAME,
        "scheduler": _NAME,
        "batch_size": Kind(int, 1, limits.max_images),
        "n_iter": Kind(int, 1, limits.max_images),
        "steps": Kind(int, 1, limits.max_steps),
        "cfg_scale": _SCALE,
        "width": _SIDE,
        "height": _SIDE,
        "restore_faces": _FLAG,
        "tiling": _FLAG,
        "eta": _RATIO,
        "denoising_strength": _RATIO,
        "s_min_uncond": Kind(float, 0, 15),
        "s_churn": _CHURN,
        "s_tmax": _CHURN,
        "s_tmin": _CHURN,
        "s_noise": Kind(float, 0, 10),
        "refiner_checkpoint": _NAME,
        "refiner_switch_at": _RATIO,
        "disable_extra_networks": _FLAG,
    }


def txt2img(limits: Limits) -> dict[str, Kind]:
    """Return the kinds of txt2img's fields."""
    prompt = Kind(str, longest=limits.max_prompt_bytes)
    return {
        **_common(limits),
        "enable_hr": _FLAG,
        "hr_scale": Kind(float, 1, 8),
        "hr_upscaler": _NAME,
        "hr_second_pass_steps": Kind(int, 0, limits.max_steps),
        "hr_resize_x": _SIDE_OR_NONE,
        "hr_resize_y": _SIDE_OR_NONE,
        "hr_checkpoint_name": _NAME,
        "hr_sampler_name": _NAME,
        "hr_scheduler": _NAME,
        "hr_prompt": prompt,
        "hr_negative_prompt": prompt,
    }


def img2img(limits: Limits) -> dict[str, Kind]:
    """Return the kinds of img2img's fields, beside its images."""
    return {
        **_common(limits),
        "resize_mode": Kind(int, 0, 3),
        "image_cfg_scale": _SCALE,
        "mask_blur": Kind(int, 0, 256),
        "mask_blur_x": Kind(int, 0, 256),
        "mask_blur_y": Kind(int, 0, 256),
        "mask_round": _FLAG,
        "inpainting_fill": Kind(int, 0, 3),
        "inpaint_full_res": _FLAG,
        "inpaint_full_res_padding": Kind(int, 0, 1024),
        "inpainting_mask_invert": Kind(int, 0, 1),
        "initial_noise_multiplier": Kind(float, 0, 2),
    }


#: Options of the server that a job may override. A wrong type in one of them is accepted by the
#: WebUI, saved, and breaks every later job; so each has its kind here and all others are refused.
OPTIONS: dict[str, Kind] = {
    "sd_model_checkpoint": _NAME,
    "sd_vae": _NAME,
    "CLIP_stop_at_last_layers": Kind(int, 1, 12),
    "eta_noise_seed_delta": Kind(int, 0, 2**31 - 1),
    "randn_source": Kind(str, choices=("GPU", "CPU", "NV")),
    "token_merging_ratio": Kind(float, 0, 0.9),
    "token_merging_ratio_img2img": Kind(float, 0, 0.9),
    "token_merging_ratio_hr": Kind(float, 0, 0.9),
    "img2img_color_correction": _FLAG,
    "img2img_extra_noise": Kind(float, 0, 1),
    "img2img_fix_steps": _FLAG,
    "face_restoration_model": Kind(str, choices=("CodeFormer", "GFPGAN")),
    "code_former_weight": _RATIO,
    "s_min_uncond_all": _FLAG,
    "sdxl_crop_top": Kind(int, 0, 1024),
    "sdxl_crop_left": Kind(int, 0, 1024),
}
