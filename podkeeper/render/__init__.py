"""Which supervisord configuration does a plan come to?

Covers: `conf/supervisord.conf.j2` filled in. Text out; writing it is the caller's (`atomic`).
Leaves out: how a value survives supervisor's parser (`render.escape`), and what the values are
(`settings.programs`).
"""

from __future__ import annotations

import functools
import math
import os
from typing import TYPE_CHECKING

import jinja2

from podkeeper.errors import RenderError
from podkeeper.paths import conf_dir
from podkeeper.render import escape

if TYPE_CHECKING:
    from pathlib import Path

    from podkeeper.settings.plan import Plan

TEMPLATE = "supervisord.conf.j2"
FILE_NAME = "supervisord.conf"

# A socket's address ends at 107 bytes (unix(7)), and supervisord first binds beside it, under its
# name with a dot and a process id of up to seven digits.
_SOCKET_PATH_LIMIT_BYTES = 107 - 8

# supervisord's "debug" writes every line of every program a second time into its own log.
_LEVELS = {"debug": "info", "info": "info", "warning": "warn", "error": "error"}


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(  # noqa: S701 - no HTML; each value goes through a filter
        loader=jinja2.FileSystemLoader(conf_dir()),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        value=escape.value,
        unexpanded=escape.unexpanded,
        log_file=escape.log_file,
        words=escape.words,
        variables=escape.variables,
        whole_seconds=math.ceil,
    )
    return environment


def _check_socket(path: Path) -> None:
    length_bytes = len(os.fsencode(path))
    if length_bytes > _SOCKET_PATH_LIMIT_BYTES:
        raise RenderError(
            f"cannot render the control socket {path}: its path is {length_bytes} bytes long, at "
            f"most {_SOCKET_PATH_LIMIT_BYTES} work; set worker.runtime_dir to a shorter one"
        )


def supervisord_conf(plan: Plan) -> str:
    """Return the configuration that makes supervisord run a plan.

    Raises:
        RenderError: A value of the plan cannot be written so that supervisor reads it unchanged.
    """
    _check_socket(plan.socket_path)
    template = _environment().get_template(TEMPLATE)
    return template.render(plan=plan, log_level=_LEVELS[plan.settings.logs.level])
