"""How do people write sizes, spans and shares, and what are they in base units?

Covers: parsing ("6GiB", "90s", "85%") and the way back for reading.
Leaves out: turning a share into bytes, which needs the container's real limit (`settings.plan`).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

# IEC prefixes are powers of 1024. "6G" and "6GB" are what people write for the same thing when
# they speak of memory, and so are read as 6 GiB; Docker, Kubernetes' "Gi" and A1111 do likewise.
_SIZE_FACTORS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_SPAN_FACTORS_S = {
    "ms": 0.001,
    "s": 1.0,
    "": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}

# Written so that JSON Schema's regular expressions read them as Python's do.
SIZE_PATTERN = r"^\s*([0-9]+(?:\.[0-9]+)?)\s*([kKmMgGtT]?)[iI]?[bB]?\s*$"
SPAN_PATTERN = r"^\s*([0-9]+(?:\.[0-9]+)?)\s*([mM][sS]|[sS]|[mM][iI][nN]|[mM]|[hH]|[dD]|)\s*$"
SHARE_PATTERN = r"^\s*([0-9]+(?:\.[0-9]+)?)\s*%\s*$"
#: An amount that is to be left rather than used.
LEFT_PATTERN = r"^(.*\S)\s+left\s*$"
AMOUNT_PATTERN = r"^\s*[0-9]+(?:\.[0-9]+)?\s*([kKmMgGtT]?[iI]?[bB]?|%)(\s+left)?\s*$"

_SIZE = re.compile(SIZE_PATTERN, re.ASCII)
_SPAN = re.compile(SPAN_PATTERN, re.ASCII)
_SHARE = re.compile(SHARE_PATTERN, re.ASCII)
_LEFT = re.compile(LEFT_PATTERN, re.ASCII)

# What JSON, SQLite and the kernel can count to.
_LARGEST = 2**63 - 1

SIZE_EXAMPLES = 'a size such as "512MiB", "6GiB" or a number of bytes'
SPAN_EXAMPLES = 'a span such as "500ms", "90s", "5min", "2h" or a number of seconds'
RATIO_EXAMPLES = 'a share such as "85%" or a number from 0 to 1'
AMOUNT_EXAMPLES = f'{SIZE_EXAMPLES}, a share such as "85%", or what is left such as "2GiB left"'


def parse_size(text: str | float) -> int:
    """Return a number of bytes.

    Raises:
        ValueError: It is not a size.
    """
    match = _SIZE.fullmatch(str(text))
    if isinstance(text, bool) or match is None:
        raise ValueError(SIZE_EXAMPLES)
    size = float(match[1]) * _SIZE_FACTORS[match[2].lower()]
    if size > _LARGEST:
        raise ValueError(SIZE_EXAMPLES)
    return int(match[1]) if match[1].isdigit() and not match[2] else round(size)


def parse_span(text: str | float) -> float:
    """Return a number of seconds.

    Raises:
        ValueError: It is not a span of time.
    """
    match = _SPAN.fullmatch(str(text))
    if isinstance(text, bool) or match is None:
        raise ValueError(SPAN_EXAMPLES)
    span_s = float(match[1]) * _SPAN_FACTORS_S[match[2].lower()]
    if not math.isfinite(span_s):
        raise ValueError(SPAN_EXAMPLES)
    return span_s


def parse_ratio(text: str | float) -> float:
    """Return a share as a number from 0 to 1.

    Raises:
        ValueError: It is neither a percentage nor such a number.
    """
    share = _SHARE.fullmatch(str(text))
    try:
        ratio = float(share[1]) / 100 if share else float(str(text))
    except ValueError:
        raise ValueError(RATIO_EXAMPLES) from None
    if isinstance(text, bool) or not 0 <= ratio <= 1:
        raise ValueError(RATIO_EXAMPLES)
    return ratio


@dataclass(frozen=True)
class Amount:
    """A size, or a share of a capacity that is known later. Exactly one of the two is set."""

    size_bytes: int | None = None
    ratio: float | None = None
    #: Whether it is what is left of the capacity, rather than what is used of it.
    left: bool = False

    def of(self, capacity_bytes: int) -> int:
        """Return the amount used in bytes, where a share is one of `capacity_bytes`."""
        amount_bytes = self.size_bytes
        if amount_bytes is None:
            amount_bytes = int((self.ratio or 0.0) * capacity_bytes)
        return max(0, capacity_bytes - amount_bytes) if self.left else amount_bytes

    @property
    def exact(self) -> int | str:
        """Return it so that reading it gives the same amount, to the byte."""
        if self.size_bytes is None:
            return str(self)
        return f"{self.size_bytes} left" if self.left else self.size_bytes

    def __str__(self) -> str:
        """Return it as it would be written in a settings file."""
        amount = f"{100 * (self.ratio or 0.0):g}%"
        if self.size_bytes is not None:
            amount = format_size(self.size_bytes)
        return f"{amount} left" if self.left else amount


def parse_amount(text: str | float) -> Amount:
    """Return a size or, where the text ends in a percent sign, a share; `left` may follow.

    Raises:
        ValueError: It is neither.
    """
    left = _LEFT.fullmatch(str(text))
    if left is not None and not _LEFT.fullmatch(left[1]):
        return replace(parse_amount(left[1]), left=True)
    if _SHARE.fullmatch(str(text)):
        return Amount(ratio=parse_ratio(text))
    try:
        return Amount(size_bytes=parse_size(text))
    except ValueError:
        raise ValueError(AMOUNT_EXAMPLES) from None


def format_size(size_bytes: float) -> str:
    """Return bytes as a person reads them, in the largest IEC unit that is not below one."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:  # noqa: PLR2004 - the IEC step
            return f"{size:.4g}{unit}"
        size /= 1024
    return f"{size:.4g}TiB"


def format_span(span_s: float) -> str:
    """Return seconds as a person reads them: `850ms`, `12.3s`, `4min 10s`, `3h 5min`, `2d 4h`."""
    if span_s < 1:
        return f"{span_s * 1000:.0f}ms"
    if span_s < 60:  # noqa: PLR2004 - a minute
        return f"{span_s:.3g}s"
    for unit, lower, unit_s, lower_s in (
        ("min", "s", 60, 1),
        ("h", "min", 3600, 60),
        ("d", "h", 86400, 3600),
    ):
        if span_s < unit_s * (60 if unit != "h" else 24) or unit == "d":
            whole, rest = divmod(span_s, unit_s)
            return f"{whole:.0f}{unit} {rest // lower_s:.0f}{lower}".removesuffix(f" 0{lower}")
    raise AssertionError("unreachable: the last unit takes every span")
