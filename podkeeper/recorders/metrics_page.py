"""What do people read about the metrics?

Covers: the text of docs/metrics.md, made from the registry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podkeeper.recorders.metrics import Registry

_HEAD = """\
# Metrics

Served at `/metrics` by the watchdog. Made from `conf/metrics.toml` by `make docs`; edit
that file, not this one. A value that is not known is absent, never 0.

| metric | type | unit | labels | meaning | the same number |
|---|---|---|---|---|---|
"""


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def page(registry: Registry) -> str:
    """Return the page as Markdown, one row a metric."""
    rows = (
        f"| `{name}` | {metric.type} | {metric.unit} | "
        f"{', '.join(f'`{label}`' for label in metric.labels)} | {_cell(metric.help)} | "
        f"{f'`{_cell(metric.same_as)}`' if metric.same_as else ''} |\n"
        for name, metric in registry.metrics.items()
    )
    return _HEAD + "".join(rows)
