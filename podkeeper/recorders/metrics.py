"""Which metrics exist, and how are they written for Prometheus?

Covers: the registry of `conf/metrics.toml` and the text format 0.0.4.
Leaves out: where values come from (`recorders.snapshot_metrics`) and who asks for them
(`podkeeper.console`).
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from podkeeper import paths
from podkeeper.errors import PodkeeperError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "podkeeper_"


class MetricError(PodkeeperError):
    """A metric is emitted that conf/metrics.toml does not declare so."""


class Metric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One metric as it is declared."""

    type: Literal["gauge", "counter"]
    unit: str
    labels: list[str]
    help: str
    #: The command that shows the same number; empty where there is none.
    same_as: str


class Sample(NamedTuple):
    """One value of one metric. None where it is not known: such a sample is left out."""

    name: str
    value: float | None
    labels: tuple[str, ...] = ()


def _escaped(text: str, *, quoted: bool) -> str:
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quoted else text


class Registry:
    """All metrics there are."""

    def __init__(self, metrics: dict[str, Metric]) -> None:
        self.metrics = metrics

    def _line(self, sample: Sample) -> str:
        metric = self.metrics.get(sample.name)
        if metric is None:
            raise MetricError(f"cannot emit {sample.name}: conf/metrics.toml does not declare it")
        if len(sample.labels) != len(metric.labels):
            raise MetricError(
                f"cannot emit {sample.name}{sample.labels}: its labels are {metric.labels}"
            )
        pairs = zip(metric.labels, sample.labels, strict=True)
        inside = ",".join(f'{name}="{_escaped(value, quoted=True)}"' for name, value in pairs)
        # repr gives the shortest text that reads back as the same number.
        return f"{sample.name}{'{' + inside + '}' if inside else ''} {sample.value!r}\n"

    def exposition(self, samples: Iterable[Sample]) -> str:
        """Return the samples in Prometheus' text format, families in the order of the registry.

        Raises:
            MetricError: A sample's name or labels are not declared, known value or not.
        """
        families: dict[str, list[str]] = {}
        for sample in samples:
            line = self._line(sample)
            if sample.value is not None:
                families.setdefault(sample.name, []).append(line)
        return "".join(
            f"# HELP {name} {_escaped(metric.help, quoted=False)}\n"
            f"# TYPE {name} {metric.type}\n" + "".join(families[name])
            for name, metric in self.metrics.items()
            if name in families
        )


def parse(declared: dict[str, Any]) -> Registry:
    """Return the registry of what a TOML file declares.

    Raises:
        MetricError: A declaration is not complete, or a name breaks the rules for names.
    """
    try:
        metrics = msgspec.convert(declared, dict[str, Metric])
    except msgspec.ValidationError as error:
        raise MetricError(f"cannot read the metrics' registry: {error}") from error
    for name, metric in metrics.items():
        if not name.startswith(_PREFIX) or name.endswith("_total") != (metric.type == "counter"):
            raise MetricError(
                f"cannot declare {name}: it must begin with {_PREFIX}, "
                "and end in _total if and only if it is a counter"
            )
    return Registry(metrics)


def load(conf_dir: Path | None = None) -> Registry:
    """Return the registry that ships with podkeeper.

    Raises:
        MetricError: It is not usable.
    """
    path = (conf_dir or paths.conf_dir()) / "metrics.toml"
    return parse(tomllib.loads(path.read_text(encoding="utf-8")))
