"""`podkeeper config`: which settings hold, from where, and what else could be set?"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podkeeper.cli.common import settings_arguments, source_of
from podkeeper.errors import Complaint, SettingsError
from podkeeper.settings import describe
from podkeeper.settings.convert import suggestion
from podkeeper.settings.load import Loaded, load
from podkeeper.settings.schema import leaf_types, sections
from podkeeper.settings.shown import shown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from podkeeper.settings.load import Source

NAME = "config"
HELP = "show, check and describe the settings"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="show|schema|validate")
    show = verbs.add_parser("show", help="print the settings that hold; secrets are masked")
    show.add_argument("paths", nargs="*", metavar="PATH", help="a section, or section.key")
    show.add_argument("--origin", action="store_true", help="say where each value came from")
    show.add_argument("--json", action="store_true", help="print JSON")
    settings_arguments(show)
    verbs.add_parser("schema", help="print the JSON Schema of a settings file")
    validate = verbs.add_parser("validate", help="check the settings, or one file of them")
    validate.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a settings file")
    settings_arguments(validate)


def _selected(paths: list[str]) -> list[str]:
    """Return the settings that the paths name, all where none are given.

    Raises:
        SettingsError: A path is neither a section nor a setting.
    """
    known = list(leaf_types())
    chosen = []
    for path in paths:
        found = known if path not in sections() else [p for p in known if p.startswith(f"{path}.")]
        if path not in sections() and path not in known:
            complaint = Complaint("PATH", path, "command line", "no such setting", suggestion(path))
            raise SettingsError([complaint])
        chosen += found if path in sections() else [path]
    return chosen or known


def _rows(loaded: Loaded, paths: list[str]) -> Iterator[tuple[str, Any, str]]:
    """Yield path, shown value and origin, one row for each name of a table."""
    for path in paths:
        section, _, key = path.partition(".")
        value = getattr(getattr(loaded.settings, section), key)
        if isinstance(value, dict) and value:
            for name, text in value.items():
                origin = loaded.origins[f"{path}.{name}"]
                yield f"{path}.{name}", shown(path, {name: text}, origin)[name], origin
        else:
            yield path, shown(path, value, loaded.origins[path]), loaded.origins[path]


def _as_table(rows: list[tuple[str, Any, str]], *, origin: bool) -> Iterator[str]:
    written = [
        (f"{path} = {json.dumps(value, ensure_ascii=False)}", by) for path, value, by in rows
    ]
    width = min(max(len(text) for text, _ in written), 60)
    for text, by in written:
        yield f"{text:<{width}}  # {by}" if origin else text


def _as_json(rows: list[tuple[str, Any, str]], *, origin: bool) -> str:
    values = {path: {"value": value, "origin": by} for path, value, by in rows}
    plain = {path: value for path, value, _ in rows}
    return json.dumps(values if origin else plain, indent=2)


def _show(chosen: argparse.Namespace) -> int:
    rows = list(_rows(load(source_of(chosen)), _selected(chosen.paths)))
    if chosen.json:
        print(_as_json(rows, origin=chosen.origin))
        return 0
    for line in _as_table(rows, origin=chosen.origin):
        print(line)
    return 0


def _checked(chosen: argparse.Namespace) -> Source:
    """Return what to check: one file upon the defaults, or everything that holds here."""
    if chosen.file is None:
        return source_of(chosen)
    return dataclasses.replace(source_of(chosen), environ={}, config=chosen.file)


def _validate(chosen: argparse.Namespace) -> int:
    try:
        load(_checked(chosen))
    except SettingsError as error:
        for complaint in error.complaints:
            print(complaint, file=sys.stderr)
        return error.exit_code
    print("the settings are valid")
    return 0


def run(options: argparse.Namespace) -> int:
    """Do what was asked.

    Raises:
        SettingsError: `show` cannot load the settings.
    """
    if options.verb == "schema":
        print(json.dumps(describe.schema(), indent=2, ensure_ascii=False))
        return os.EX_OK
    return _show(options) if options.verb == "show" else _validate(options)
