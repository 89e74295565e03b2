"""How does a program get the variables that only it may see?

supervisord runs `python -m hooks.launch --environment FILE -- COMMAND…`: this process reads the
private file, adds its variables and becomes the command (exec), so that pid, pipes and process
group stay the program's own. Nothing secret stands in supervisord's configuration or environment.

Leaves out: making the file (`podkeeper.start`).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

#: What a shell answers for a command that cannot be run; supervisord shows it as exit status.
CANNOT_RUN = 127
USAGE = "usage: python -m hooks.launch [--environment FILE] -- COMMAND [ARGUMENT …]"


def parse(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Return the private file's name, if one is given, and the command.

    Raises:
        ValueError: The arguments are not of the form of `USAGE`.
    """
    options, separator, command = (
        (arguments[: arguments.index("--")], "--", arguments[arguments.index("--") + 1 :])
        if "--" in arguments
        else (arguments, "", [])
    )
    if not separator or not command or (options and options[0] != "--environment"):
        raise ValueError(USAGE)
    if len(options) not in (0, 2):
        raise ValueError(USAGE)
    return (options[1] if options else None), command


def private_variables(name: str | None) -> dict[str, str]:
    """Return the variables in a private file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no JSON object of texts.
    """
    if name is None:
        return {}
    variables = json.loads(Path(name).read_bytes())
    if not isinstance(variables, dict) or not all(isinstance(v, str) for v in variables.values()):
        raise ValueError(f"{name} is no JSON object of texts")
    return variables


def main(arguments: list[str]) -> int:
    """Become the command, or say why not and return an exit status."""
    try:
        name, command = parse(arguments)
        environment = {**os.environ, **private_variables(name)}
        os.execvpe(command[0], command, environment)  # noqa: S606 - no shell is the point
    except (OSError, ValueError) as error:
        shown = f"cannot start {arguments[-1] if arguments else 'nothing'}: {error}"
        if "command" in locals() and command:
            shown = f"cannot start {command[0]}: {error}"
        sys.stderr.write(f"ERROR hooks.launch: {shown}\n")
    return CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
