"""What is each setting for, by the comment above it in `conf/defaults.toml`?

Covers: reading our own file's comments, and from them the JSON Schema and the page of settings.
Leaves out: what a setting may be (`settings.allowed`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from podkeeper.paths import conf_dir
from podkeeper.settings.allowed import allowed, json_schema
from podkeeper.settings.layers import PREFIX, from_table, read_toml
from podkeeper.settings.schema import leaf_types, sections

_SECTION = re.compile(r"\[(\w+)\]")
_KEY = re.compile(r"(\w+) = .*")
SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class Described:
    """One setting as `conf/defaults.toml` gives it."""

    path: str
    default: Any
    comment: str

    @property
    def variable(self) -> str:
        """Return the environment variable that sets it."""
        return PREFIX + self.path.upper().replace(".", "__")


def comments(text: str) -> dict[str, str]:
    """Return the comment above each key of a settings file written as ours is: one line a key."""
    found: dict[str, str] = {}
    section, above = "", []
    for line in text.splitlines():
        if line.startswith("#"):
            above.append(line.removeprefix("#").strip())
            continue
        if heading := _SECTION.fullmatch(line):
            section = heading[1]
        elif key := _KEY.fullmatch(line):
            found[f"{section}.{key[1]}"] = " ".join(above)
        above = []
    return found


@cache
def described() -> dict[str, Described]:
    """Return every setting by its path, in the order of the file."""
    file = conf_dir() / "defaults.toml"
    above = comments(file.read_text(encoding="utf-8"))
    leaves = from_table(read_toml(file), "default")
    return {
        leaf.path: Described(leaf.path, leaf.value, above.get(leaf.path, "")) for leaf in leaves
    }


def of_section(section: str) -> list[Described]:
    """Return the settings of one section."""
    return [each for each in described().values() if each.path.startswith(f"{section}.")]


def _section_schema(section: str) -> dict[str, Any]:
    kinds = leaf_types()
    properties = {
        each.path.partition(".")[2]: {
            "description": each.comment,
            "default": each.default,
            **json_schema(kinds[each.path]),
        }
        for each in of_section(section)
    }
    title = (sections()[section].__doc__ or "").strip()
    return {
        "type": "object",
        "description": title,
        "properties": properties,
        "additionalProperties": False,
    }


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a settings file; nothing in it is required."""
    return {
        "$schema": SCHEMA_ID,
        "title": "podkeeper settings",
        "type": "object",
        "properties": {name: _section_schema(name) for name in sections()},
        "additionalProperties": False,
    }


def _written(default: Any) -> str:
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return "empty" if default in ("", [], {}) else f"`{default}`"


def _entry(each: Described) -> str:
    kind = leaf_types()[each.path]
    return (
        f"### `{each.path}`\n\n{each.comment}\n\n"
        f"Default: {_written(each.default)}. Must be {allowed(kind)}. Environment: "
        f"`{each.variable}`.\n"
    )


def page() -> str:
    """Return docs/settings.md."""
    parts = [_PAGE_HEAD]
    for name, kind in sections().items():
        parts.append(f"## [{name}]\n\n{(kind.__doc__ or '').strip()}\n")
        parts += [_entry(each) for each in of_section(name)]
    return "\n".join(parts)


_PAGE_HEAD = """\
# Settings

Made by `make docs` from `conf/defaults.toml` and the types of the settings; change them, not this.

Layers, the highest first: the command line (`--set webui.port=3001`), the environment
(`PODKEEPER_WEBUI__PORT=3001`), files that hold a secret (`PODKEEPER_RUNPOD__API_KEY_FILE=/run/…`),
a TOML file (`--config FILE`, `PODKEEPER_CONFIG`, else `/etc/podkeeper/podkeeper.toml`), a profile
(`--profile NAME`), the defaults. One name of a table is set by
`PODKEEPER_WEBUI__ENVIRONMENT__HF_HOME=…` or `--set webui.environment.HF_HOME=…`, from a file by
`PODKEEPER_WEBUI__ENVIRONMENT__HF_TOKEN__FILE=…`. `podkeeper config show --origin` says what holds
and where it came from.
"""
