"""Which request to the WebUI does a job's input ask for, and is it usable?

Covers: the two shapes of input that public workers take (plain fields; `api` with `payload`), the
allowed paths, and the whole check that needs no WebUI. Pure.
Leaves out: names of things the WebUI has (`validation.catalog`), drawing seeds (`seeds`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from handler.errors import Complaint, InputInvalidError
from handler.text import closest, listed
from handler.validation import body as bodies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handler.validation.limits import Limits

API = "/sdapi/v1/"
TXT2IMG = API + "txt2img"
IMG2IMG = API + "img2img"

_POSTS = ("txt2img", "img2img")
#: Read-only questions. `cmd-flags` is not among them: it answers with passwords.
_GETS = (
    "options",
    "sd-models",
    "sd-vae",
    "samplers",
    "schedulers",
    "upscalers",
    "latent-upscale-modes",
    "hypernetworks",
    "face-restorers",
    "realesrgan-models",
    "prompt-styles",
    "embeddings",
    "loras",
    "scripts",
    "script-info",
    "extensions",
    "memory",
    "progress",
)
_ALLOWED_PATHS = {"POST": _POSTS, "GET": _GETS}


@dataclass(frozen=True)
class Request:
    """One request to the WebUI."""

    method: str
    path: str
    #: None for a GET.
    body: dict[str, Any] | None
    #: How many images have to come back; None where none are asked for.
    images: int | None = None
    #: Remarks about the input that the client gets with the result.
    warnings: tuple[str, ...] = field(default=())
    #: Whether its images may be worse than asked where they do not fit otherwise.
    degrade: bool = False


def _api_fault(name: str, value: object, allowed: str) -> InputInvalidError:
    return InputInvalidError([Complaint(f"api.{name}", value, allowed)])


def _target(api: object) -> tuple[str, str]:
    """Return method and path that `api` names."""
    if not isinstance(api, dict):
        raise InputInvalidError([Complaint("api", api, "must be an object of method and path")])
    method = api.get("method", "POST")
    if not isinstance(method, str) or method.upper() not in _ALLOWED_PATHS:
        raise _api_fault("method", method, "must be POST or GET")
    name = "path" if "path" in api else "endpoint"
    path = api.get(name)
    allowed = _ALLOWED_PATHS[method.upper()]
    known = [API + each for each in allowed]
    if not isinstance(path, str) or "/" + path.strip("/") not in known:
        near = closest(path, known) if isinstance(path, str) else None
        text = f"must be one of {API} with {listed(allowed)} for {method.upper()}"
        raise InputInvalidError([Complaint(f"api.{name}", path, text, near)])
    return method.upper(), "/" + path.strip("/")


def _of_api(given: Mapping[str, Any], limits: Limits) -> Request:
    method, path = _target(given["api"])
    others = sorted(set(given) - {"api", "payload"})
    if others:
        allowed = "beside api only payload is allowed"
        raise InputInvalidError([Complaint(each, given[each], allowed) for each in others])
    payload = given.get("payload") or {}
    if method == "POST":
        return _generation(path, payload, limits)
    if payload:
        raise InputInvalidError([Complaint("payload", payload, "must be empty for GET")])
    return Request(method, path, None)


def _generation(path: str, given: object, limits: Limits) -> Request:
    if not isinstance(given, dict):
        raise InputInvalidError([Complaint("payload", given, "must be an object")])
    made = bodies.make(given, limits, img2img=path == IMG2IMG)
    return Request("POST", path, made.body, made.images, made.warnings, made.degrade)


def parse(given: object, limits: Limits) -> Request:
    """Return the request that a job's input asks for.

    Raises:
        InputInvalidError: With everything that is wrong with it.
    """
    if not isinstance(given, dict) or not given:
        allowed = 'must be an object such as {"prompt": "a lighthouse", "steps": 20}'
        raise InputInvalidError([Complaint("input", given, allowed)])
    if "api" in given:
        return _of_api(given, limits)
    return _generation(IMG2IMG if bodies.has_init_image(given) else TXT2IMG, given, limits)
