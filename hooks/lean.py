"""Keep what nobody here needs out of memory; imported first, for its effect.

Covers: libraries that others take if they are there and do without if not (msgspec, hashlib,
urllib), and modules of the standard library that others import for what a resident program
never does: `dataclasses` for classes without a docstring, `urllib.parse` for addresses in brackets.
The first count as absent; the second are loaded when somebody first uses them.

From Python 3.11 on typing_extensions adds nothing that msgspec uses, and our own HTTP stays on this
machine, without TLS or compression. Together they would be a third of a watchdog's memory.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

UNUSED = ("typing_extensions", "ssl", "gzip", "_hashlib")
SELDOM_USED = ("inspect", "ipaddress", "shutil", "subprocess", "tempfile")


def put_off(name: str) -> None:
    """Make a module one that is loaded when something of it is first asked for.

    The library's own LazyLoader would load it at the second `import` of it.
    """
    put = ModuleType(name)

    def load(attribute: str) -> Any:
        if sys.modules.get(name) is put:
            del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)

    put.__getattr__ = load  # type: ignore[method-assign]
    sys.modules[name] = put


for each in UNUSED:
    # None is the import system's word for "not there"; what is loaded already stays.
    sys.modules.setdefault(each, None)  # type: ignore[arg-type]
for each in SELDOM_USED:
    if each not in sys.modules:
        put_off(each)
