"""How does a result look? Drawn as SVG by hand: no plotting library is needed for two kinds."""

from __future__ import annotations

import math
import statistics
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LEFT, _RIGHT, _TOP, _ROW, _FOOT, _WIDTH = 170, 30, 48, 22, 44, 860
_OURS, _OTHERS, _BOUND, _INK, _GRID = "#0b6e4f", "#8a94a6", "#c1121f", "#1f2933", "#e4e7eb"
_FONT = 'font-family="DejaVu Sans, Helvetica, sans-serif"'


def _text(x: float, y: float, words: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{_INK}" {more}>{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, more: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {more}/>'


def _page(height: float, body: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height:.0f}"'
        f' viewBox="0 0 {_WIDTH} {height:.0f}" {_FONT} font-size="12">'
    )
    ground = f'<rect width="{_WIDTH}" height="{height:.0f}" fill="white"/>'
    return "\n".join([head, ground, *body, "</svg>", ""])


def strips(
    path: Path, title: str, rows: Sequence[tuple[str, Sequence[float], bool]], *, bound: float
) -> None:
    """Draw one row of dots for each series on a logarithmic axis, its median as a stroke.

    `bound` is a line that the rows marked as ours should stay left of.
    """
    values = [value for _, series, _ in rows for value in series]
    low = math.floor(math.log10(min(values)))
    high = math.ceil(math.log10(max(values)))

    def x(value: float) -> float:
        share = (math.log10(value) - low) / (high - low)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    bottom = _TOP + _ROW * len(rows)
    body = [_text(_LEFT, 22, title, 'font-size="15" font-weight="bold"')]
    for power in range(low, high + 1):
        at = x(10**power)
        body.append(_line(at, _TOP - 8, at, bottom, f'stroke="{_GRID}"'))
        body.append(_text(at, bottom + 16, f"{10**power:g}", 'text-anchor="middle"'))
    mark = f'stroke="{_BOUND}" stroke-dasharray="4 3"'
    body.append(_line(x(bound), _TOP - 8, x(bound), bottom, mark))
    words = f"wanted: podkeeper's median at most {bound:g}"
    body.append(_text(x(bound), bottom + 34, words, 'text-anchor="middle" font-size="11"'))
    for number, (name, series, ours) in enumerate(rows):
        y, colour = _TOP + _ROW * (number + 0.5), _OURS if ours else _OTHERS
        body.append(_text(_LEFT - 10, y + 4, name, 'text-anchor="end"'))
        for value in series:
            dot = f'r="2.4" fill="{colour}" fill-opacity="0.45"'
            body.append(f'<circle cx="{x(value):.1f}" cy="{y:.1f}" {dot}/>')
        middle = x(statistics.median(series))
        body.append(_line(middle, y - 8, middle, y + 8, f'stroke="{colour}" stroke-width="3"'))
    path.write_text(_page(bottom + _FOOT, body))


_PANEL_GAP, _NAMES = 34, 220


def bars(
    path: Path,
    title: str,
    panels: Sequence[tuple[str, float | None, Sequence[tuple[str, float]]]],
    ours: str,
) -> None:
    """Draw one panel of bars below another, each with its own scale and, where given, a bound."""
    body = [_text(_NAMES, 22, title, 'font-size="15" font-weight="bold"')]
    y = float(_TOP)
    for name, bound, rows in panels:
        most = max([value for _, value in rows] + ([bound] if bound else [])) or 1.0
        scale = (_WIDTH - _NAMES - 90) / most
        body.append(_text(_NAMES, y + 4, name, 'font-weight="bold"'))
        top = y + 10
        for number, (side, value) in enumerate(rows):
            at = top + _ROW * number
            colour = _OURS if side == ours else _OTHERS
            size = f'width="{value * scale:.1f}" height="{_ROW - 8}"'
            body.append(f'<rect x="{_NAMES}" y="{at + 4:.1f}" {size} fill="{colour}"/>')
            body.append(_text(_NAMES - 10, at + 15, side, 'text-anchor="end"'))
            body.append(_text(_NAMES + value * scale + 6, at + 15, f"{value:.3g}"))
        y = top + _ROW * len(rows)
        if bound:
            at = _NAMES + bound * scale
            body.append(_line(at, top, at, y, f'stroke="{_BOUND}" stroke-dasharray="4 3"'))
            words = f"wanted: {ours} at most {bound:g}"
            more = f'font-size="11" text-anchor="end" style="fill:{_BOUND}"'
            body.append(_text(_WIDTH - 20, top - 6, words, more))
        y += _PANEL_GAP
    path.write_text(_page(y, body))
