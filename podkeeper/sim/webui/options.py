"""Which options does the simulated server have, and what happens when one is set?

As in the real server: unknown names are refused, values are not looked at, and a value of the wrong
type is saved and poisons later reads and jobs until a good one is set.
"""

from __future__ import annotations

import json
import threading
import tomllib
from importlib import resources
from typing import TYPE_CHECKING, Any

from podkeeper import atomic
from podkeeper.errors import PodkeeperError
from podkeeper.sim.webui.convert import KINDS, RefusedError, to_dict
from podkeeper.sim.webui.errors import ValidationError

if TYPE_CHECKING:
    from pathlib import Path

#: The kinds that are checked when options are read. The real server types an option by its default,
#: and only where that is neither false, zero nor empty.
_KIND_OF = {bool: "bool", int: "float", float: "float", str: "str", list: "list"}


def defaults() -> dict[str, Any]:
    """Return the options with their defaults."""
    text = resources.files(__package__).joinpath("options.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    return {
        **dict.fromkeys(table["on"], True),
        **dict.fromkeys(table["off"], False),
        **dict.fromkeys(table["empty_texts"], ""),
        **{name: [] for name in table["empty_lists"]},
        **table["values"],
        "upscaler_for_img2img": None,
        "sd_model_checkpoint": None,
        "sd_checkpoint_hash": "",
    }


class OptionsFileError(PodkeeperError):
    """The file of the options cannot be read."""

    exit_code = 2


def _read_file(file: Path) -> dict[str, Any]:
    try:
        return to_dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise OptionsFileError(f"cannot read the options in {file}: {error}") from error


class Options:
    """The options of one server, kept in a file if one is named.

    Raises:
        OptionsFileError: There is such a file and it is no JSON table.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._defaults = defaults()
        self._file = file
        self._lock = threading.RLock()
        self._values: dict[str, Any] = {}
        if file is not None and file.is_file():
            self._values = _read_file(file)

    def __getitem__(self, name: str) -> Any:
        with self._lock:
            return self._values.get(name, self._defaults[name])

    def set(self, name: str, value: object) -> None:
        """Set an option to any value whatever.

        Raises:
            KeyError: There is no such option.
        """
        with self._lock:
            if name not in self._defaults:
                raise KeyError(name)
            self._values[name] = value

    def save(self) -> None:
        """Write what differs from the defaults into the file, where there is one."""
        if self._file is not None:
            with self._lock:
                atomic.write(self._file, json.dumps(self._values, indent=4).encode())

    def answer(self) -> dict[str, Any]:
        """Return all options.

        Raises:
            ValidationError: One has a value of the wrong type.
        """
        with self._lock:
            return {name: self._read(name) for name in self._defaults}

    def _read(self, name: str) -> Any:
        value, default = self[name], self._defaults[name]
        kind = _KIND_OF.get(type(default)) if default else None
        if kind is None or type(value) is type(default):
            return value
        try:
            return KINDS[kind](value)
        except RefusedError as error:
            raise ValidationError(
                f"1 validation error for Options\nresponse -> {name}\n"
                f"  {error.text} (type={error.kind})"
            ) from None
