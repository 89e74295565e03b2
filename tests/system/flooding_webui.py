"""The simulated WebUI, which floods its output for as long as a file is there.

Run as: `flooding_webui.py FILE KIND PORT`.
"""

from __future__ import annotations

import os
import sys
import threading
import time

from podkeeper.sim.webui.main import main

FLOODS = {
    "lines": b"a line of a flood that nobody wants to read at all, one of many\n" * 1000,
    "no_ends": b"x" * 65536,
    "garbage": bytes(range(256)) * 256,
    "progress_bars": b"\r 50%|" + b"#" * 60 + b"\r 51%|" + b"#" * 60,
}


def flood(path: str, data: bytes) -> None:
    """Write the data as fast as it is taken, while the file is there."""
    while True:
        while os.path.exists(path):  # noqa: PTH110 - as often as it is written
            os.write(1, data)
        time.sleep(0.02)


if __name__ == "__main__":
    arguments = (sys.argv[1], FLOODS[sys.argv[2]])
    threading.Thread(target=flood, args=arguments, daemon=True).start()
    sys.exit(main(["--port", sys.argv[3]]))
