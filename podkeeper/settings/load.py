"""Which settings hold for this worker, and where did each come from?"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podkeeper.errors import Complaint, SettingsError
from podkeeper.settings import layers, rules
from podkeeper.settings.convert import convert
from podkeeper.settings.layers import Leaf
from podkeeper.settings.schema import Settings, sections

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Read if it is there and nothing else is named: what an image or a mounted volume brings.
SYSTEM_FILE = Path("/etc/podkeeper/podkeeper.toml")


@dataclass(frozen=True)
class Source:
    """Where settings are looked for, beside the defaults."""

    environ: Mapping[str, str] = field(default_factory=dict)
    config: Path | None = None
    assignments: tuple[str, ...] = ()
    profile: str | None = None


@dataclass(frozen=True)
class Loaded:
    """The settings, and for each path the origin of its value.

    A table's names have paths of their own, such as `webui.environment.HF_HOME`.
    """

    settings: Settings
    origins: dict[str, str]


def _config_file(source: Source) -> Path | None:
    if source.config is not None:
        return source.config
    if source.environ.get("PODKEEPER_CONFIG"):
        return Path(source.environ["PODKEEPER_CONFIG"])
    return SYSTEM_FILE if SYSTEM_FILE.is_file() else None


def _profile(source: Source, said: Iterable[Leaf], default: str) -> tuple[str, str]:
    if source.profile is not None:
        return source.profile, "command line --profile"
    last = [leaf for leaf in said if leaf.path == "worker.profile"]
    return (str(last[-1].value), last[-1].origin) if last else (default, "default")


def _merge(leaves: Iterable[Leaf]) -> list[Leaf]:
    """Return the highest leaf of each path; tables are merged name by name, not replaced."""
    merged: dict[str, Leaf] = {}
    for leaf in leaves:
        below = merged.get(leaf.path)
        if below and isinstance(below.value, dict) and isinstance(leaf.value, dict):
            merged[leaf.path] = Leaf(leaf.path, {**below.value, **leaf.value}, leaf.origin)
        else:
            merged[leaf.path] = leaf
    return list(merged.values())


def origins_of(leaves: Iterable[Leaf]) -> dict[str, str]:
    """Return which leaf, lowest first, has the last word on each path and name of a table."""
    origins: dict[str, str] = {}
    for leaf in leaves:
        origins[leaf.path] = leaf.origin
        if isinstance(leaf.value, dict):
            origins |= {f"{leaf.path}.{name}": leaf.origin for name in leaf.value}
    return origins


def gather(source: Source) -> list[Leaf]:
    """Return what every layer says, lowest layer first.

    Raises:
        SettingsError: A layer cannot be read.
    """
    file = _config_file(source)
    said = [
        *(layers.from_file(file) if file else ()),
        *layers.from_secret_files(source.environ),
        *layers.from_environment(source.environ),
        *layers.from_assignments(list(source.assignments)),
    ]
    defaults = list(layers.from_defaults())
    default_profile = next(str(leaf.value) for leaf in defaults if leaf.path == "worker.profile")
    name, origin = _profile(source, said, default_profile)
    chosen = Leaf("worker.profile", name, origin)
    return [*defaults, *layers.from_profile(name, origin), *said, chosen]


def _typed(leaves: Iterable[Leaf]) -> tuple[dict[str, dict[str, Any]], list[Complaint]]:
    values: dict[str, dict[str, Any]] = {section: {} for section in sections()}
    complaints = []
    for leaf in leaves:
        value, complaint = convert(leaf)
        if complaint is not None:
            complaints.append(complaint)
        else:
            section, _, key = leaf.path.partition(".")
            values[section][key] = value
    return values, complaints


def load(source: Source) -> Loaded:
    """Return the settings of this worker.

    Raises:
        SettingsError: Something is unknown, of the wrong type, out of bounds or contradictory;
            every such thing is in `complaints`, not only the first.
    """
    leaves = gather(source)
    values, complaints = _typed(_merge(leaves))
    if complaints:
        raise SettingsError(complaints)
    made: dict[str, Any] = {name: kind(**values[name]) for name, kind in sections().items()}
    settings = Settings(**made)
    origins = origins_of(leaves)
    complaints = rules.broken(settings, origins)
    if complaints:
        raise SettingsError(complaints)
    return Loaded(settings, origins)
