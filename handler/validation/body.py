"""What is the body of a txt2img or img2img request, made of the fields a client gave?

Covers: other names for fields, unknown fields, types and bounds, images, and what podkeeper sets
itself. Pure: everything that is wrong is gathered before anything is raised.
Leaves out: the path (`validation.request`), names of things the WebUI has (`validation.catalog`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handler.errors import Complaint, InputInvalidError
from handler.text import closest
from handler.validation import extras, fields, images, rules
from handler.validation.kinds import check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handler.validation.kinds import Kind
    from handler.validation.limits import Limits

#: What every generation is sent with: images in the answer, no files on the server's disk.
_OWN = {"send_images": True, "save_images": False}
_OVERRIDES = ("override_settings", "override_settings_restore_afterwards")
_DEGRADE = fields.ALLOW_DEGRADED


@dataclass(frozen=True)
class Body:
    """A checked body, how many images it asks for, and remarks for the client."""

    body: dict[str, Any]
    images: int | None
    warnings: tuple[str, ...]
    degrade: bool = False


def has_init_image(given: Mapping[str, Any]) -> bool:
    """Return whether the fields hold an image to start from, under any of its names."""
    names = [alias for alias, name in fields.ALIASES.items() if name == "init_images"]
    return any(given.get(name) is not None for name in ("init_images", *names))


def _renamed(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the fields under the WebUI's own names; null counts as not given."""
    plain = {str(name): value for name, value in given.items() if value is not None}
    warnings = []
    for alias in [name for name in plain if name in fields.ALIASES]:
        name, value = fields.ALIASES[alias], plain.pop(alias)
        if name in plain:
            warnings.append(f"{alias} is not used: {name} is given, too")
            continue
        plain[name] = [value] if name == "init_images" and isinstance(value, str) else value
        warnings.append(f"{alias} is taken as {name}")
    return plain, warnings


def _unknown(name: str, value: object, kinds: Mapping[str, Kind]) -> Complaint:
    known = [*kinds, *fields.IMAGE_FIELDS, *_OVERRIDES, *fields.SCRIPT_FIELDS, _DEGRADE]
    return Complaint(name, value, "no such field", closest(name, known))


def _images(plain: Mapping[str, Any], limits: Limits) -> tuple[dict[str, Any], list[Complaint]]:
    given = plain.get("init_images")
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, list) or not 1 <= len(listed) <= limits.max_images:
        allowed = f"must be a list of 1 to {limits.max_images} images"
        return {}, [Complaint("init_images", given, allowed)]
    named = [(f"init_images[{index}]", each) for index, each in enumerate(listed)]
    if "mask" in plain:
        named.append(("mask", plain["mask"]))
    faults = [
        (name, each, images.input_fault(each, limits.max_init_image_bytes)) for name, each in named
    ]
    complaints = [Complaint(name, each, fault) for name, each, fault in faults if fault]
    if complaints:
        return {}, complaints
    typed: dict[str, Any] = {"init_images": [images.strip_prefix(each) for each in listed]}
    return {
        **typed,
        **({"mask": images.strip_prefix(plain["mask"])} if "mask" in plain else {}),
    }, []


class _Maker:
    """Gathers the body and the complaints of one input."""

    def __init__(self, plain: dict[str, Any], limits: Limits, *, img2img: bool) -> None:
        self.plain = plain
        self.limits = limits
        self.img2img = img2img
        self.kinds = fields.img2img(limits) if img2img else fields.txt2img(limits)
        self.body: dict[str, Any] = {}
        self.complaints: list[Complaint] = []
        self.degrade = False

    def take(self, part: tuple[dict[str, Any], list[Complaint]]) -> None:
        self.body.update(part[0])
        self.complaints.extend(part[1])

    def singles(self) -> None:
        """Check each field by itself."""
        special = {*_OVERRIDES, _DEGRADE, *fields.SCRIPT_FIELDS, *fields.SERVER_FIELDS}
        special.update(fields.IMAGE_FIELDS if self.img2img else ())
        for name, value in self.plain.items():
            if name in self.kinds:
                typed, complaint = check(name, value, self.kinds[name])
                self.take(({}, [complaint]) if complaint else ({name: typed}, []))
            elif name not in special:
                self.complaints.append(_unknown(name, value, self.kinds))

    def parts(self) -> None:
        """Check what has rules of its own."""
        if self.img2img:
            self.take(_images(self.plain, self.limits))
        elif "prompt" not in self.plain:
            self.complaints.append(Complaint("prompt", None, "must be given"))
        self.complaints.extend(extras.server_faults(self.plain))
        self.take(extras.scripts(self.plain, self.limits))
        if "override_settings" in self.plain:
            typed, complaints = extras.options(self.plain["override_settings"])
            self.take(({"override_settings": typed}, complaints))
        if _OVERRIDES[1] in self.plain:
            self.complaints.extend(extras.restore_faults(self.plain[_OVERRIDES[1]]))
        if _DEGRADE in self.plain:
            typed, wrong = check(_DEGRADE, self.plain[_DEGRADE], fields.ALLOW_DEGRADED_KIND)
            self.degrade = bool(typed)
            self.complaints.extend([wrong] if wrong else [])

    def whole(self) -> None:
        """Check what the fields ask for together; only where each is sound by itself."""
        self.complaints.extend(rules.broken(self.body, self.limits))
        try:
            json.dumps(self.body, allow_nan=False, ensure_ascii=False).encode()
        except ValueError:  # NaN or a lone surrogate within a script's arguments
            self.complaints.append(Complaint("input", self.body, "must be valid JSON in UTF-8"))


def make(given: Mapping[str, Any], limits: Limits, *, img2img: bool) -> Body:
    """Return the body made of what a client gave.

    Raises:
        InputInvalidError: With everything that is wrong with it.
    """
    plain, warnings = _renamed(given)
    maker = _Maker(plain, limits, img2img=img2img)
    maker.singles()
    maker.parts()
    if not maker.complaints:
        maker.whole()
    if maker.complaints:
        raise InputInvalidError(maker.complaints)
    scripted = any(name in maker.body for name in fields.SCRIPT_FIELDS)
    # A script may make more or fewer images than the fields say.
    count = None if scripted else rules.image_count(maker.body)
    return Body({**maker.body, **_OWN}, count, tuple(warnings), maker.degrade)
