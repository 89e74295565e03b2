"""Which inputs are usable, and what is said about those that are not."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from handler_standins import image
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import InputInvalidError
from handler.validation.fields import OPTIONS, SERVER_FIELDS
from handler.validation.limits import Limits
from handler.validation.request import IMG2IMG, TXT2IMG, Request, parse

LIMITS = Limits(
    max_pixels=2048 * 2048,
    max_images=16,
    max_steps=150,
    max_prompt_bytes=1000,
    max_init_image_bytes=1000,
    allowed_scripts=frozenset({"controlnet"}),
)


def parsed(**fields: Any) -> Request:
    """Return the request for plain fields beside a prompt."""
    return parse({"prompt": "a lighthouse", **fields}, LIMITS)


def complaints(given: Any) -> dict[str, str]:
    """Return what is wrong with an input: field to line."""
    with pytest.raises(InputInvalidError) as caught:
        parse(given, LIMITS)
    return {each.field: str(each) for each in caught.value.complaints}


def wrong(**fields: Any) -> dict[str, str]:
    """Return what is wrong with plain fields beside a prompt."""
    return complaints({"prompt": "a lighthouse", **fields})


def test_example_of_the_official_worker_is_taken() -> None:
    """The example input of the official public worker is a txt2img request as it stands."""
    request = parse(
        {
            "prompt": "a photograph of an astronaut riding a horse",
            "negative_prompt": "text, watermark, blurry, low quality",
            "steps": 25,
            "cfg_scale": 7,
            "width": 512,
            "height": 512,
            "sampler_name": "DPM++ 2M Karras",
        },
        LIMITS,
    )
    assert (request.method, request.path, request.images) == ("POST", TXT2IMG, 1)
    assert request.warnings == ()
    assert request.body is not None
    assert request.body["steps"] == 25
    assert request.body["save_images"] is False


def test_names_of_diffusers_are_taken_with_a_remark() -> None:
    """Names that the official worker's own test input uses become the WebUI's, and it is said."""
    request = parsed(num_inference_steps=20, guidance_scale=6.5)
    assert request.body is not None
    assert (request.body["steps"], request.body["cfg_scale"]) == (20, 6.5)
    assert request.warnings == (
        "num_inference_steps is taken as steps",
        "guidance_scale is taken as cfg_scale",
    )


def test_the_shape_with_api_and_payload_is_taken() -> None:
    """The other public worker's shape works for generations, with and without a leading slash."""
    payload = {
        "prompt": "a photo",
        "override_settings": {"sd_model_checkpoint": "xl", "sd_vae": "Automatic"},
        "seed": -1,
        "sampler_name": "DPM++ SDE",
        "sampler_index": "DPM++ SDE",
        "scheduler": "karras",
        "restore_faces": False,
        "script_args": [],
        "alwayson_scripts": {},
        "send_images": True,
        "enable_hr": False,
        "styles": None,
    }
    for key, path in (("endpoint", TXT2IMG), ("path", "sdapi/v1/txt2img/")):
        request = parse({"api": {"method": "POST", key: path}, "payload": payload}, LIMITS)
        assert (request.method, request.path) == ("POST", TXT2IMG)
    question = parse({"api": {"method": "GET", "endpoint": "/sdapi/v1/sd-models"}}, LIMITS)
    assert question == Request("GET", "/sdapi/v1/sd-models", None)


@pytest.mark.parametrize(
    ("api", "said"),
    [
        ({"method": "GET", "endpoint": "/sdapi/v1/cmd-flags"}, "must be one of /sdapi/v1/ with"),
        ({"method": "POST", "endpoint": "/sdapi/v1/options"}, "txt2img, img2img for POST"),
        ({"method": "POST", "endpoint": "/sdapi/v1/server-kill"}, "txt2img, img2img for POST"),
        ({"method": "GET", "endpoint": "/sdapi/v1/../file"}, "must be one of"),
        ({"method": "GET", "endpoint": None}, "must be one of"),
        ({"method": "DELETE", "endpoint": TXT2IMG}, "must be POST or GET"),
        ("txt2img", "must be an object"),
    ],
)
def test_other_paths_are_refused(api: Any, said: str) -> None:
    """Only the listed paths reach the WebUI; none of them shows passwords or changes the server."""
    (line,) = complaints({"api": api, "payload": {}}).values()
    assert said in line


def test_an_init_image_makes_it_img2img() -> None:
    """With an image the request goes to img2img, whatever its prefix and whichever name it has."""
    for fields in (
        {"init_images": [image()]},
        {"init_images": ["data:image/png;base64," + image()]},
        {"image": image()},
        {"init_image": f"{image()[:20]}\n{image()[20:]}"},
    ):
        request = parse(fields, LIMITS)
        assert request.path == IMG2IMG
        assert request.body is not None
        assert request.body["init_images"] == [image()]
    assert parse({"init_images": [image()] * 3, "n_iter": 2}, LIMITS).images == 6


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("https://example.org/a.png", "addresses are not fetched"),
        ("file:///etc/passwd", "addresses are not fetched"),
        ("@@@", "must be a PNG, JPEG or WebP image in base64"),
        (base64.b64encode(b"no image").decode(), "must be a PNG, JPEG or WebP image in base64"),
        ("A" * 2000, "must be at most 1000 bytes, is about 1500"),
        (7, "must be a PNG"),
    ],
)
def test_bad_init_images_are_refused(value: Any, said: str) -> None:
    """What is no small enough image in base64 is refused by its place in the list."""
    assert said in complaints({"init_images": [image(), value]})["init_images[1]"]


@pytest.mark.parametrize("value", [[], "", {}, [image()] * 17])
def test_a_list_of_init_images_has_bounds(value: Any) -> None:
    """No image and too many images are refused."""
    assert complaints({"prompt": "x", "init_images": value})


@pytest.mark.parametrize(
    ("field", "value", "line"),
    [
        ("steps", 0, "steps = 0: must be a whole number from 1 to 150"),
        ("steps", "x", 'steps = "x": must be a whole number from 1 to 150'),
        ("steps", True, "steps = true: must be a whole number from 1 to 150"),
        ("seed", 1.5, "must be a whole number from -1 to 4294967295 (-1 draws one)"),
        ("seed", 10**400, "seed = a number of 1329 bits"),
        ("width", 65, "must be a whole number from 64 to 16384 and a multiple of 8"),
        ("cfg_scale", float("nan"), "must be a number from 0 to 100"),
        ("cfg_scale", 10**400, "must be a number from 0 to 100"),
        ("batch_size", 0, "must be a whole number from 1 to 16"),
        ("prompt", ["a", "b"], "prompt = a list of 2: must be text of at most 1000 bytes"),
        ("prompt", "é" * 501, "(501 characters): must be text of at most 1000 bytes"),
        ("prompt", "\ud800", 'prompt = "\\ud800": must be text'),
        ("enable_hr", "yes", "must be true or false"),
        ("styles", "anime", "must be a list of texts"),
        ("negative_promt", "x", "no such field (did you mean negative_prompt?)"),
        ("stepps", 1, "no such field (did you mean steps?)"),
        ("mask", image(), "no such field"),
        ("override_settings", [], "must be an object"),
        ("override_settings_restore_afterwards", False, "must be true: a job may not change"),
        ("script_name", "x/y/z plot", "scripts are allowed by name only; allowed are controlnet"),
        ("script_args", [1], "scripts are allowed by name only"),
        ("alwayson_scripts", {"evil": {}}, 'alwayson_scripts = "evil": scripts are allowed'),
        ("alwayson_scripts", [1], "scripts are allowed by name only"),
        ("enable_hr", True, "denoising_strength = null: must be given"),
    ],
)
def test_a_bad_field_is_named_with_value_and_allowed(field: str, value: Any, line: str) -> None:
    """Each bad field gets one line with its name, its value and what is allowed."""
    found = wrong(**{field: value})
    assert len(found) == 1
    assert line in next(iter(found.values()))


@pytest.mark.parametrize("name", sorted(SERVER_FIELDS))
def test_fields_of_the_server_are_refused(name: str) -> None:
    """A client cannot set what belongs to the server."""
    assert "is set by the server" in wrong(**{name: "anything"})[name]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CLIP_stop_at_last_layers", "abc", "must be a whole number from 1 to 12"),
        ("sd_model_checkpoint", 7, "must be text"),
        ("outdir_samples", "/etc", "may not be overridden; allowed are sd_model_checkpoint"),
        ("sd_model_checkpont", "x", "(did you mean sd_model_checkpoint?)"),
    ],
)
def test_options_that_would_poison_the_server_are_refused(name: str, value: Any, said: str) -> None:
    """Only listed options of the right type pass; the WebUI would save any other for good."""
    assert said in wrong(override_settings={name: value})[f"override_settings.{name}"]


def test_allowed_scripts_pass() -> None:
    """A script that the settings name passes with its arguments; images are then not counted."""
    scripts = {"ControlNet": {"args": [{"enabled": True}]}}
    request = parsed(alwayson_scripts=scripts)
    assert request.body is not None
    assert request.body["alwayson_scripts"] == scripts
    assert request.images is None
    assert (
        "must be valid JSON"
        in wrong(alwayson_scripts={"controlnet": {"args": ["\udfff"]}})["input"]
    )


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        ({"width": 2048, "height": 2048}, True),
        ({"width": 2048, "height": 2056}, False),
        ({"width": 1024, "height": 1024, "enable_hr": True, "denoising_strength": 0.5}, True),
        ({"enable_hr": True, "denoising_strength": 0.5, "hr_scale": 4.5}, False),
        ({"enable_hr": True, "denoising_strength": 0.5, "hr_resize_x": 2056}, False),
        ({"enable_hr": True, "denoising_strength": 0.5, "hr_resize_y": 2048}, True),
        ({"batch_size": 4, "n_iter": 4}, True),
        ({"batch_size": 4, "n_iter": 5}, False),
    ],
)
def test_what_is_asked_for_together_is_bounded(fields: dict[str, Any], *, fits: bool) -> None:
    """Pixels of the largest pass and images of the whole job are bounded."""
    if fits:
        assert parsed(**fields).body
    else:
        assert wrong(**fields)


@pytest.mark.parametrize("value", [None, {}, [], "a prompt", 7])
def test_an_input_that_is_no_object_is_refused(value: Any) -> None:
    """What is no object of fields is refused with an example."""
    assert "must be an object such as" in complaints(value)["input"]


def test_a_prompt_has_to_be_given() -> None:
    """txt2img without a prompt is a mistake more often than a wish."""
    assert complaints({"steps": 20}) == {"prompt": "prompt = null: must be given"}


def test_every_fault_is_told_at_once() -> None:
    """A client with many mistakes reads of the first few and gets the data of all."""
    with pytest.raises(InputInvalidError) as caught:
        parse({"prompt": "x", **{f"field_{index}": index for index in range(8)}}, LIMITS)
    result = caught.value.as_result()
    assert result["error"].startswith("INPUT_INVALID: field_0 = 0: no such field")
    assert result["error"].endswith("; and 3 more")
    assert len(result["error_detail"]["fields"]) == 8


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["prompt", "steps", "width", "seed", "init_images", "mask", "override_settings", "api",
     "payload", "script_name", "alwayson_scripts", "sampler_name", "image", "hr_scale", *OPTIONS]
)  # fmt: skip


@given(st.dictionaries(NAMES | st.text(), JSON, max_size=6) | JSON)
def test_any_input_is_a_sound_request_or_a_readable_refusal(value: Any) -> None:
    """Whatever JSON a client sends, a body of sound JSON or one printable line comes out."""
    try:
        request = parse(value, LIMITS)
    except InputInvalidError as error:
        result = error.as_result()
        assert isinstance(result["error"], str)
        assert result["error"].isprintable()
        assert len(result["error"]) < 2000
        json.dumps(result, ensure_ascii=False, allow_nan=False).encode()
    else:
        json.dumps(request.body, ensure_ascii=False, allow_nan=False).encode()
