"""What was said about each setting, by which layer?

Covers: reading the layers, lowest first, into leaves that carry their origin.
Leaves out: types and bounds (`settings.convert`), rules between settings (`settings.rules`).
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podkeeper.errors import Complaint, SettingsError
from podkeeper.paths import conf_dir
from podkeeper.settings.schema import leaf_types

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX = "PODKEEPER_"
#: Variables of this prefix that are no settings: they say where settings, a start or a test's
#: material are.
NOT_SETTINGS = {
    "PODKEEPER_CONFIG",
    "PODKEEPER_PLAN",
    "PODKEEPER_PROGRAM",
    "PODKEEPER_RUN",
    "PODKEEPER_TEST_EXCHANGES",
    "PODKEEPER_TEST_WEBUI_URL",
}
#: Where the platform itself puts what we call by another name, and the unit it counts in there.
FOREIGN_VARIABLES = {
    "RUNPOD_AI_API_KEY": ("runpod.api_key", ""),
    "RUNPOD_LOG_LEVEL": ("runpod.log_level", ""),
    "RUNPOD_PING_INTERVAL": ("runpod.ping_interval_s", "ms"),
}
SECRET_SUFFIX = "_FILE"  # noqa: S105 - the ending of a name


@dataclass(frozen=True)
class Leaf:
    """One value for one setting, as some layer gave it."""

    path: str
    value: object
    origin: str


def from_table(table: Mapping[str, Any], origin: str) -> Iterator[Leaf]:
    """Yield the leaves of a parsed TOML document: two levels, a section and its keys."""
    for section, keys in table.items():
        if not isinstance(keys, dict):
            yield Leaf(section, keys, origin)
            continue
        for key, value in keys.items():
            yield Leaf(f"{section}.{key}", value, origin)


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file's content.

    Raises:
        SettingsError: It cannot be read or is no TOML; the message says where.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        complaint = Complaint("settings file", str(path), "its own text", f"no TOML: {error}")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        complaint = Complaint("settings file", str(path), "command line or environment", reason)
    raise SettingsError([complaint])


def from_defaults() -> Iterator[Leaf]:
    """Yield the leaves of `conf/defaults.toml`."""
    yield from from_table(read_toml(conf_dir() / "defaults.toml"), "default")


def profile_names() -> list[str]:
    """Return the names of the profiles that ship."""
    return sorted(path.stem for path in (conf_dir() / "profiles").glob("*.toml"))


def from_profile(name: str, origin: str) -> Iterator[Leaf]:
    """Yield the leaves of a profile.

    Raises:
        SettingsError: There is no such profile.
    """
    if name not in profile_names():
        allowed = f"must be one of {', '.join(profile_names())}"
        raise SettingsError([Complaint("worker.profile", name, origin, allowed)])
    table = read_toml(conf_dir() / "profiles" / f"{name}.toml")
    yield from from_table(table, f"profile {name}")


def from_file(path: Path) -> Iterator[Leaf]:
    """Yield the leaves of the user's settings file."""
    yield from from_table(read_toml(path), str(path))


def _leaf_of(variable: str, value: str, origin: str) -> Leaf:
    """Return what `PODKEEPER_SECTION__KEY`, or `…__KEY__NAME` for one name of a table, says.

    The name of a table's entry keeps its case: it is itself a variable's name.
    """
    section, _, rest = variable.removeprefix(PREFIX).partition("__")
    key, _, name = rest.partition("__")
    path = f"{section}.{key}".lower() if key else section.lower()
    return Leaf(path, {name: value} if name else _structured(path, value), origin)


def _structured(path: str, value: str) -> object:
    """Return a list or table where the setting is one and the text is JSON, else the text."""
    if getattr(leaf_types().get(path), "__origin__", None) not in (list, dict):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _ours(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for variable, value in sorted(environ.items()):
        if variable.startswith(PREFIX) and variable not in NOT_SETTINGS:
            yield variable, value


def _secret_target(variable: str) -> str | None:
    """Return the variable that a secret file stands for, or None where it is no such thing."""
    is_entry = variable.removeprefix(PREFIX).count("__") > 1
    suffix = "_" + SECRET_SUFFIX if is_entry else SECRET_SUFFIX
    return variable.removesuffix(suffix) if variable.endswith(suffix) else None


def _secret(variable: str, name: str) -> str:
    """Return a secret file's text.

    Raises:
        SettingsError: It cannot be read.
    """
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        complaint = Complaint(variable, name, "environment", f"the file cannot be read: {reason}")
        raise SettingsError([complaint]) from error


def from_environment(environ: Mapping[str, str]) -> Iterator[Leaf]:
    """Yield the leaves of `PODKEEPER_SECTION__KEY` variables and of the platform's own names."""
    for variable, (path, unit) in FOREIGN_VARIABLES.items():
        if environ.get(variable):
            yield Leaf(path, environ[variable] + unit, f"environment {variable}")
    for variable, value in _ours(environ):
        if _secret_target(variable) is None:
            yield _leaf_of(variable, value, f"environment {variable}")


def from_secret_files(environ: Mapping[str, str]) -> Iterator[Leaf]:
    """Yield a leaf for each `PODKEEPER_SECTION__KEY_FILE`: the named file's text.

    For one name of a table it is `…__KEY__NAME__FILE`, since names such as SSL_CERT_FILE exist.

    Raises:
        SettingsError: Such a file cannot be read.
    """
    for variable, name in _ours(environ):
        target = _secret_target(variable)
        if target is not None:
            yield _leaf_of(target, _secret(variable, name), f"secret file {name}")


def from_assignments(assignments: list[str]) -> Iterator[Leaf]:
    """Yield the leaves of `section.key=value` arguments of the command line.

    Raises:
        SettingsError: An argument has no equals sign.
    """
    for assignment in assignments:
        path, equals, value = assignment.partition("=")
        if not equals:
            raise SettingsError(
                [Complaint("--set", assignment, "command line", "must read section.key=value")]
            )
        yield _assigned(path.strip(), value)


def _assigned(path: str, value: str) -> Leaf:
    """Return what `section.key=value`, or `section.key.NAME=value` for one name of a table, says.

    Hyphens count as underscores, as elsewhere on the command line.
    """
    section, _, rest = path.partition(".")
    key, _, name = rest.partition(".")
    known = f"{section}.{key}".replace("-", "_") if key else section
    origin = f"command line --set {path}"
    return Leaf(known, {name: value} if name else _structured(known, value), origin)
