"""Is a text an image that may be sent to the WebUI, and is one from the WebUI an image?

Covers: base64 with or without a `data:` prefix, size and signature. Pure.
Leaves out: decoding pixels; addresses are refused, nothing is fetched.
"""

from __future__ import annotations

import binascii
import re

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_PNG_END = b"IEND\xaeB`\x82"
_PREFIX = re.compile(r"data:image/[a-z0-9.+-]+;base64,", re.IGNORECASE)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_WEBP_HEAD = 12

ALLOWED = "must be a PNG, JPEG or WebP image in base64, with or without a data: prefix"


def signature_known(data: bytes) -> bool:
    """Return whether the bytes begin like a PNG, JPEG or WebP image."""
    webp = data[:4] == b"RIFF" and data[8:_WEBP_HEAD] == b"WEBP"
    return webp or data.startswith(_SIGNATURES)


def _decoded(text: str) -> bytes | None:
    try:
        return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (UnicodeEncodeError, binascii.Error):
        return None


def strip_prefix(text: str) -> str:
    """Return the base64 alone, without a `data:` prefix and without line breaks."""
    match = _PREFIX.match(text)
    body = text[match.end() :] if match else text
    return "".join(body.split()) if any(each.isspace() for each in body) else body


def input_fault(value: object, max_bytes: int) -> str | None:
    """Return what is wrong with an image of a job's input, or None."""
    if not isinstance(value, str):
        return ALLOWED
    if _ADDRESS.match(value[:64].lstrip()):
        return f"{ALLOWED}; addresses are not fetched"
    text = strip_prefix(value)
    # Four characters of base64 hold three bytes: too large is seen before anything is decoded.
    if len(text) * 3 // 4 - 2 > max_bytes:
        return f"must be at most {max_bytes} bytes, is about {len(text) * 3 // 4}"
    data = _decoded(text)
    return None if data is not None and signature_known(data) else ALLOWED


def output_fault(value: object) -> str | None:
    """Return what is wrong with an image of the WebUI's answer, or None."""
    if not isinstance(value, str):
        return f"is {type(value).__name__}, not base64 text"
    data = _decoded(strip_prefix(value))
    if data is None:
        return "is not base64"
    if not signature_known(data):
        return "is no PNG, JPEG or WebP"
    if data.startswith(_SIGNATURES[0]) and not data.endswith(_PNG_END):
        return "is a PNG that is cut off"
    return None
