"""Which fields does each request have, of which kind and with which default?

The order is that of the real server's models, because its answers echo all fields in it. Every
field may be null, as in the real models, save those that are required.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One field of a request."""

    name: str
    kind: str
    default: object = None
    required: bool = False
    #: Bounds as pydantic knows them: the name of the comparison and its limit.
    bounds: tuple[tuple[str, float], ...] = ()
    #: The only values allowed; empty where all are.
    only: tuple[object, ...] = ()


def _fields(kind: str, **defaults: object) -> tuple[Field, ...]:
    return tuple(Field(name, kind, default) for name, default in defaults.items())


_COMMON = (
    *_fields("str", prompt="", negative_prompt=""),
    *_fields("texts", styles=None),
    *_fields("int", seed=-1, subseed=-1),
    *_fields("float", subseed_strength=0),
    *_fields("int", seed_resize_from_h=-1, seed_resize_from_w=-1),
    *_fields("str", sampler_name=None, scheduler=None),
    *_fields("int", batch_size=1, n_iter=1, steps=50),
    *_fields("float", cfg_scale=7.0),
    *_fields("int", width=512, height=512),
    *_fields("bool", restore_faces=None, tiling=None),
    *_fields("bool", do_not_save_samples=False, do_not_save_grid=False),
    *_fields("float", eta=None, denoising_strength=None),
    *_fields("float", s_min_uncond=None, s_churn=None, s_tmax=None, s_tmin=None, s_noise=None),
    *_fields("dict", override_settings=None),
    *_fields("bool", override_settings_restore_afterwards=True),
    *_fields("str", refiner_checkpoint=None),
    *_fields("float", refiner_switch_at=None),
    *_fields("bool", disable_extra_networks=False),
    *_fields("str", firstpass_image=None),
    *_fields("dict", comments=None),
)

_API = (
    *_fields("str", script_name=None),
    *_fields("list", script_args=[]),
    *_fields("bool", send_images=True, save_images=False),
    *_fields("dict", alwayson_scripts={}),
    *_fields("str", infotext=None),
)

TXT2IMG = (
    *_COMMON,
    *_fields("bool", enable_hr=False),
    *_fields("int", firstphase_width=0, firstphase_height=0),
    *_fields("float", hr_scale=2.0),
    *_fields("str", hr_upscaler=None),
    *_fields("int", hr_second_pass_steps=0, hr_resize_x=0, hr_resize_y=0),
    *_fields("str", hr_checkpoint_name=None, hr_sampler_name=None, hr_scheduler=None),
    *_fields("str", hr_prompt="", hr_negative_prompt=""),
    *_fields("str", force_task_id=None, sampler_index="Euler"),
    *_API,
)

IMG2IMG = (
    *(
        Field("denoising_strength", "float", 0.75) if field.name == "denoising_strength" else field
        for field in _COMMON
    ),
    *_fields("list", init_images=None),
    *_fields("int", resize_mode=0),
    *_fields("float", image_cfg_scale=None),
    *_fields("str", mask=None),
    *_fields("int", mask_blur_x=4, mask_blur_y=4, mask_blur=None),
    *_fields("bool", mask_round=True),
    *_fields("int", inpainting_fill=0),
    *_fields("bool", inpaint_full_res=True),
    *_fields("int", inpaint_full_res_padding=0, inpainting_mask_invert=0),
    *_fields("float", initial_noise_multiplier=None),
    *_fields("str", latent_mask=None),
    *_fields("str", force_task_id=None, sampler_index="Euler"),
    *_fields("bool", include_init_images=False),
    *_API,
)

_SHARE = (("ge", 0), ("le", 1))

_EXTRAS = (
    Field("resize_mode", "int", 0, only=(0, 1)),
    *_fields("bool", show_extras_results=True),
    Field("gfpgan_visibility", "float", 0, bounds=_SHARE),
    Field("codeformer_visibility", "float", 0, bounds=_SHARE),
    Field("codeformer_weight", "float", 0, bounds=_SHARE),
    Field("upscaling_resize", "float", 2, bounds=(("gt", 0),)),
    Field("upscaling_resize_w", "int", 512, bounds=(("ge", 1),)),
    Field("upscaling_resize_h", "int", 512, bounds=(("ge", 1),)),
    *_fields("bool", upscaling_crop=True),
    *_fields("str", upscaler_1="None", upscaler_2="None"),
    Field("extras_upscaler_2_visibility", "float", 0, bounds=_SHARE),
    *_fields("bool", upscale_first=False),
)
EXTRA_SINGLE = (*_EXTRAS, *_fields("str", image=""))
EXTRA_BATCH = (*_EXTRAS, Field("imageList", "list", required=True))
PNG_INFO = (Field("image", "str", required=True),)
INTERROGATE = _fields("str", image="", model="clip")
