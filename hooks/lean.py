"""Keep what nobody here needs out of memory; imported first, for its effect.

msgspec and http.client take these if they are there and do without if not. From Python 3.11 on
typing_extensions adds nothing that msgspec uses, and our own HTTP stays on this machine, without
TLS: together they would be a third of a watchdog's memory.
"""

from __future__ import annotations

import sys

UNUSED = ("typing_extensions", "ssl")

for name in UNUSED:
    # None is the import system's word for "not there"; what is loaded already stays.
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]
