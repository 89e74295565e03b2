"""How does every command learn which settings to use?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from podkeeper.settings.load import Source

if TYPE_CHECKING:
    import argparse


def settings_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose settings to a command."""
    group = parser.add_argument_group("settings")
    group.add_argument(
        "--config", type=Path, metavar="FILE", help="settings file (TOML); see PODKEEPER_CONFIG"
    )
    group.add_argument("--profile", metavar="NAME", help="named layer above the defaults")
    group.add_argument(
        "--set",
        dest="assignments",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="set one setting, above all other layers; may be given often",
    )


def source_of(arguments: argparse.Namespace) -> Source:
    """Return where settings are looked for, by a command's options and the environment."""
    return Source(
        environ=dict(os.environ),
        config=arguments.config,
        assignments=tuple(arguments.assignments),
        profile=arguments.profile,
    )
