"""How does a program get its private variables and its place among the others?

supervisord runs `python -m hooks.launch [--environment FILE] [--isolate WORD] -- COMMAND…`: this
process reads the private file, adds its variables, takes the place that the word describes and
becomes the command (exec), so that pid, pipes and process group stay the program's own. Nothing
secret stands in supervisord's configuration or environment.

Leaves out: making the file (`podkeeper.start`) and the word (`settings.plan`). Every restart waits
for this process: what not every program needs is loaded where it is used.
"""

from __future__ import annotations

import os
import sys

#: What a shell answers for a command that cannot be run; supervisord shows it as exit status.
CANNOT_RUN = 127
USAGE = (
    "usage: python -m hooks.launch [--environment FILE] [--isolate WORD] -- COMMAND [ARGUMENT …]"
)
_OPTIONS = ("--environment", "--isolate")


def parse(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the options that are given, by name, and the command.

    Raises:
        ValueError: The arguments are not of the form of `USAGE`.
    """
    if "--" not in arguments:
        raise ValueError(USAGE)
    end = arguments.index("--")
    words, command = arguments[:end], arguments[end + 1 :]
    options = dict(zip(words[::2], words[1::2], strict=False))
    if not command or 2 * len(options) != len(words) or not options.keys() <= set(_OPTIONS):
        raise ValueError(USAGE)
    return options, command


def private_variables(name: str) -> dict[str, str]:
    """Return the variables in a private file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no JSON object of texts.
    """
    import json  # noqa: PLC0415 - costs 4 ms, and not every program has a file

    with open(name, "rb") as file:  # noqa: PTH123 - pathlib costs 3 ms
        variables = json.load(file)
    if not isinstance(variables, dict) or not all(isinstance(v, str) for v in variables.values()):
        raise ValueError(f"{name} is no JSON object of texts")
    return variables


def take_place(word: str) -> None:
    """Take the place that the word describes, and say what the kernel refuses.

    Raises:
        ValueError: There is no such word.
    """
    from hooks.isolate import isolate  # noqa: PLC0415 - only where a place is wanted

    program = os.environ.get("PODKEEPER_PROGRAM", "the program")
    for refused in isolate(word):
        sys.stderr.write(f"WARNING hooks.launch: cannot isolate {program} as set: {refused}\n")
    sys.stderr.flush()


def main(arguments: list[str]) -> int:
    """Become the command, or say why not and return an exit status."""
    shown = arguments[-1] if arguments else "nothing"
    try:
        options, command = parse(arguments)
        shown = command[0]
        environment = dict(os.environ)
        if "--environment" in options:
            environment.update(private_variables(options["--environment"]))
        if "--isolate" in options:
            take_place(options["--isolate"])
        os.execvpe(command[0], command, environment)  # noqa: S606 - no shell is the point
    except (OSError, ValueError) as error:
        sys.stderr.write(f"ERROR hooks.launch: cannot start {shown}: {error}\n")
    return CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
