"""Which fields of a job contradict each other or ask for too much together?

Covers: rules that need more than one field. Pure: fields in, complaints out.
Leaves out: single values (`validation.kinds`), names of things the WebUI has (`catalog`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handler.errors import Complaint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from handler.validation.limits import Limits

#: What the WebUI takes where a field is not given.
_DEFAULT_SIDE = 512
_DEFAULT_HR_SCALE = 2.0


def image_count(body: Mapping[str, Any]) -> int:
    """Return how many images the job asks for.

    The WebUI makes the batch as large as the number of init images where there are several.
    """
    batch = max(body.get("batch_size", 1), len(body.get("init_images", ())))
    return int(batch * body.get("n_iter", 1))


def final_size(body: Mapping[str, Any]) -> tuple[int, int]:
    """Return width and height of the largest pass, in pixels."""
    width, height = body.get("width", _DEFAULT_SIDE), body.get("height", _DEFAULT_SIDE)
    if not body.get("enable_hr"):
        return width, height
    scale = body.get("hr_scale", _DEFAULT_HR_SCALE)
    wide, high = body.get("hr_resize_x", 0), body.get("hr_resize_y", 0)
    if not wide and not high:
        return int(width * scale), int(height * scale)
    return wide or int(width * high / height), high or int(height * wide / width)


def _pixels(body: Mapping[str, Any], limits: Limits) -> Iterator[Complaint]:
    width, height = final_size(body)
    if width * height > limits.max_pixels:
        hires = " after the hires pass" if body.get("enable_hr") else ""
        allowed = f"width x height{hires} must be at most {limits.max_pixels} pixels"
        yield Complaint("width x height", f"{width} x {height}", allowed)


def _images(body: Mapping[str, Any], limits: Limits) -> Iterator[Complaint]:
    count = image_count(body)
    if count > limits.max_images:
        allowed = f"a job may make at most {limits.max_images} images"
        yield Complaint("batch_size x n_iter", count, allowed)


def _hires(body: Mapping[str, Any], limits: Limits) -> Iterator[Complaint]:
    del limits
    # Without it the WebUI ends with a TypeError halfway through the job.
    if body.get("enable_hr") and "denoising_strength" not in body:
        yield Complaint(
            "denoising_strength", None, "must be given, from 0 to 1, if enable_hr is true"
        )


def broken(body: Mapping[str, Any], limits: Limits) -> list[Complaint]:
    """Return what is wrong with the fields taken together."""
    return [each for rule in (_pixels, _images, _hires) for each in rule(body, limits)]
