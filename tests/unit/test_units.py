"""Sizes, spans and shares as people write them."""

from __future__ import annotations

import pytest

from podkeeper import units


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("0", 0), ("512", 512), ("6GiB", 6 << 30), ("6 gb", 6 << 30), ("1.5k", 1536), (7, 7)],
)
def test_sizes_are_read_as_people_write_them(text: str | int, size_bytes: int) -> None:
    """Every common spelling of a size gives the same number of bytes."""
    assert units.parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "six", "-1", "1e3", "6 parsecs", True, "85%", "٣"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """A text that is no size says what one looks like."""
    with pytest.raises(ValueError, match="512MiB"):
        units.parse_size(text)


@pytest.mark.parametrize(
    ("text", "used_bytes", "exact"),
    [
        ("25%", 250, "25%"),
        ("25% left", 750, "25% left"),
        ("100", 100, 100),
        ("100 left", 900, "100 left"),
        ("2000 left", 0, "2000 left"),
    ],
)
def test_an_amount_is_what_is_used_or_what_is_left(
    text: str, used_bytes: int, exact: str | int
) -> None:
    """Both become a limit on use, and are written so that they are read as the same again."""
    amount = units.parse_amount(text)
    assert amount.of(1000) == used_bytes
    assert amount.exact == exact
    assert units.parse_amount(amount.exact) == amount


@pytest.mark.parametrize("text", ["left", "5% left left", "lots left", "5% right"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    """A text that is no amount says what one looks like."""
    with pytest.raises(ValueError, match="left"):
        units.parse_amount(text)
