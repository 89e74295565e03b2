"""Would the WebUI listen to other machines?

Covers: command lines of A1111 and Forge, and what they add from COMMANDLINE_ARGS. With `--nowebui`
these listen on every interface unless told otherwise, and their API asks for no password. Pure.
Leaves out: other servers, whose words are not known; `podkeeper doctor` looks at the ports.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.settings.schema import Settings

#: What the WebUI reads its words from beside its command line.
VARIABLE = "COMMANDLINE_ARGS"
_SCRIPTS = frozenset({"launch.py", "webui.py", "webui.sh"})
_OPENINGS = ("--listen", "--share", "--ngrok")
_LOOPBACK = ("127.0.0.1", "localhost")
_NAME = "--server-name"
REMEDY = f"pass {_NAME} 127.0.0.1 alone, or set webui.allow_listen"


def _words(text: str) -> list[str]:
    """Return the words of a text; what is no command line is another rule's to refuse."""
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _server_name(words: list[str]) -> str | None:
    """Return the last address that the words name, as argparse takes it."""
    found = None
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == _NAME:
            found = following
        elif word.startswith(f"{_NAME}="):
            found = word.partition("=")[2]
    return found


def exposure(command: str, added: str = "") -> str | None:
    """Return why this command would listen to other machines, or None if nothing says so."""
    given = _words(command)
    if not any(word.rpartition("/")[2] in _SCRIPTS for word in given):
        return None
    words = given + _words(added)
    names = [word.partition("=")[0] for word in words]
    opening = next((each for each in _OPENINGS if each in names), None)
    if opening is not None:
        return f"{opening} opens it to other machines"
    address = _server_name(words)
    if address is None and {"--nowebui", "--api"} & set(names):
        return f"without {_NAME} 127.0.0.1 it listens on every interface"
    if address is not None and address not in _LOOPBACK:
        return f"{_NAME} {address} opens it to other machines"
    return None


def listening(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """Yield what is wrong with the WebUI's command, as `settings.rules` does."""
    web = settings.webui
    if web.allow_listen:
        return
    added = web.environment.get(VARIABLE, "")
    found = exposure(web.command, added)
    if found is None:
        return
    if added and exposure(web.command) is None:
        yield f"webui.environment.{VARIABLE}", added, f"{found}; {REMEDY}"
    else:
        yield "webui.command", web.command, f"{found}; {REMEDY}"
